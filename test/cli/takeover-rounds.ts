/**
 * How soon a start works that finds the lock of a dead one, in figures (promise P7): the holder is
 * killed, a Redis that kept its lock ends and comes back with it, and the command is started.
 *
 * Method: the new holder's own entry says when it took the lease, by a clock of this machine; the
 * Keepa that remembers what was bought says when it first paid. Redis is brought up at the same
 * moment as the command, so some rounds find it away or still loading, as after a boot.
 */
import { keyHashOf } from '../../src/cli/key-hash.ts';
import { Secret } from '../../src/config-key.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Persistence, RedisServer } from '../coordination/redis-process.ts';
import { withinRound } from './rounds-report.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa, watchedKey, watchedToml } from './watched-keepa.ts';

/** How the lock outlives its owner: dumped at the end of Redis, or appended and kill -9 of both. */
export type Kept = Exclude<Persistence, 'none'>;

/** All from the start of the process. */
export interface TakeoverRound {
  readonly kept: Kept;
  /** Until it had read its configuration and opened its files. */
  readonly openedMs: number;
  readonly leaseMs: number;
  readonly paidMs: number;
  /** Whether Redis was there when it was first asked. */
  readonly isRedisUp: boolean;
}

interface Plan {
  readonly rounds: number;
  readonly kept: Kept;
  onRound?(round: TakeoverRound): void;
}

const hash = keyHashOf(new Secret(watchedKey));

export async function takeoverRounds(plan: Plan): Promise<readonly TakeoverRound[]> {
  await using ending = new AsyncDisposableStack();
  const place = new Place();
  ending.defer(() => place.remove());
  place.write('keepa-deals.toml', watchedToml);
  const keepa = await WatchedKeepa.start({ rows: 9_000, ratePerMinute: 600 });
  ending.defer(() => keepa.close());
  const redis = await RedisServer.start({ persistence: plan.kept });
  ending.defer(() => redis.remove());
  const env = { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
  const start = (): Running => place.start(['start', '--json', '--no-standby'], env);
  let holder = start();
  await holder.until(/"event":"pass"/);
  const rounds: TakeoverRound[] = [];
  while (rounds.length < plan.rounds) {
    holder.child.kill('SIGKILL');
    await holder.ended;
    await redis.stop(plan.kept === 'rdb' ? 'SIGTERM' : 'SIGKILL');
    const sofar = keepa.bought.length;
    const startedAtMs = systemClock().now();
    const isUp = redis.restart();
    const heir = start();
    const began = Promise.race([keepa.next(sofar), heir.ended]);
    const first = await withinRound(began, () => heir.written.stderr);
    if ('code' in first) throw new Error(`it ended with ${first.code}: ${first.stderr}`);
    await isUp;
    const entry = JSON.parse(redis.ask('hget', `keepa-deals:{${hash}}:leases`, `daemon-${hash}`));
    const [, opened = ''] = await heir.until(/"time":"([^"]+)"[^\n]*"event":"starting"/);
    const round = {
      kept: plan.kept,
      openedMs: Date.parse(opened) - startedAtMs,
      leaseMs: entry.acquiredAtMs - startedAtMs,
      paidMs: first.atMs - startedAtMs,
      isRedisUp: !/"event":"lease-store-away"/.test(heir.written.stderr),
    };
    rounds.push(round);
    plan.onRound?.(round);
    // Its lease is dumped only when something was written since.
    await heir.until(/"event":"pass"/);
    holder = heir;
  }
  return rounds;
}
