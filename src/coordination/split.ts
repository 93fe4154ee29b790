/**
 * Leases in two places: the lease of the data directory stays in a file beside the data, and what
 * concerns the API key is where everybody who uses that key looks for it.
 *
 * A data directory is on one machine, so its lease has no use for a Redis, and the commands that
 * write to it without spending need neither a Redis nor the key.
 */
import { dataDirLease } from './names.ts';
import type { Checkpoints, Coordination, Leases } from './ports.ts';

/** `local` keeps the lease of the data directory, `shared` the others. Closes both. */
export function splitCoordination(parts: {
  readonly local: Coordination;
  readonly shared: Pick<Coordination, 'leases' | 'close'>;
  readonly checkpoints: Checkpoints;
}): Coordination {
  const { local, shared, checkpoints } = parts;
  const placeOf = (name: string): Leases => (name === dataDirLease ? local : shared).leases;
  return {
    leases: {
      acquire: (name, claim) => placeOf(name).acquire(name, claim),
      renew: (name, options) => placeOf(name).renew(name, options),
      release: (name, options) => placeOf(name).release(name, options),
      clear: (name) => placeOf(name).clear(name),
      list: async () => [...(await local.leases.list()), ...(await shared.leases.list())],
    },
    checkpoints,
    close: async () => {
      await shared.close();
      await local.close();
    },
  };
}
