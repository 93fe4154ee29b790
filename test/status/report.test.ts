/**
 * The report on a real database: the fields that others rely on are there, absent figures are null,
 * and a dead daemon's report says what is still known.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { spendClasses } from '../../src/broker/request.ts';
import { defaultShares } from '../../src/config.ts';
import type { LeaseEntry } from '../../src/coordination/ports.ts';
import { buildReport } from '../../src/status/report.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { buildSilentReport, emptyReport } from '../../src/status/silent-report.ts';
import type { StatusSources } from '../../src/status/sources.ts';
import { Tally } from '../../src/status/tally.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { DealReader, Store } from '../../src/store/ports.ts';
import { feed, fillStore, request, run, seenAtMs } from '../cli/filled-store.ts';
import { broker, loop, queuedClass } from './situations.ts';

const nowMs = seenAtMs + 600_000;
let directory: string;
let store: Store;
let reader: DealReader;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-report-'));
  const path = join(directory, 'deals.sqlite');
  await fillStore(path, async (writer) => {
    await writer.beginSweep(feed, { atMs: seenAtMs + 1_000, plannedMs: 60_000 });
    const old = { ...request, atMs: nowMs - 3_600_001, costTokens: 100 };
    await writer.recordRequest({ ...old, outcome: 'maybe-billed' });
    await writer.recordRequest({ ...request, atMs: nowMs - 1_000, outcome: 'refused', why: '429' });
  });
  store = await openStore({ path, mode: 'read' });
  reader = store.reader;
});
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const lease: LeaseEntry = {
  name: 'daemon-x',
  owner: { host: 'h', bootId: 'b', pidNamespace: 'p', pid: 7, startedAt: '1', instance: 'i' },
  fence: 3,
  acquiredAtMs: seenAtMs,
  renewedAtMs: seenAtMs,
  remainingMs: 1234.5,
  doing: 'working',
  store: 'store-1',
};

function sources(changes: Partial<StatusSources> = {}): StatusSources {
  return {
    clock: { now: () => nowMs, monotonic: () => nowMs },
    instance: 'i',
    tally: () => new Tally().figures(),
    progress: () => [],
    version: '1.2.3',
    dataDir: directory,
    pid: 7,
    startedAtMs: seenAtMs,
    shares: defaultShares,
    suspensions: () => new Map(),
    reader,
    phase: () => ({ name: 'active', why: 'working', sinceMs: seenAtMs }),
    broker: () =>
      broker(
        { nextAdmissionAtMs: nowMs + 1_000, tokensNeeded: 105, lastAnswerAtMs: undefined },
        { backfill: queuedClass({ waitBoundMs: 1.5 }) },
      ),
    pause: () => undefined,
    loops: () => [loop()],
    leases: async () => [lease],
    ...changes,
  };
}

/** Every key with its nesting, so that a field that went missing is seen. */
function keysOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  if (Array.isArray(value)) return value.slice(0, 1).flatMap((item) => keysOf(item, `${prefix}[]`));
  return Object.entries(value).flatMap(([key, inner]) =>
    keysOf(inner, prefix === '' ? key : `${prefix}.${key}`),
  );
}

const promised = [
  ...['schema', 'state', 'reason', 'nextActionAt', 'lastSuccessAt', 'version', 'startedAt'],
  ...['balance', 'capacity', 'refillRate', 'nextRefillAt', 'spentLastHour', 'unexplained']
    .concat('needed')
    .map((field) => `tokens.${field}`),
  ...spendClasses.flatMap((name) =>
    ['queued', 'credit', 'waitBoundMs', 'oldestWaitMs'].map((field) => `classes.${name}.${field}`),
  ),
  ...['total', 'accepted', 'rejected', 'insufficient', 'candidate', 'ended'].map(
    (field) => `deals.${field}`,
  ),
  ...['freshness.p50Ms', 'freshness.p95Ms', 'freshness.maxMs'],
];
const promisedInLists = [
  ...['name', 'rows', 'lastSweepAt', 'lastHeadAt'].map((field) => `feeds[].${field}`),
  'feeds[].sweep.nextPage',
  'leases[].name',
];

