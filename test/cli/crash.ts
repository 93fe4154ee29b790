/**
 * Kills the daemon again and again, and prints what that cost.
 *
 *     npm run crash -- --rounds 50 --kept redis
 *
 * Exits with 1 when a promise was broken, or when a round could not be played. Each round is told
 * on standard error as it ends.
 */
import { parseArgs } from 'node:util';
import { type CrashRound, crashRounds } from './crash-rounds.ts';
import { tellingOfRounds } from './rounds-report.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kept: { type: 'string', default: 'embedded' },
  },
});
const rounds = Number(values.rounds);
const kept = values.kept === 'redis' ? 'redis' : 'embedded';
const played = await tellingOfRounds<Omit<CrashRound, 'paidTwice'>, CrashRound>(rounds, (onRound) =>
  crashRounds({ rounds, seed: Number(values.seed), kept, workMsMax: 2_000, onRound }),
);
if (played !== undefined) report(played);

function report(all: readonly CrashRound[]): void {
  const each = (of: keyof CrashRound): number[] => all.map((round) => round[of]);
  const worst = (of: keyof CrashRound): number => Math.max(...each(of));
  const sum = (of: keyof CrashRound): number => each(of).reduce((total, one) => total + one, 0);
  const toWork = each('toWorkMs').sort((a, b) => a - b);
  const middle = toWork[Math.floor(toWork.length / 2)] ?? 0;
  process.stdout.write(
    `${[
      `rounds            ${all.length}, kept ${kept}, seed ${values.seed}`,
      `time to work      median ${middle} ms, at most ${worst('toWorkMs')} ms from the start`,
      `rows              ${all.at(-1)?.rows} in the end`,
      `rows lost         ${sum('rowsLost')}`,
      `paid twice        ${sum('paidTwice')} responses, at most ${worst('paidTwice')} in a round`,
      `checkpoint ahead  at most ${worst('checkpointAhead')} pages`,
    ].join('\n')}\n`,
  );
  const isBroken = sum('rowsLost') > 0 || worst('paidTwice') > 1 || worst('checkpointAhead') > 0;
  if (isBroken) process.exitCode = 1;
}
