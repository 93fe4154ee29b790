/**
 * Has two processes duel for a database, and prints how it went.
 *
 *     npm run duel -- --rounds 50 --kept redis
 *
 * Exits with 1 when the one that was taken over committed or bought anything, or when a round could
 * not be played. Each round is told on standard error as it ends.
 */
import { parseArgs } from 'node:util';
import { type DuelRound, duelRounds, duelTimes } from './duel-rounds.ts';
import { tellingOfRounds } from './rounds-report.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    kept: { type: 'string', default: 'redis' },
  },
});
const rounds = Number(values.rounds);
const kept = values.kept === 'redis' ? 'redis' : 'embedded';
const played = await tellingOfRounds<DuelRound>(rounds, (onRound) =>
  duelRounds({ rounds, seed: Number(values.seed), kept, onRound }),
);
if (played !== undefined) report(played);

function report(all: readonly DuelRound[]): void {
  const sum = (of: Exclude<keyof DuelRound, 'code'>): number =>
    all.reduce((total, round) => total + round[of], 0);
  const took = all.map(({ takeoverMs }) => takeoverMs).sort((a, b) => a - b);
  const codes = Map.groupBy(all, ({ code }) => code);
  process.stdout.write(
    `${[
      `rounds          ${all.length}, kept ${kept}, seed ${values.seed}`,
      `takeover        median ${took[Math.floor(took.length / 2)]} ms, at most ${took.at(-1)} ms ` +
        `with a lease of ${duelTimes.ttlMs} ms`,
      `committed late  ${sum('commits')}`,
      `bought late     ${sum('bought')}`,
      `refused writes  ${sum('refusedWrites')}`,
      `ended with      ${[...codes].map(([code, of]) => `${code}: ${of.length}`).join(', ')}`,
    ].join('\n')}\n`,
  );
  if (sum('commits') + sum('bought') > 0) process.exitCode = 1;
}
