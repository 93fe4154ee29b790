/**
 * The first writes of a life, while another program keeps the database locked: tried again and
 * again, said once, and left at once when the daemon is told to stop. In virtual time.
 */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { onceUnlocked } from '../src/daemon-database.ts';
import { VirtualClock } from '../src/simulator/virtual-clock.ts';
import { StoreOpenError } from '../src/store/store-open-error.ts';
import { RecordedLog } from './runtime/recorded-log.ts';

let clock: VirtualClock;
let log: RecordedLog;
let entered: string[];
let triedMs: number[];
beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 5, 1));
  log = new RecordedLog();
  entered = [];
  triedMs = [];
});

/** The wait, on a database that fails with these errors in turn, and then takes what is written. */
function waiting(errors: readonly unknown[], signal = new AbortController().signal) {
  const fromMs = clock.monotonic();
  return onceUnlocked({
    clock,
    log,
    signal,
    step: async () => {
      triedMs.push(clock.monotonic() - fromMs);
      const error = errors[triedMs.length - 1];
      if (error !== undefined) throw error;
      return 'written';
    },
    enter: (name) => entered.push(name),
  });
}

const opening = new StoreOpenError('deals.sqlite', { reason: 'locked', why: 'database is locked' });
/** As the driver throws it inside a later transaction. */
const busy = Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });

test('a lock is waited for, whichever step has met it, and said once', async () => {
  const written = waiting([opening, busy, busy]);
  await clock.advanceBy(10_000);
  assert.equal(await written, 'written');
  assert.deepEqual(triedMs, [0, 1_000, 2_000, 3_000]);
  assert.deepEqual(entered, ['blocked', 'starting']);
  assert.deepEqual(
    log.said.map(({ event }) => event),
    ['database-locked', 'database-free'],
  );
});

test('a database that is free is not spoken of', async () => {
  assert.equal(await waiting([]), 'written');
  assert.deepEqual([entered, log.said], [[], []]);
});

test('told to stop it tries no more', async () => {
  const stopping = new AbortController();
  const written = waiting(Array(1_000).fill(busy), stopping.signal);
  await clock.advanceBy(2_500);
  stopping.abort();
  assert.equal(await written, undefined);
  assert.equal(triedMs.length, 3);
});

test('room on the disk is waited for, and each reason said once', async () => {
  const full = new StoreOpenError('deals.sqlite', { reason: 'disk-full', why: 'disk is full' });
  const late = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  const written = waiting([full, late, busy]);
  await clock.advanceBy(10_000);
  assert.equal(await written, 'written');
  assert.deepEqual(entered, ['blocked', 'blocked', 'starting']);
  assert.deepEqual(
    log.said.map(({ event }) => event),
    ['database-full', 'database-locked', 'database-free'],
  );
});

test('what no wait can mend is not waited for', async () => {
  const newer = new StoreOpenError('deals.sqlite', { reason: 'newer-schema', why: 'it is newer' });
  await assert.rejects(waiting([newer]), { reason: 'newer-schema' });
  assert.deepEqual([triedMs, entered], [[0], []]);
});
