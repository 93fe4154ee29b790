/**
 * The places where coordination is kept, for the commands that look after it: the file in the data
 * directory and, for every API key, the Redis that is configured or else the locks of this host.
 *
 * A daemon need not run for it, nor the key be known: leases are named by its hash. Looking must
 * not make a file where there was none.
 */
import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import {
  type Checkpoints,
  CoordinationAwayError,
  CoordinationRefusedError,
  type Leases,
  type Owner,
} from '../coordination/ports.ts';
import type { RedisLeases } from '../coordination/redis-leases.ts';
import type { RedisPlace } from '../coordination/redis-url.ts';
import { systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import { isProvablyDead, readProcessIdentity } from '../runtime/process-identity.ts';
import { CliError } from './cli-error.ts';
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
  /** What stands there in the place of leases; absent where nothing else can stand. */
  readonly garbage?: Pick<RedisLeases, 'unreadable' | 'clearUnreadable'>;
}

export interface Places {
  readonly config: Config;
  /** Where the key may be found besides the environment. */
  readonly keyFile: string | undefined;
  readonly places: readonly CoordinationPlace[];
}

/** For who only looks: told of a place that fails, which then fails nothing else. */
export type OnUnread = (error: unknown) => void;

/**
 * Runs `work` on every place there is, or with `onUnread` that can be opened, and closes them.
 *
 * @throws ConfigError, CliError, CoordinationAwayError, CoordinationRefusedError; what `work`
 * throws.
 */
export async function withPlaces<T>(
  flags: CoordinationFlags,
  context: CliContext,
  work: (places: Places) => Promise<T>,
  onUnread?: OnUnread,
): Promise<T> {
  const { env, cwd, terminal } = context;
  const { config, keyFile } = loadConfig({ flags, env, cwd });
  const onNotice = (notice: string): void => terminal.say(`keepa-deals: ${notice}`);
  await using opened = new AsyncDisposableStack();
  const redis = redisPlaceOf(config, context.secrets);
  const places = [
    ...(await unlessUnread(localPlace(config, { opened, onNotice }), onUnread)),
    ...(await hostPlaces(config, { opened, onNotice, onUnread, env })),
    ...(await unlessUnread(sharedPlaces(redis, { opened, onNotice }), onUnread)),
  ];
  return await work({ config, keyFile, places });
}

/** What all of them answer to a question; with `onUnread` those that do. @throws what they throw */
export async function askEach<T>(
  { places }: Places,
  question: (place: CoordinationPlace) => Promise<readonly T[]>,
  onUnread?: OnUnread,
): Promise<readonly T[]> {
  const answers = places.map((place) => unlessUnread(question(place), onUnread));
  return (await Promise.all(answers)).flat();
}

async function unlessUnread<T>(
  asking: Promise<readonly T[]>,
  onUnread: OnUnread | undefined,
): Promise<readonly T[]> {
  try {
    return await asking;
  } catch (error) {
    if (onUnread === undefined || !isOfPlace(error)) throw error;
    onUnread(error);
    return [];
  }
}

/** Whether it is the place that fails, and not we. */
function isOfPlace(error: unknown): boolean {
  const kinds = [CoordinationAwayError, CoordinationRefusedError, CliError];
  return kinds.some((kind) => error instanceof kind);
}

/**
 * After all that could be read was printed: what could not be.
 *
 * @throws the first; the others are said.
 */
export function tellUnread(
  unread: readonly unknown[],
  { terminal }: Pick<CliContext, 'terminal'>,
): void {
  const [first, ...others] = unread;
  for (const error of others) terminal.say(`keepa-deals: ${describeError(error)}`);
  if (first !== undefined) throw first;
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

/** @throws without `onUnread`, what kept the first of those files shut that could not be opened. */
async function hostPlaces(
  { redisUrl }: Config,
  {
    opened,
    onNotice,
    onUnread,
    env,
  }: Opening & Pick<CliContext, 'env'> & { readonly onUnread: OnUnread | undefined },
): Promise<CoordinationPlace[]> {
  if (redisUrl !== undefined) return [];
  const owner: Owner = { ...readProcessIdentity(), instance: 'command-line' };
  const found = await hostLeases({ env, owner, onNotice });
  for (const { close } of found.places) opened.defer(close);
  for (const error of found.unread) {
    if (onUnread === undefined) throw error;
    onUnread(error);
  }
  return found.places.map(({ path, keyHash, leases, checkpoints }) => ({
    name: path,
    keyHash,
    leases,
    checkpoints,
  }));
}

async function sharedPlaces(
  place: RedisPlace | undefined,
  { opened, onNotice }: Opening,
): Promise<CoordinationPlace[]> {
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
    garbage: leases,
  }));
}
