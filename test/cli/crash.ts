/**
 * Kills the daemon again and again, and prints what that cost.
 *
 *     npm run crash -- --rounds 50 --kept redis
 *
 * Exits with 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { type CrashRound, crashRounds } from './crash-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kept: { type: 'string', default: 'embedded' },
  },
});
const rounds = await crashRounds({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  kept: values.kept === 'redis' ? 'redis' : 'embedded',
  workMsMax: 2_000,
});
const all = (of: keyof CrashRound): number[] => rounds.map((round) => round[of]);
const worst = (of: keyof CrashRound): number => Math.max(...all(of));
const sum = (of: keyof CrashRound): number => all(of).reduce((total, each) => total + each, 0);
const toWork = all('toWorkMs').sort((a, b) => a - b);
const middle = toWork[Math.floor(toWork.length / 2)] ?? 0;
process.stdout.write(
  `${[
    `rounds            ${rounds.length}, kept ${values.kept}, seed ${values.seed}`,
    `time to work      median ${middle} ms, at most ${worst('toWorkMs')} ms from the start`,
    `rows              ${rounds.at(-1)?.rows} in the end`,
    `rows lost         ${sum('rowsLost')}`,
    `paid twice        ${sum('paidTwice')} responses, at most ${worst('paidTwice')} in a round`,
    `checkpoint ahead  at most ${worst('checkpointAhead')} pages`,
  ].join('\n')}\n`,
);
const isBroken = sum('rowsLost') > 0 || worst('paidTwice') > 1 || worst('checkpointAhead') > 0;
process.exitCode = isBroken ? 1 : 0;