describe('a running daemon', () => {
  test('has every field that others rely on', async () => {
    const keys = new Set(keysOf(await buildReport(sources())));
    const missing = [...promised, ...promisedInLists].filter((key) => !keys.has(key));
    assert.deepEqual(missing, []);
  });

  test('says what it waits for, with instants in ISO and spans in whole milliseconds', async () => {
    const report = await buildReport(sources());
    assert.equal(report.schema, 1);
    assert.equal(report.state, 'waiting');
    assert.equal(report.nextActionAt, new Date(nowMs + 1_000).toISOString());
    assert.equal(report.tokens.needed, 105);
    assert.equal(report.classes.backfill.waitBoundMs, 2);
    assert.equal(report.leases[0]?.remainingMs, 1235);
    assert.equal(report.lastSuccessAt, new Date(seenAtMs).toISOString());
    const { total, candidate, rejected } = report.deals;
    assert.deepEqual([total, candidate, rejected], [2, 1, 1]);
    assert.equal(report.freshness.maxMs, nowMs - seenAtMs);
    assert.deepEqual(report.feeds[0]?.sweep, {
      number: 2,
      nextPage: 0,
      rows: 0,
      startedAt: new Date(seenAtMs + 1_000).toISOString(),
    });
  });

  test('without a broker yet, what only a broker knows is null and not zero', async () => {
    const report = await buildReport(
      sources({
        broker: () => undefined,
        phase: () => ({ name: 'starting', why: 'opening', sinceMs: nowMs }),
      }),
    );
    assert.equal(report.state, 'starting');
    const { balance, capacity, refillRate, needed, unexplained, spentLastHour } = report.tokens;
    assert.deepEqual([balance, capacity, refillRate, needed, unexplained], Array(5).fill(null));
    assert.equal(report.classes.head.queued, null);
    // From the ledger: 5 of the answer, 5 of the last second; the 100 are older than an hour.
    assert.equal(spentLastHour, 10);
  });
});

describe('a daemon that does not answer', () => {
  const silence = (hangs?: string) => ({ nowMs, dataDir: directory, hangs, reader });

  test('has the same fields as a running one', async () => {
    const keys = new Set(keysOf(await buildSilentReport(silence())));
    const inFeeds = promisedInLists.filter((key) => key.startsWith('feeds'));
    assert.deepEqual(
      [...promised, ...inFeeds].filter((key) => !keys.has(key)),
      [],
    );
    const empty = new Set(keysOf(emptyReport(silence())));
    assert.deepEqual(
      promised.filter((key) => !empty.has(key)),
      [],
    );
  });

  test('is stopped, with its last balance and when that was told', async () => {
    const report = await buildSilentReport(silence());
    assert.equal(report.state, 'stopped');
    assert.match(report.reason, /process 4242 is gone/);
    assert.equal(report.version, '9.9.9');
    assert.equal(report.pid, null);
    assert.deepEqual(
      [report.tokens.balance, report.tokens.balanceAt],
      [42, new Date(nowMs - 1_000).toISOString()],
    );
    assert.equal(report.lastSuccessAt, new Date(seenAtMs).toISOString());
    assert.equal(report.nextActionAt, null);
  });

  test('that hangs is stalled, with its pid', async () => {
    const report = await buildSilentReport(silence('no answer in 2000 ms'));
    assert.deepEqual([report.state, report.pid], ['stalled', 4242] satisfies [
      StatusReport['state'],
      number,
    ]);
    assert.match(report.reason, /process 4242 hangs: no answer in 2000 ms/);
  });

  test('that said goodbye is quoted', async () => {
    const path = join(directory, 'ended.sqlite');
    await fillStore(path, (writer) =>
      writer.recordRun({ ...run, stoppedAtMs: nowMs, stopReason: 'SIGTERM' }),
    );
    const ended = await openStore({ path, mode: 'read' });
    const report = await buildSilentReport({ ...silence(), reader: ended.reader });
    await ended.close();
    assert.equal(report.reason, 'it ended: SIGTERM');
    assert.equal(report.stoppedAt, new Date(nowMs).toISOString());
  });

  test('that never ran is told from one that died', () => {
    assert.match(emptyReport(silence()).reason, /nothing has run in .* yet/);
  });
});
