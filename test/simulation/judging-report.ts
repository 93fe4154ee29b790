/**
 * From rows to verdicts over three virtual days, as figures: `npm run sim:judging -- [--rate 5]
 * [--rows 750] [--hours 72] [--seed 1]`; `--rate 1,5,25,60` runs one plan after the other.
 *
 * Prices and times are compared with the simulated market, which knows them, and tokens with what
 * the simulated Keepa has taken.
 */
import { join } from 'node:path';
import SqliteFile from 'better-sqlite3';
import type { JudgingTotals } from '../../src/store/judging-ports.ts';
import type { DealState } from '../../src/store/ports.ts';
import { bargains } from './outage.ts';
import { printFigures, reportOptions } from './report.ts';
import { Simulation, type SimulationOptions } from './simulated-daemon.ts';

const minuteMs = 60_000;

export interface JudgingFigures {
  readonly states: Readonly<Record<DealState, number>> & { readonly total: number };
  readonly totals: JudgingTotals;
  /** Rows with a verdict of judging, of all that ever passed the screen. */
  readonly judgedRows: number;
  readonly historyTokens: number;
  /** For re-checks of rows that left the list; they bring new evidence as well. */
  readonly recheckTokens: number;
  readonly historyTokensPerJudged: number;
  /** Rows of which live offers were looked at, each counted once. */
  readonly verifiedRows: number;
  readonly verifyTokens: number;
  readonly sellerTokens: number;
  readonly sellers: number;
  /** Accepted rows at the end, and those of them with a live offer at the present listing. */
  readonly accepted: number;
  readonly acceptedVerified: number;
  /** Of the accepted rows that the market really wants bought, by its hidden plan. */
  readonly acceptedWorthwhile: number;
  /** Over hourly looks from the second hour on: visible rows whose price is the market's. */
  readonly pricedRightPercent: number;
  /** The same, of visible rows that the list holds at that moment. */
  readonly listedRightPercent: number;
  /** From a change of price in the market to our row, of rows known before. */
  readonly delayP50Ms: number;
  readonly delayP95Ms: number;
  readonly repricings: number;
  readonly refusals: number;
  readonly lowestBalance: number;
  readonly expiredTokens: number;
}

export interface JudgingOptions extends SimulationOptions {
  readonly hours: number;
}

/** Runs the daemon for so many virtual hours and measures it. */
export async function runJudging({ hours, ...options }: JudgingOptions): Promise<JudgingFigures> {
  // A screen, so that a row which is no bargain any more can end and is not shown for ever.
  const simulation = new Simulation({ feeds: [bargains()], ...options });
  try {
    await simulation.start();
    const file = new SqliteFile(join(simulation.directory, 'deals.sqlite'), { readonly: true });
    const delays = new DelayWatch(file);
    const prices = new PriceWatch(simulation);
    for (let minute = 1; minute <= hours * 60; minute += 1) {
      await simulation.clock.advanceBy(minuteMs);
      delays.look();
      if (minute % 60 === 0 && minute > 60) await prices.look();
    }
    const figures = { ...(await measure(simulation, file)), ...prices.figures, ...delays.figures };
    file.close();
    await simulation.stop();
    return figures;
  } finally {
    simulation.dispose();
  }
}

/** Notices every minute which rows show another price, and how old that price was by then. */
class DelayWatch {
  readonly #rows: SqliteFile.Statement<[], { asin: string; sinceMs: number; seenMs: number }>;
  readonly #sinceByAsin = new Map<string, number>();
  readonly #delaysMs: number[] = [];

