/**
 * A disk that is full for longer than a day, in virtual time: nobody is there to restart anything,
 * so the daemon has to live through it, spend nothing, and go on by itself when there is room.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import type { DealWriter, Store } from '../../src/store/ports.ts';
import { Simulation } from './simulated-daemon.ts';

const hourMs = 3_600_000;

function paid({ keepa }: Simulation): number {
  return Object.values(keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
}

/** The store, of which no write succeeds while `isFull`; SQLite needs new pages for some only. */
function onDisk(store: Store, isFull: () => boolean): Store {
  const guarded = (writer: DealWriter): DealWriter =>
    new Proxy(writer, {
      get: (target, name, receiver) =>
        isFull()
          ? () => Promise.reject(new SqliteFile.SqliteError('disk is full', 'SQLITE_FULL'))
          : Reflect.get(target, name, receiver),
    });
  return { ...store, reader: store.reader, writer: (fence) => guarded(store.writer(fence)) };
}

test('thirty hours of a full disk end nothing, cost nothing and are got over', async () => {
  let isFull = false;
  const simulation = new Simulation({
    ...{ seed: 5, ratePerMinute: 5, rows: 40 },
    wrap: (outside) => ({ ...outside, store: onDisk(outside.store, () => isFull) }),
  });
  try {
    await simulation.start();
    await simulation.clock.advanceBy(2 * hourMs);
    let end: string | undefined;
    void simulation.daemon.ended.then(({ reason }) => {
      end = reason;
    });
    isFull = true;
    await simulation.clock.advanceBy(hourMs);
    const spent = paid(simulation);
    // Longer than the listings remember: whoever notes such a gap has to write, too.
    await simulation.clock.advanceBy(29 * hourMs);
    assert.equal(end, undefined);
    assert.equal(paid(simulation), spent);
    isFull = false;
    await simulation.clock.advanceBy(2 * hourMs);
    assert.ok(paid(simulation) > spent, 'it does not go on');
    const [feed] = await simulation.store.reader.feeds();
    assert.ok((feed?.lastSweepAtMs ?? 0) > simulation.clock.now() - 2 * hourMs);
    await simulation.stop();
  } finally {
    simulation.dispose();
  }
});
