/**
 * Has two processes duel for a database, and prints how it went.
 *
 *     npm run duel -- --rounds 50 --kept redis
 *
 * Exits with 1 when the one that was taken over committed or bought anything.
 */
import { parseArgs } from 'node:util';
import { type DuelRound, duelRounds, duelTimes } from './duel-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kept: { type: 'string', default: 'redis' },
  },
});
const rounds = await duelRounds({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  kept: values.kept === 'redis' ? 'redis' : 'embedded',
});
const sum = (of: Exclude<keyof DuelRound, 'code'>): number =>
  rounds.reduce((total, round) => total + round[of], 0);
const took = rounds.map(({ takeoverMs }) => takeoverMs).sort((a, b) => a - b);
const codes = Map.groupBy(rounds, ({ code }) => code);
process.stdout.write(
  `${[
    `rounds          ${rounds.length}, kept ${values.kept}, seed ${values.seed}`,
    `takeover        median ${took[Math.floor(took.length / 2)]} ms, at most ${took.at(-1)} ms ` +
      `with a lease of ${duelTimes.ttlMs} ms`,
    `committed late  ${sum('commits')}`,
    `bought late     ${sum('bought')}`,
    `refused writes  ${sum('refusedWrites')}`,
    `ended with      ${[...codes].map(([code, of]) => `${code}: ${of.length}`).join(', ')}`,
  ].join('\n')}\n`,
);
process.exitCode = sum('commits') + sum('bought') > 0 ? 1 : 0;
