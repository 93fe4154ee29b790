/** The coordination of the simulation keeps the contracts that every implementation keeps. */
import type { Owner } from '../../src/coordination/ports.ts';
import { checkpointsContract } from '../contract/checkpoints.ts';
import type { CoordinationFixture } from '../contract/coordination-fixture.ts';
import { leasesContract } from '../contract/leases.ts';
import { RememberedCoordination } from './remembered-coordination.ts';

async function make(): Promise<CoordinationFixture> {
  let elapsedMs = 0;
  const dead = new Set<string>();
  const time = { now: () => 1_700_000_000_000 + elapsedMs, monotonic: () => elapsedMs };
  const isProvablyDead = ({ instance }: Owner): boolean => dead.has(instance);
  const store = new RememberedCoordination({ time, isProvablyDead });
  return {
    open: async () => store,
    advance: async (ms) => {
      elapsedMs += ms;
    },
    kill: ({ instance }) => void dead.add(instance),
    finestMs: 1,
    lose: async () => store.lose(),
    close: () => store.close(),
  };
}

leasesContract('remembered', make);
checkpointsContract('remembered', make);
