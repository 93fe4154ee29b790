/**
 * Rounds of kill -9 at random moments, each with a restart at once, and what they cost: promises P1
 * and P2 in figures.
 *
 * Method: the real command against a Keepa that remembers what was bought (watched-keepa.ts). After
 * each kill the database and the checkpoint are read; after each restart the first things bought
 * tell what is bought a second time.
 */
import { checkpointName } from '../../src/actors/cursor.ts';
import { coordinationPath, databasePath } from '../../src/cli/data-dir.ts';
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import type { Coordination } from '../../src/coordination/ports.ts';
import { redisCoordination } from '../../src/coordination/redis.ts';
import { parseRedisUrl } from '../../src/coordination/redis-url.ts';
import { systemBootClock } from '../../src/runtime/boot-clock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Sweep } from '../../src/store/ports.ts';
import { RedisServer } from '../coordination/redis-process.ts';
import { withinRound } from './rounds-report.ts';
import { Place } from './run-cli.ts';
import { type Bought, WatchedKeepa, watchedKey, watchedToml } from './watched-keepa.ts';

export interface CrashRound {
  /** From the start of the process to its first paid request. */
  readonly toWorkMs: number;
  readonly workedMs: number;
  readonly rows: number;
  /** Rows that were there after the kill before, and are not now. */
  readonly rowsLost: number;
  /** Responses of this life whose work was bought again in a later one. */
  readonly paidTwice: number;
  /** Pages by which the checkpoint was ahead of the store; 0 or less is right. */
  readonly checkpointAhead: number;
}

interface Plan {
  readonly rounds: number;
  readonly seed: number;
  readonly kept: 'embedded' | 'redis';
  /** Called after each round, with as much as is known of it by then. */
  onRound?(round: Omit<CrashRound, 'paidTwice'>): void;
  /** A round works for up to so long before it is killed. */
  readonly workMsMax: number;
}

const toml = `${watchedToml}
[freshness]
sweep_minutes = 1
`;

/** What was bought from one start to its kill, and the sweep that was open then. */
interface Life {
  readonly bought: readonly Bought[];
  readonly sweep: number | undefined;
}

/** What is there after a kill. */
interface Remains {
  readonly openSweep: number | undefined;
  readonly asins: ReadonlySet<string>;
  readonly sweep: Sweep | undefined;
  readonly checkpoint: unknown;
}

/** Runs the rounds; the last process is killed as well. */
export async function crashRounds(plan: Plan): Promise<readonly CrashRound[]> {
  await using ending = new AsyncDisposableStack();
  const place = new Place();
  ending.defer(() => place.remove());
  place.write('keepa-deals.toml', toml);
  const keepa = await WatchedKeepa.start({ rows: 9_000, ratePerMinute: 600 });
  ending.defer(() => keepa.close());
  const redis =
    plan.kept === 'redis' ? await RedisServer.start({ persistence: 'none' }) : undefined;
  if (redis !== undefined) ending.defer(() => redis.remove());
  const env = { ...keepa.env, ...(redis && { KEEPA_DEALS_REDIS_URL: redis.url }) };
  const random = seededRandom(plan.seed);
  const clock = systemClock();
  const rounds: Omit<CrashRound, 'paidTwice'>[] = [];
  const lives: Life[] = [];
  let before: ReadonlySet<string> = new Set();
  for (let round = 1; round <= plan.rounds; round += 1) {
    const sofar = keepa.bought.length;
    const startedAtMs = clock.now();
    const daemon = place.start(['start', '--json', '--log-level', 'warn'], env);
    const began = Promise.race([keepa.next(sofar), daemon.ended]);
    const first = await withinRound(began, () => daemon.written.stderr);
    if ('code' in first) throw new Error(`it ended with ${first.code}: ${first.stderr}`);
    const workedMs = Math.round(random.next() * plan.workMsMax);
    await clock.sleep(workedMs);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    const now = await remains(place.path('data'), redis);
    const played = {
      toWorkMs: first.atMs - startedAtMs,
      workedMs,
      rows: now.asins.size,
      rowsLost: [...before].filter((asin) => !now.asins.has(asin)).length,
      checkpointAhead: aheadBy(now),
    };
    rounds.push(played);
    plan.onRound?.(played);
    lives.push({ bought: keepa.bought.slice(sofar), sweep: now.openSweep });
    before = now.asins;
  }
  return rounds.map((round, at) => ({ ...round, paidTwice: paidTwice(lives, at) }));
}

/** How many of a life's responses were bought again in a later one. */
function paidTwice(lives: readonly Life[], at: number): number {
  const later = lives.slice(at + 1);
  const products = new Set(later.flatMap(({ bought }) => bought.flatMap(({ asins }) => asins)));
  const [life] = lives.slice(at);
  if (life === undefined) return 0;
  const again = life.bought.filter(({ asins }) => asins.some((asin) => products.has(asin)));
  // Pages come in order, so those that come again within the sweep are those from there on.
  const sameSweep = later.filter(({ sweep }) => sweep === life.sweep);
  const next = Math.min(...sameSweep.flatMap(({ bought }) => pagesOf(bought)));
  return again.length + pagesOf(life.bought).filter((page) => page >= next).length;
}

function pagesOf(bought: readonly Bought[]): readonly number[] {
  return bought.flatMap(({ sweepPage }) => sweepPage ?? []);
}

/** Pages by which the checkpoint is ahead; without end where the store does not have its sweep. */
export function aheadBy({
  sweep,
  checkpoint,
}: {
  readonly sweep: Pick<Sweep, 'number' | 'nextPage'> | undefined;
  readonly checkpoint: unknown;
}): number {
  if (checkpoint === undefined) return 0;
  if (sweep === undefined) return Number.POSITIVE_INFINITY;
  const told = Object(checkpoint);
  if (told.sweep > sweep.number) return Number.POSITIVE_INFINITY;
  return told.sweep < sweep.number ? 0 : told.page - sweep.nextPage;
}

async function remains(dataDir: string, redis: RedisServer | undefined): Promise<Remains> {
  await using ending = new AsyncDisposableStack();
  const store = await openStore({ path: databasePath(dataDir), mode: 'read' });
  ending.defer(() => store.close());
  const coordination = await open(dataDir, redis);
  ending.defer(() => coordination.close());
  const [deals, status, checkpoint] = await Promise.all([
    store.reader.deals({ states: 'all', withHeld: true }),
    store.reader.feeds(),
    coordination.checkpoints.read(checkpointName('used')),
  ]);
  const [feed] = status;
  const told = Object(checkpoint);
  const { queryHash = '' } = told;
  const sweep =
    feed === undefined
      ? undefined
      : await store.reader.lastSweep({ name: 'used', domainId: 1, priceType: 2, queryHash });
  const asins = new Set(deals.map(({ asin }) => asin));
  return { asins, sweep, openSweep: feed?.sweep?.number, checkpoint };
}

function open(dataDir: string, redis: RedisServer | undefined): Promise<Coordination> {
  const isProvablyDead = (): boolean => false;
  const onNotice = (notice: string): never => {
    throw new Error(notice);
  };
  if (redis !== undefined) {
    const keyHash = keyHashOf(new Secret(watchedKey));
    const place = parseRedisUrl(redis.url);
    return Promise.resolve(redisCoordination({ place, keyHash, isProvablyDead, onNotice }));
  }
  return openEmbeddedCoordination({
    path: coordinationPath(dataDir),
    clock: systemClock(),
    bootClock: systemBootClock(),
    host: 'test',
    isProvablyDead,
    onNotice,
  });
}
