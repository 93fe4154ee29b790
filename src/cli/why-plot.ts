/**
 * The plot of `why`: the price that the deal is about and the product's sales, over the three years
 * that the rules look at, or as far as the history goes.
 */
import { priceSeries } from '../analysis/judge.ts';
import { timeline } from '../analysis/series.ts';
import { moneyIn } from './analyze-format.ts';
import { amountText } from './currency.ts';
import { currencyIn } from './deals-format.ts';
import { textPlot } from './text-plot.ts';
import type { ProductFacts } from './why-facts.ts';

const minuteMs = 60_000;
const reachMs = 3 * 365 * 86_400_000;
const plotRows = 14;
/** Wider than this it only gets sparser. */
const plotColumnsMax = 120;

/** The lines with a legend and an empty one after; none when there is nothing to draw. */
export function productPlot(facts: ProductFacts, columns: number): string[] {
  const { rows, evidence, nowMs } = facts;
  const row = rows.find(({ judgement }) => judgement !== undefined);
  if (row?.judgement === undefined || evidence?.product === undefined) return [];
  const { priceType, domainId } = row.deal;
  const series = timeline(
    priceSeries(evidence.product.history, priceType),
    Math.floor(nowMs / minuteMs),
  );
  const { sales } = row.judgement;
  const currency = currencyIn({ domainId }) ?? '';
  const lines = textPlot({
    fromMs: Math.max(nowMs - reachMs, firstMs(series.minutes, sales)),
    toMs: nowMs,
    prices: {
      atMs: Array.from(series.minutes, (minute) => minute * minuteMs),
      cents: series.values,
    },
    sales: sales.map(({ atMs, priceCents, condition }) => {
      return { atMs, priceCents, mark: condition === 'used' ? 'u' : 'n' };
    }),
    columns: Math.min(columns, plotColumnsMax),
    rows: plotRows,
    amount: (cents) => amountText(cents, currency),
  });
  if (lines.length === 0) return [];
  const price = `- price of type ${priceType}, now ${moneyIn(facts)(row.judgement.priceNowCents)}`;
  return [...lines, `${price}; u used sold, n new sold; ^ far above the scale`, ''];
}

/** When the history or the sales begin; the future when there are none. */
function firstMs(minutes: Int32Array, sales: readonly { readonly atMs: number }[]): number {
  const first = minutes[0];
  return Math.min(
    first === undefined ? Number.POSITIVE_INFINITY : first * minuteMs,
    sales[0]?.atMs ?? Number.POSITIVE_INFINITY,
  );
}
