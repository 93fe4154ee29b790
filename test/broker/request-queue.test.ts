import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpendClass } from '../../src/broker/request.ts';
import { RequestQueue } from '../../src/broker/request-queue.ts';
import { dealCall } from './broker-world.ts';

type Queue = RequestQueue<string>;

function add(queue: Queue, payload: string, spendClass: SpendClass = 'upsert', nowMs = 0): number {
  return queue.add({ spendClass, call: dealCall, payload, nowMs }).id;
}

function send(queue: Queue, id: number): void {
  queue.move(id, 'admitted');
  queue.move(id, 'in-flight');
}

const states = [
  'queued',
  'admitted',
  'in-flight',
  'settled',
  'dead',
  'cancelled',
  'too-large',
] as const;

interface Way {
  readonly from: string;
  arrive(queue: Queue, id: number): void;
  readonly legal: readonly (typeof states)[number][];
}

/** How to get into each state that has a way out, and where it leads. */
const ways: readonly Way[] = [
  { from: 'queued', arrive: () => undefined, legal: ['admitted', 'cancelled', 'too-large'] },
  {
    from: 'admitted',
    arrive: (queue, id) => queue.move(id, 'admitted'),
    legal: ['in-flight'],
  },
  { from: 'in-flight', arrive: send, legal: ['queued', 'settled', 'dead'] },
  {
    from: 'retrying',
    arrive: (queue, id) => {
      send(queue, id);
      queue.retry(id, 100);
    },
    legal: ['queued', 'cancelled'],
  },
];

describe('request queue: moves', () => {
  for (const { from, arrive, legal } of ways) {
    it(`goes from ${from} where the diagram says and nowhere else`, () => {
      for (const to of states) {
        const queue: Queue = new RequestQueue();
        const id = add(queue, 'a');
        arrive(queue, id);
        if (legal.includes(to)) queue.move(id, to);
        else assert.throws(() => queue.move(id, to), /cannot go from/, `${from} to ${to}`);
      }
    });
  }

  it('enters backoff from in-flight only', () => {
    for (const { from, arrive } of ways) {
      const queue: Queue = new RequestQueue();
      const id = add(queue, 'a');
      arrive(queue, id);
      if (from === 'in-flight') queue.retry(id, 100);
      else assert.throws(() => queue.retry(id, 100), /cannot go from/, from);
    }
  });

  it('lets nothing move once it has ended', () => {
    const queue: Queue = new RequestQueue();
    const id = add(queue, 'a');
    queue.move(id, 'cancelled');
    assert.throws(() => queue.move(id, 'admitted'), /has ended/);
    assert.equal(queue.find(id), undefined);
  });
});

describe('request queue: order', () => {
  it('takes the older first within a class', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    assert.equal(queue.head('upsert')?.payload, 'first');
    send(queue, first);
    assert.equal(queue.head('upsert')?.payload, 'second');
    assert.equal(queue.head('backfill'), undefined);
  });

  it('keeps the place of a request that was refused', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    send(queue, first);
    queue.move(first, 'queued');
    assert.equal(queue.head('upsert')?.payload, 'first');
    assert.equal(queue.find(first)?.attempts, 0);
  });

  it('has no head in backoff, and puts it back into its place afterwards', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    send(queue, first);
    queue.retry(first, 500);
    assert.equal(queue.head('upsert'), undefined);
    add(queue, 'second');
    assert.equal(queue.head('upsert')?.payload, 'second');
    assert.equal(queue.nextReadyAtMs(), 500);
    queue.wake(499);
    assert.equal(queue.head('upsert')?.payload, 'second');
    queue.wake(500);
    assert.equal(queue.head('upsert')?.payload, 'first');
    assert.equal(queue.find(first)?.attempts, 1);
  });

  it('counts what is under way or in backoff as work of the class', () => {
    const queue: Queue = new RequestQueue();
    const id = add(queue, 'a');
    send(queue, id);
    assert.equal(queue.workOf('upsert')?.payload, 'a');
    queue.retry(id, 500);
    assert.equal(queue.workOf('upsert')?.payload, 'a');
    queue.wake(500);
    queue.move(id, 'cancelled');
    assert.equal(queue.workOf('upsert'), undefined);
  });
});

describe('request queue: promises', () => {
  it('gives a head an earlier turn when that can be, and never takes it back', () => {
    const queue: Queue = new RequestQueue();
    add(queue, 'first');
    const marked = (overdueAtMs: number): number => {
      queue.markHead('upsert', overdueAtMs);
      return queue.overdueAtMs(queue.head('upsert') ?? assert.fail());
    };
    assert.equal(marked(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
    assert.deepEqual([5_000, 1_000, 9_000].map(marked), [5_000, 1_000, 1_000]);
  });

  it('keeps the promise made to a head, and makes a new one to the next', () => {
    const queue: Queue = new RequestQueue();
    const first = add(queue, 'first');
    add(queue, 'second');
    const due = (): number => {
      const head = queue.head('upsert');
      assert.ok(head);
      return queue.overdueAtMs(head);
    };
    assert.equal(due(), Number.POSITIVE_INFINITY, 'no promise was made yet');
    queue.markHead('upsert', 1_000);
    queue.markHead('upsert', 9_000);
    assert.equal(due(), 1_000);
    send(queue, first);
    assert.equal(due(), Number.POSITIVE_INFINITY);
    queue.markHead('upsert', 9_000);
    assert.equal(due(), 9_000);
  });
});
