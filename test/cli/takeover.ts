/**
 * Has a start find the lock of a dead one, again and again, and prints how soon it worked.
 *
 *     npm run takeover -- --rounds 10
 *
 * Exits with 1 when the median, which is what the machine's other work disturbs least, is above the
 * second that is promised, or when a round could not be played.
 */
import { parseArgs } from 'node:util';
import { tellingOfRounds } from './rounds-report.ts';
import { type Kept, type TakeoverRound, takeoverRounds } from './takeover-rounds.ts';

const promisedMs = 1_000;
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } });
const rounds = Number(values.rounds);
const ways: readonly (readonly [Kept, string])[] = [
  ['rdb', 'dumped at SIGTERM'],
  ['aof', 'appended, kill -9'],
];
for (const [kept, how] of ways) {
  const played = await tellingOfRounds<TakeoverRound>(rounds, (onRound) =>
    takeoverRounds({ rounds, kept, onRound }),
  );
  if (played !== undefined) report(how, played);
}

function report(how: string, all: readonly TakeoverRound[]): void {
  const spread = (of: 'openedMs' | 'leaseMs' | 'paidMs'): string => {
    const sorted = all.map((round) => round[of]).sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    if (of === 'leaseMs' && middle > promisedMs) process.exitCode = 1;
    return `median ${middle} ms, at most ${sorted.at(-1)} ms`;
  };
  const waited = all.filter(({ isRedisUp }) => !isRedisUp).length;
  process.stdout.write(
    `${[
      `lock ${how}, ${all.length} rounds, Redis not up at the first question in ${waited}`,
      `  files opened   ${spread('openedMs')} from the start of the process`,
      `  lease taken    ${spread('leaseMs')}`,
      `  first request  ${spread('paidMs')}`,
    ].join('\n')}\n`,
  );
}
