/** Every ending is told, whole, and a great many of them fit the log's budget. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logEndings } from '../../src/actors/ending-lines.ts';
import { createLog } from '../../src/runtime/log-writer.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import type { Ending } from '../../src/store/judging-ports.ts';
import { asinOf } from './judging-world.ts';

const minuteMs = 60_000;

function endings(count: number, change: Partial<Ending> = {}): readonly Ending[] {
  return Array.from({ length: count }, (_, index) => ({
    asin: asinOf(index),
    domainId: 1,
    priceType: 2,
    feed: 'books',
    reason: 'absent' as const,
    unseenMs: (5_000 + index) * minuteMs,
    ...change,
  }));
}

/** What the log writes of it at `info`, within its budget. */
function written(rows: readonly Ending[]): readonly Record<string, unknown>[] {
  const lines: string[] = [];
  const log = createLog({
    clock: new VirtualClock(0),
    write: (text) => lines.push(text),
    format: 'json',
    level: 'info',
    secrets: [],
    colour: false,
  });
  logEndings(log, rows);
  log.flush();
  return lines.map((line) => JSON.parse(line));
}

/** Every row that the lines tell of, with its age. */
function told(lines: readonly Record<string, unknown>[]): ReadonlyMap<string, number> {
  const pairs = lines.flatMap(({ asin, unseenMinutes, asinsWithUnseenMinutes }) =>
    asinsWithUnseenMinutes === undefined
      ? [[String(asin), Number(unseenMinutes)] as const]
      : String(asinsWithUnseenMinutes)
          .split(' ')
          .map((entry) => [entry.slice(0, 10), Number(entry.slice(11))] as const),
  );
  return new Map(pairs);
}

test('fifty rows have a line each, with reason and age', () => {
  const lines = written(endings(50));
  assert.deepEqual([...told(lines)].at(-1), [asinOf(49), 5_049]);
  assert.ok(lines.every(({ event, reason }) => event === 'ended' && reason === 'absent'));
  assert.equal(lines.length, 50);
});

test('of five thousand rows each is in the log, whole, within its budget', () => {
  const lines = written(endings(5_000));
  const ages = told(lines);
  assert.equal(ages.size, 5_000);
  for (const { asin, unseenMs } of endings(5_000))
    assert.equal(ages.get(asin), unseenMs / minuteMs);
  assert.ok(lines.length < 150, `${lines.length} lines`);
  const shared = lines.filter(({ event }) => event === 'ended-more');
  const rows = shared.reduce((sum, line) => sum + Number(line.rows), 0);
  assert.equal(rows, 4_950);
});

test('rows of different feeds, reasons, marketplaces or price types share no line', () => {
  const rows = [
    ...endings(50),
    ...endings(1, { feed: 'toys' }),
    ...endings(1, { reason: 'not-seen' }),
    ...endings(1, { domainId: 3 }),
    ...endings(2, { priceType: 1 }),
  ];
  const lines = written(rows).slice(50);
  assert.deepEqual(
    lines.map(({ feed, reason, domainId, priceType, rows }) => [
      feed,
      reason,
      domainId,
      priceType,
      rows,
    ]),
    [
      ['toys', 'absent', 1, 2, 1],
      ['books', 'not-seen', 1, 2, 1],
      ['books', 'absent', 3, 2, 1],
      ['books', 'absent', 1, 1, 2],
    ],
  );
});