  constructor(file: SqliteFile.Database) {
    this.#rows = file.prepare(`select asin, price_since_ms as sinceMs, last_seen_at_ms as seenMs
      from deals where price_since_ms is not null`);
  }

  look(): void {
    for (const { asin, sinceMs, seenMs } of this.#rows.iterate()) {
      const before = this.#sinceByAsin.get(asin);
      this.#sinceByAsin.set(asin, sinceMs);
      if (before !== undefined && before !== sinceMs) this.#delaysMs.push(seenMs - sinceMs);
    }
  }

  get figures(): Pick<JudgingFigures, 'delayP50Ms' | 'delayP95Ms' | 'repricings'> {
    const sorted = this.#delaysMs.toSorted((a, b) => a - b);
    const at = (part: number): number => sorted[Math.ceil(part * (sorted.length - 1))] ?? 0;
    return { delayP50Ms: at(0.5), delayP95Ms: at(0.95), repricings: sorted.length };
  }
}

/** Compares what `deals` shows with the market. A row that has left the list has no price there. */
class PriceWatch {
  readonly #simulation: Simulation;
  #visible = 0;
  #listed = 0;
  #right = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  async look(): Promise<void> {
    const { keepa, clock, store } = this.#simulation;
    const live = keepa.liveRows(clock.now());
    const market = new Map(live.map(({ asin, priceCents }) => [asin, priceCents]));
    for (const { asin, priceNowCents } of await store.reader.deals({ states: ['accepted'] })) {
      this.#visible += 1;
      if (market.has(asin)) this.#listed += 1;
      if (priceNowCents !== undefined && market.get(asin) === priceNowCents) this.#right += 1;
    }
  }

  get figures(): Pick<JudgingFigures, 'pricedRightPercent' | 'listedRightPercent'> {
    return {
      pricedRightPercent: (100 * this.#right) / Math.max(1, this.#visible),
      listedRightPercent: (100 * this.#right) / Math.max(1, this.#listed),
    };
  }
}

async function measure(simulation: Simulation, file: SqliteFile.Database) {
  const { store, keepa, clock } = simulation;
  const count = (sql: string): number => Number(file.prepare(sql).pluck().get() ?? 0);
  const tokens = (purpose: string): number =>
    count(`select sum(cost_tokens) from ledger where purpose = '${purpose}'`);
  const judgedRows = count("select count(distinct asin) from past where kind = 'judged'");
  const accepted = await store.reader.deals({ states: ['accepted'] });
  const isWorthwhile = ({ asin }: { asin: string }): boolean =>
    keepa.isWorthBuying(asin, clock.now()) === true;
  const { refused, lowestBalance, expiredTokens } = keepa.requests;
  const historyTokens = tokens('history');
  return {
    states: await store.reader.countByState(),
    totals: await store.reader.judgingTotals(),
    judgedRows,
    historyTokens,
    recheckTokens: tokens('recheck'),
    historyTokensPerJudged: historyTokens / Math.max(1, judgedRows),
    verifiedRows: count(`select count(distinct asin) from past
      where purpose = 'verify' and kind = 'judged'`),
    verifyTokens: tokens('verify'),
    sellerTokens: tokens('seller'),
    sellers: count('select count(*) from sellers'),
    accepted: accepted.length,
    acceptedVerified: (await store.reader.deals({ states: ['accepted'], onlyVerified: true }))
      .length,
    acceptedWorthwhile: accepted.filter(isWorthwhile).length,
    refusals: refused,
    lowestBalance,
    expiredTokens,
  };
}

function print(options: JudgingOptions, figures: JudgingFigures, tookMs: number): void {
  const minutes = (ms: number): string => `${(ms / minuteMs).toFixed(1)} min`;
  const { hours, rows, ratePerMinute, seed } = options;
  const { states, totals } = figures;
  const reasons = Object.entries({ ...totals.rejected, ...totals.insufficient })
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, number]) => `${reason} ${number}`);
  const found = [
    [
      'rows',
      `${states.total}: accepted ${states.accepted}, rejected ` +
        `${states.rejected}, insufficient ${states.insufficient}, candidate ${states.candidate}, ` +
        `ended ${states.ended}`,
    ],
    [
      'candidates judged',
      `${figures.judgedRows} for ${figures.historyTokens} tokens: ` +
        `${figures.historyTokensPerJudged.toFixed(2)} a judged deal; re-checks ` +
        `${figures.recheckTokens} tokens`,
    ],
    [
      'verdicts',
      `${totals.processed}: accepted ${totals.accepted}, retries ` +
        `${totals.retries}, ${reasons.join(', ')}`,
    ],
    [
      'verified',
      `${figures.verifiedRows} for ${figures.verifyTokens} tokens, ` +
        `${figures.sellers} sellers for ${figures.sellerTokens}`,
    ],
    [
      'accepted now',
      `${figures.accepted}, ${figures.acceptedVerified} of them verified, ` +
        `${figures.acceptedWorthwhile} truly worth buying`,
    ],
    [
      'visible price is right',
      `${figures.listedRightPercent.toFixed(1)} % of visible rows still ` +
        `listed, ${figures.pricedRightPercent.toFixed(1)} % of all (hourly looks)`,
    ],
    [
      'price change to our row',
      `p50 ${minutes(figures.delayP50Ms)}, p95 ` +
        `${minutes(figures.delayP95Ms)}, of ${figures.repricings}`,
    ],
    [
      '429s, lowest balance',
      `${figures.refusals}, ${figures.lowestBalance}; ` + `${figures.expiredTokens} tokens expired`,
    ],
  ] as const;
  printFigures(
    `${hours} virtual hours, ${rows} rows, ${ratePerMinute} tokens a minute, seed ${seed}`,
    found,
    tookMs,
  );
}

async function main(): Promise<void> {
  const given = reportOptions({ rate: '5', rows: '750', hours: '72', seed: '1' });
  for (const ratePerMinute of given.numbers('rate')) {
    const options: JudgingOptions = {
      ratePerMinute,
      rows: given.number('rows'),
      hours: given.number('hours'),
      seed: given.number('seed'),
    };
    const startedMs = performance.now();
    const figures = await runJudging(options);
    print(options, figures, performance.now() - startedMs);
  }
}

if (import.meta.main) await main();
