/**
 * A judged product as text for people and as JSON for programs.
 *
 * Programs get every figure: absent is null (never 0), times are ISO-8601 UTC, money is integer
 * cents beside its currency, `trust` and `percentDown` are fractions from 0 to 1.
 */
import type { PresentJudgement } from '../actors/judging.ts';
import type { Judgement } from '../analysis/judge.ts';
import type { Product } from '../keepa/product.ts';
import { printable } from '../runtime/printable.ts';
import { amountText } from './currency.ts';
import { currencyIn } from './deals-format.ts';
import { columnsText } from './words.ts';

/** A product and what was found out about it. */
export interface Analysis {
  readonly product: Product;
  readonly judgement: PresentJudgement;
  readonly nowMs: number;
  readonly priceType: number;
}

/** Fields are only ever added. */
function analysisRecord({ product, judgement, nowMs, priceType }: Analysis) {
  return {
    schema: 1,
    asin: product.asin,
    domainId: product.domainId,
    title: product.title ?? null,
    currency: currencyIn(product) ?? null,
    now: isoText(nowMs),
    priceType,
    ...judgementFields(judgement),
    sales: judgement.sales.map(saleFields),
  };
}

/** A judgement without its sales. Fields are only ever added. */
export function judgementFields(found: PresentJudgement) {
  return {
    ruleVersion: found.ruleVersion,
    verdict: found.verdict,
    reason: found.reason ?? null,
    marks: found.marks,
    priceNowCents: found.priceNowCents ?? null,
    avg1yCents: found.avg1yCents ?? null,
    percentDown: found.percentDown ?? null,
    sales1y: found.sales1y,
    listAtCents: found.listAtCents ?? null,
    troughCents: found.troughCents ?? null,
    profitCents: found.profitCents ?? null,
    trust: found.trust ?? null,
    offerDrops: found.offerDrops,
    confirmed: found.confirmed,
    sane: found.sane,
    salesCount: found.salesCount,
  };
}

export function saleFields(sale: Judgement['sales'][number]) {
  return {
    at: isoText(sale.atMs),
    condition: sale.condition,
    priceCents: sale.priceCents ?? null,
    rankConfirmedAt: isoText(sale.rankConfirmedAtMs),
  };
}

/** One product alone is the object itself; several are a list in one. */
export function analysesJson(analyses: readonly Analysis[]): string {
  const [first, ...others] = analyses.map(analysisRecord);
  const whole = others.length === 0 ? first : { schema: 1, products: [first, ...others] };
  return `${JSON.stringify(whole)}\n`;
}

export function analysesText(analyses: readonly Analysis[]): string {
  return analyses.map((analysis) => `${analysisLines(analysis).join('\n')}\n`).join('\n');
}

function analysisLines(analysis: Analysis): string[] {
  const { product, judgement, nowMs } = analysis;
  const why = judgement.reason === undefined ? '' : `: ${judgement.reason}`;
  const basis = [
    `rule version ${judgement.ruleVersion}`,
    `at ${isoText(nowMs)}`,
    ...judgement.marks,
  ];
  return [
    printable(`${product.asin}  ${product.title ?? '(no title)'}`),
    `${judgement.verdict}${why}  (${basis.join(', ')})`,
    '',
    ...figureLines(analysis),
    '',
    ...saleLines(judgement.sales, product),
  ];
}

/** What the figures are and what they rest on. */
export function figureLines({
  product,
  judgement,
}: Pick<Analysis, 'product' | 'judgement'>): string[] {
  const money = moneyIn(product);
  const { percentDown, trust, sales1y, salesCount, sane, confirmed, offerDrops } = judgement;
  return columnsText(
    [
      ['price now', money(judgement.priceNowCents), percentText(percentDown, 'below the average')],
      ['1-year average', money(judgement.avg1yCents), `mean of ${salesCount} sane sales`],
      ['list at', money(judgement.listAtCents), `from ${sane} sane sales of 3 years`],
      ['trough', money(judgement.troughCents), ''],
      ['profit', money(judgement.profitCents), ''],
      ['sales last year', String(sales1y), ''],
      ['trust', trust?.toFixed(2) ?? '-', `${confirmed} of ${offerDrops} offer drops confirmed`],
    ],
    [false, true, false],
  );
}

/** The sales with the evidence for each. */
export function saleLines(sales: Judgement['sales'], product: Pick<Product, 'domainId'>): string[] {
  if (sales.length === 0) return ['no sale in 3 years'];
  const money = moneyIn(product);
  const heads = ['sale', 'condition', 'price', 'confirmed by the rank of'];
  const rows = sales.map((sale) => [
    isoText(sale.atMs),
    sale.condition,
    money(sale.priceCents),
    isoText(sale.rankConfirmedAtMs),
  ]);
  return columnsText([heads, ...rows], [false, false, true, false]);
}

function percentText(fraction: number | undefined, what: string): string {
  return fraction === undefined ? '' : `${Math.round(100 * fraction)} % ${what}`;
}

/** An amount in the money of the product's marketplace; a dash when it is unknown. */
export function moneyIn(product: Pick<Product, 'domainId'>): (cents: number | undefined) => string {
  const currency = currencyIn(product);
  return (cents) => {
    if (cents === undefined) return '-';
    return currency === undefined ? String(cents) : `${amountText(cents, currency)} ${currency}`;
  };
}

function isoText(ms: number): string {
  return new Date(ms).toISOString();
}
