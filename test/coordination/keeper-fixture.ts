/**
 * Keepers of leases over a real file, in virtual time; a new file and a new clock for each test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import { LeaseKeeper, leaseTimes, type Taken } from '../../src/coordination/lease-keeper.ts';
import type { LeaseSet, TakeOptions } from '../../src/coordination/lease-set.ts';
import type { Coordination, Leases } from '../../src/coordination/ports.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';

const startMs = Date.UTC(2026, 5, 1);
let directory: string;
export let clock: VirtualClock;
export let coordination: Coordination;
/** How often a keeper told that its lease turned. */
export let turned: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-keeper-'));
  clock = new VirtualClock(startMs);
  turned = 0;
  coordination = await openEmbeddedCoordination({
    path: join(directory, 'coordination.sqlite'),
    clock,
    bootClock: { bootId: 'boot-1', sinceBootMs: () => clock.monotonic() },
    host: 'host-1',
    isProvablyDead: () => false,
    onNotice: () => {},
  });
});

afterEach(async () => {
  await coordination.close();
  rmSync(directory, { recursive: true });
});

export function optionsFor(instance: string, leases: Leases = coordination.leases) {
  return {
    leases,
    owner: ownerNamed(instance),
    clock,
    log: new RecordedLog(),
    times: leaseTimes,
    doing: () => 'testing',
    onTurned: () => {
      turned += 1;
    },
  };
}

export function keeper(instance: string, leases?: Leases): LeaseKeeper {
  return new LeaseKeeper({ ...optionsFor(instance, leases), name: 'daemon-test' });
}

export function take(
  who: LeaseKeeper | LeaseSet,
  options: Partial<TakeOptions> = {},
): Promise<Taken> {
  const { signal } = new AbortController();
  return who.take({ fenceFloor: async () => 0, onAway: () => undefined, signal, ...options });
}
