/**
 * Rounds of a duel between two real processes on one database: the holder of the lease is stopped
 * (SIGSTOP) at a random moment until it has run out, the other takes over, and the first wakes up
 * believing that it is the writer (promise P6).
 *
 * Method: the new holder is stopped in its turn before the first wakes up, so whatever happens to
 * the database or is bought of Keepa then is the first one's doing. SQLite counts, for every
 * connection, the commits of all others.
 */
import SqliteFile from 'better-sqlite3';
import { databasePath } from '../../src/cli/data-dir.ts';
import type { LeaseTimes } from '../../src/coordination/lease-keeper.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { RedisServer } from '../coordination/redis-process.ts';
import { withinRound } from './rounds-report.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa, watchedToml } from './watched-keepa.ts';

export interface DuelRound {
  /** From the stop of the holder to the first request of the other. */
  readonly takeoverMs: number;
  /** What the first one committed after it woke up. */
  readonly commits: number;
  /** What it bought then. */
  readonly bought: number;
  readonly refusedWrites: number;
  /** Its exit code. */
  readonly code: number | null;
}

interface Plan {
  readonly rounds: number;
  readonly seed: number;
  readonly kept: 'embedded' | 'redis';
  /** Called after each round. */
  onRound?(round: DuelRound): void;
}

/** As the daemon's, ten times as fast. */
export const duelTimes: LeaseTimes = {
  ttlMs: 3_000,
  renewMs: 1_000,
  marginMs: 1_000,
  retryMs: 100,
};

/** A process with a door of its own to Keepa, by which its purchases are known. */
export interface Duellist extends Running {
  readonly who: string;
}

/** Runs the rounds: the winner of each is the holder of the next. */
export async function duelRounds(plan: Plan): Promise<readonly DuelRound[]> {
  await using ending = new AsyncDisposableStack();
  const place = new Place();
  ending.defer(() => place.remove());
  place.write('keepa-deals.toml', watchedToml);
  const keepa = await WatchedKeepa.start({ rows: 9_000, ratePerMinute: 600 });
  ending.defer(() => keepa.close());
  const redis = plan.kept === 'redis' ? await RedisServer.start() : undefined;
  if (redis !== undefined) ending.defer(() => redis.remove());
  const shared = redis === undefined ? {} : { KEEPA_DEALS_REDIS_URL: redis.url };
  const random = seededRandom(plan.seed);
  const clock = systemClock();
  const begin = async (who: string): Promise<Duellist> => {
    const env = { ...(await keepa.doorFor(who)), ...shared };
    return { ...place.startTuned({ times: duelTimes }, env), who };
  };
  let holder = await begin('the first');
  await withinRound(Promise.race([keepa.next(0), early(holder)]), () => told(holder));
  const rounds: DuelRound[] = [];
  for (let round = 1; round <= plan.rounds; round += 1) {
    const heir = await begin(`heir ${round}`);
    await heir.until(/"event":"standby"/);
    await clock.sleep(random.integer(0, 1_000));
    await stopBetweenWrites(holder, place.path('data'));
    const stoppedMs = clock.monotonic();
    const sofar = keepa.bought.length;
    await withinRound(Promise.race([keepa.next(sofar), early(heir)]), () => told(heir));
    const takeoverMs = Math.round(clock.monotonic() - stoppedMs);
    // Its first rows are stored: it has the newest fence.
    await heir.until(/"event":"pass"/);
    heir.child.kill('SIGSTOP');
    const played = { takeoverMs, ...(await wake(holder, place.path('data'), keepa)) };
    rounds.push(played);
    plan.onRound?.(played);
    const before = keepa.bought.length;
    heir.child.kill('SIGCONT');
    // On a busy machine it was stopped for longer than its own lease. What it buys now it buys with
    // the lease renewed; who comes next must not find that free, or there would be no duel.
    const goesOn = Promise.race([keepa.nextOf(heir.who, before), early(heir)]);
    await withinRound(goesOn, () => told(heir));
    holder = heir;
  }
  return rounds;
}

/**
 * Stopped in the middle of a transaction it would keep everybody from writing, whoever has the
 * lease: nobody could take over then, and there would be no duel.
 */
export async function stopBetweenWrites({ child }: Running, dataDir: string): Promise<void> {
  const file = new SqliteFile(databasePath(dataDir), { timeout: 0 });
  const isFree = (): boolean => {
    try {
      file.exec('begin immediate; rollback');
      return true;
    } catch {
      return false;
    }
  };
  try {
    for (;;) {
      child.kill('SIGSTOP');
      await systemClock().sleep(20);
      if (isFree()) return;
      child.kill('SIGCONT');
      await systemClock().sleep(20);
    }
  } finally {
    file.close();
  }
}

/** Wakes up the one that was taken over and waits for its end. */
export async function wake(
  first: Duellist,
  dataDir: string,
  keepa: WatchedKeepa,
): Promise<Omit<DuelRound, 'takeoverMs'>> {
  const file = new SqliteFile(databasePath(dataDir), { readonly: true });
  try {
    const commits = (): number => Number(file.pragma('data_version', { simple: true }));
    const [commitsBefore, boughtBefore] = [commits(), keepa.bought.length];
    // What the new holder had sent before it was stopped may arrive only now.
    const boughtLate = () => keepa.bought.slice(boughtBefore).filter(({ by }) => by === first.who);
    first.child.kill('SIGCONT');
    const { code, stderr } = await withinRound(first.ended, () => told(first));
    return {
      commits: commits() - commitsBefore,
      bought: boughtLate().length,
      refusedWrites: stderr.match(/write under fence \d+ refused/g)?.length ?? 0,
      code,
    };
  } finally {
    file.close();
  }
}

/** The end of what it has said so far. */
function told({ written }: Running): string {
  return written.stderr.slice(-2_000);
}

async function early({ ended }: Running): Promise<never> {
  const { code, stderr } = await ended;
  throw new Error(`it ended with ${code}: ${stderr}`);
}
