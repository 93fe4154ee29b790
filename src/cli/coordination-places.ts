/**
 * The places where coordination is kept, for the commands that look after it: the file in the data
 * directory and, for every API key, the Redis that is configured or else the locks of this host.
 *
 * A daemon need not run for it, nor the key be known: leases are named by its hash. Looking must
 * not make a file where there was none.
 */
import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import type { Checkpoints, Leases, Owner } from '../coordination/ports.ts';
import { systemClock } from '../runtime/clock.ts';
import { isProvablyDead, readProcessIdentity } from '../runtime/process-identity.ts';
import type { CliContext } from './context.ts';
import { coordinationPath } from './data-dir.ts';
import { hostLeases } from './host-leases.ts';
import { openLeases } from './open-data-dir.ts';
import type { PlaceFlags } from './reading.ts';
import { redisPlaceOf } from './redis.ts';

export interface CoordinationFlags extends PlaceFlags {
  readonly redisUrl?: string;
}

export interface CoordinationPlace {
  /** For people; in JSON as `kept`. */
  readonly name: string;
  /** Kept for this API key; undefined: for the data directory. */
  readonly keyHash: string | undefined;
  readonly leases: Leases;
  readonly checkpoints: Checkpoints;
}

export interface Places {
  readonly config: Config;
  /** Where the key may be found besides the environment. */
  readonly keyFile: string | undefined;
  readonly places: readonly CoordinationPlace[];
}

/**
 * Runs `work` on every place there is, and closes them.
 *
 * @throws ConfigError, CliError, CoordinationAwayError, CoordinationRefusedError; what `work`
 * throws.
 */
export async function withPlaces<T>(
  flags: CoordinationFlags,
  context: CliContext,
  work: (places: Places) => Promise<T>,
): Promise<T> {
  const { env, cwd, terminal } = context;
  const { config, keyFile } = loadConfig({ flags, env, cwd });
  const onNotice = (notice: string): void => terminal.say(`keepa-deals: ${notice}`);
  await using opened = new AsyncDisposableStack();
  const places = [
    ...(await localPlace(config, { opened, onNotice })),
    ...(await hostPlaces(config, { opened, onNotice, env })),
    ...(await sharedPlaces(config, { opened, onNotice, secrets: context.secrets })),
  ];
  return await work({ config, keyFile, places });
}

interface Opening {
  readonly opened: AsyncDisposableStack;
  onNotice(notice: string): void;
}

async function localPlace({ dataDir }: Config, opening: Opening): Promise<CoordinationPlace[]> {
  const path = coordinationPath(dataDir);
  if (!existsSync(path)) return [];
  const owner: Owner = { ...readProcessIdentity(), instance: 'command-line' };
  const log = {
    warn: (event: string, fields?: { readonly notice?: unknown }) =>
      opening.onNotice(String(fields?.notice ?? event)),
  };
  const { leases, checkpoints, close } = await openLeases(dataDir, owner, {
    clock: systemClock(),
    log,
  });
  opening.opened.defer(close);
  return [{ name: path, keyHash: undefined, leases, checkpoints }];
}

async function hostPlaces(
  { redisUrl }: Config,
  { opened, onNotice, env }: Opening & Pick<CliContext, 'env'>,
): Promise<CoordinationPlace[]> {
  if (redisUrl !== undefined) return [];
  const owner: Owner = { ...readProcessIdentity(), instance: 'command-line' };
  const found = await hostLeases({ env, owner, onNotice });
  for (const { close } of found) opened.defer(close);
  return found.map(({ path, keyHash, leases, checkpoints }) => ({
    name: path,
    keyHash,
    leases,
    checkpoints,
  }));
}

async function sharedPlaces(
  config: Config,
  { opened, onNotice, secrets }: Opening & { readonly secrets: Set<string> },
): Promise<CoordinationPlace[]> {
  const place = redisPlaceOf(config, secrets);
  if (place === undefined) return [];
  const { openSharedRedis } = await import('../coordination/redis.ts');
  const self = readProcessIdentity();
  const { spenders, close } = await openSharedRedis({
    place,
    isProvablyDead: (owner) => isProvablyDead(owner, self),
    onNotice,
  });
  opened.defer(close);
  return spenders.map(({ keyHash, leases, checkpoints }) => ({
    name: `${place.text} {${keyHash}}`,
    keyHash,
    leases,
    checkpoints,
  }));
}
