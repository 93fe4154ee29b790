/** Timetables of faults: when they hit, whom, and that they hit alike each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultEpisode, faultTimetable } from '../../src/simulator/fault-timetable.ts';
import { ask, everyRow, richKeepa, startMs } from './asking.ts';

const token = { method: 'GET', path: '/token', query: {} } as const;
const deal = { method: 'POST', path: '/deal', query: {}, body: '{}' } as const;
const all = { fromMs: 100, untilMs: 200, chance: 1 } as const;
const refused: FaultEpisode = { ...all, fault: { kind: 'refused' } };

test('an episode hits from its first instant until before its end, and nobody outside it', () => {
  const hook = faultTimetable([refused], 1);
  const hits = [99, 100, 199, 200].map((nowMs) => hook(token, nowMs)?.kind);
  assert.deepEqual(hits, [undefined, 'refused', 'refused', undefined]);
});

test('an episode of one endpoint leaves the others alone', () => {
  const hook = faultTimetable([{ ...refused, endpoints: ['deal'] }], 1);
  assert.equal(hook(token, 150), undefined);
  assert.equal(hook(deal, 150)?.kind, 'refused');
});

test('the same seed hits the same requests, about as many as the chance says', () => {
  const hits = (seed: number): readonly boolean[] => {
    const hook = faultTimetable([{ ...refused, chance: 0.3 }], seed);
    return Array.from({ length: 1_000 }, () => hook(token, 150) !== undefined);
  };
  assert.deepEqual(hits(4), hits(4));
  assert.notDeepEqual(hits(4), hits(5));
  const count = hits(4).filter((isHit) => isHit).length;
  assert.ok(count > 250 && count < 350, `${count} of 1,000`);
});

test('no two answers in a row tell the same wrong rate', () => {
  const hook = faultTimetable([{ ...all, fault: { kind: 'rate-blip', ratePerMinute: 9 } }], 1);
  const kinds = Array.from({ length: 4 }, () => hook(token, 150)?.kind);
  assert.deepEqual(kinds, ['rate-blip', undefined, 'rate-blip', undefined]);
});

test('a request that hangs never reaches Keepa and costs nothing', () => {
  const keepa = richKeepa();
  const before = keepa.balance(startMs);
  keepa.setFaults(() => ({ kind: 'hang' }));
  const request = { path: '/deal', body: JSON.stringify({ ...everyRow, page: 0 }) };
  const { delivery } = keepa.begin({ ...deal, ...request, key: 'any' }, startMs);
  assert.equal(delivery, 'silence');
  ask(keepa, request);
  assert.equal(keepa.balance(startMs), before);
  assert.equal(keepa.requests.byEndpoint.deal, 0);
});
