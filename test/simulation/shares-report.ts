/**
 * Shares, waits and waste of a saturated broker over a virtual day, as a table: at five plans, with
 * prices two and four times what was held for them, and with a second spender on the key.
 *
 * `npm run sim:shares [-- --hours 24 --seed 1]`; exits 1 when a claim is false.
 */
import { spendClasses } from '../../src/broker/request.ts';
import { printLine, reportOptions } from './report.ts';
import { type SaturationOptions, saturate } from './saturation.ts';
import { type Judged, judge, warmUpHoursFor } from './shares-claims.ts';

const rates = [1, 5, 25, 60, 250];

interface Case {
  readonly name: string;
  readonly options: Omit<SaturationOptions, 'ratePerMinute' | 'hours'>;
}

const cases: readonly Case[] = [
  { name: 'everybody wants more', options: {} },
  { name: 'upsert and backfill want more', options: { crowd: 'upsert and backfill' } },
  { name: 'calls cost 2 x the hold', options: { holdsCost: 2 } },
  { name: 'calls cost 4 x the hold', options: { holdsCost: 4 } },
  { name: 'a stranger takes a fifth', options: { strangerTakes: 1 / 5 } },
  { name: 'a stranger takes a third', options: { strangerTakes: 1 / 3 } },
  { name: 'a stranger takes half', options: { strangerTakes: 1 / 2 } },
];

const head =
  'rate  income   spent %  expired  lowest  429s  own debts  polls  late  slowest  off share %: ' +
  spendClasses.join(' ');

async function main(): Promise<boolean> {
  const given = reportOptions({ hours: '24', seed: '1' });
  const [hours, seed] = [given.number('hours'), given.number('seed')];
  const startedMs = performance.now();
  let isFine = true;
  printLine(`${hours} virtual hours after a warm-up, seed ${seed}, shares 5 10 45 10 30`);
  for (const { name, options } of cases) {
    printLine(`\n${name}\n${head}`);
    for (const ratePerMinute of rates) {
      const run = { ...options, ratePerMinute, hours, seed };
      const figures = await saturate({ ...run, warmUpHours: warmUpHoursFor(ratePerMinute) });
      const judged = judge(figures, run);
      printLine(row(ratePerMinute, figures, judged));
      for (const broken of judged.broken) printLine(`      NOT SO: ${broken}`);
      isFine &&= judged.broken.length === 0;
    }
  }
  printLine(`\ntook ${((performance.now() - startedMs) / 1000).toFixed(1)} s of real time`);
  return isFine;
}

function row(
  rate: number,
  figures: Awaited<ReturnType<typeof saturate>>,
  { incomeTokens, spentPercent, latePolls, slowestPollPercent, shareOffPercent, ownDebts }: Judged,
): string {
  const off = spendClasses.map((name) => {
    const percent = shareOffPercent[name];
    return (percent === undefined ? 'idle' : percent.toFixed(2)).padStart(6);
  });
  return [
    String(rate).padStart(4),
    String(incomeTokens).padStart(7),
    spentPercent.toFixed(2).padStart(9),
    String(figures.expiredTokens).padStart(8),
    String(figures.lowestBalance).padStart(7),
    String(figures.refusals).padStart(5),
    String(ownDebts).padStart(10),
    String(figures.polls.length).padStart(6),
    String(latePolls).padStart(5),
    `${slowestPollPercent.toFixed(0)} %`.padStart(8),
    `   ${off.join(' ')}`,
  ].join(' ');
}

if (!(await main())) process.exitCode = 1;
