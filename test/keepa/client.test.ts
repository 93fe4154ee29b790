/**
 * The client: it never rejects, never waits longer than its deadline, and never sends what Keepa
 * would not answer. Time is virtual.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeepaClient } from '../../src/keepa/client.ts';
import {
  type Transport,
  TransportError,
  type WireRequest,
  type WireResponse,
} from '../../src/keepa/transport.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import {
  decodedEnvelope,
  envelope,
  json,
  newYear,
  productCall,
  tokenCall,
} from './wire-fixtures.ts';

type Send = (request: WireRequest, signal: AbortSignal) => Promise<WireResponse>;

/** A client whose transport does as told, and keeps what it was given. */
function clientOn(send: Send) {
  const clock = new VirtualClock(newYear.ms);
  const sent: WireRequest[] = [];
  const closed: string[] = [];
  const transport: Transport = {
    send: (request, signal) => {
      sent.push(request);
      return send(request, signal);
    },
    close: async () => {
      closed.push('transport');
    },
  };
  return { client: createKeepaClient({ transport, clock }), clock, sent, closed };
}

/** A transport that hangs until it is aborted, then says how far it had got. */
function hangsUntilAborted(sent: boolean): Send {
  return (_request, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new TransportError('aborted at https://host/?key=secret', { sent }));
      });
    });
}

const neverAborted = new AbortController().signal;

test('an answer is decoded and leaves no timer behind', async () => {
  const { client, clock, sent } = clientOn(async () => json(envelope()));
  const outcome = await client.call(tokenCall, neverAborted);
  assert.deepEqual(outcome, { kind: 'answered', answer: null, envelope: decodedEnvelope });
  assert.deepEqual(sent, [{ method: 'GET', path: '/token', query: {} }]);
  assert.equal(clock.pending, 0);
});

test('a call Keepa would not answer as meant never reaches the wire', async () => {
  const { client, sent } = clientOn(async () => json(envelope()));
  const outcome = await client.call({ ...productCall, offers: 10 }, neverAborted);
  assert.deepEqual(outcome, {
    kind: 'permanent',
    reason: 'bad-request',
    status: 0,
    why: '10 offers cannot be asked for; allowed: 20 to 100, or none',
    envelope: undefined,
  });
  assert.deepEqual(sent, []);
});

test('a request that never left is unavailable, one that did is maybe billed', async () => {
  for (const [sent, kind] of [
    [false, 'unavailable'],
    [true, 'maybe-billed'],
  ] as const) {
    const { client } = clientOn(async () => {
      throw new TransportError('connection refused (ECONNREFUSED)', { sent });
    });
    const outcome = await client.call(tokenCall, neverAborted);
    assert.equal(outcome.kind, kind);
    assert.equal('why' in outcome && outcome.why, 'connection refused (ECONNREFUSED)');
  }
});

test('after 120 s without an answer the request is aborted and maybe billed', async () => {
  const { client, clock } = clientOn(hangsUntilAborted(true));
  const outcomes: unknown[] = [];
  const pending = client.call(tokenCall, neverAborted).then((outcome) => outcomes.push(outcome));
  await clock.advanceBy(119_999);
  assert.deepEqual(outcomes, []);
  await clock.advanceBy(1);
  await pending;
  assert.deepEqual(outcomes, [{ kind: 'maybe-billed', why: 'no answer in 120 s' }]);
  assert.equal(clock.pending, 0);
});

test('a deadline that ends a request still waiting for its connection costs nothing', async () => {
  const { client, clock } = clientOn(hangsUntilAborted(false));
  const pending = client.call(tokenCall, neverAborted);
  await clock.advanceBy(120_000);
  assert.deepEqual(await pending, {
    kind: 'unavailable',
    status: undefined,
    why: 'no answer in 120 s',
  });
});

test('a transport that ignores its signal holds nobody: after 5 s the worst holds', async () => {
  const { client, clock } = clientOn(() => new Promise(() => undefined));
  const pending = client.call(tokenCall, neverAborted);
  await clock.advanceBy(125_000);
  assert.deepEqual(await pending, { kind: 'maybe-billed', why: 'no answer in 120 s' });
  assert.equal(clock.pending, 0);
});

test('the caller can end the wait, before it was sent or after', async () => {
  const { client, sent } = clientOn(hangsUntilAborted(true));
  const before = await client.call(tokenCall, AbortSignal.abort());
  assert.equal(before.kind, 'unavailable');
  assert.deepEqual(sent, []);
  const controller = new AbortController();
  const pending = client.call(tokenCall, controller.signal);
  controller.abort();
  assert.deepEqual(await pending, { kind: 'maybe-billed', why: 'cancelled' });
});

test('a transport that breaks its promise is an outcome, and its text goes nowhere', async () => {
  const failures: Send[] = [
    () => {
      throw new TypeError('fetch failed: https://api.keepa.com/token?key=secret');
    },
    async () => {
      throw 'https://api.keepa.com/token?key=secret';
    },
  ];
  for (const fail of failures) {
    const { client, clock } = clientOn(fail);
    const outcome = await client.call(tokenCall, neverAborted);
    assert.equal(outcome.kind, 'maybe-billed');
    assert.doesNotMatch(JSON.stringify(outcome), /secret/);
    assert.equal(clock.pending, 0);
  }
});

test('closing the client closes its transport', async () => {
  const { client, closed } = clientOn(async () => json(envelope()));
  await client.close();
  assert.deepEqual(closed, ['transport']);
});
