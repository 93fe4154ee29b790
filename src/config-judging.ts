/**
 * What judging is told by the configuration: what a copy costs, what a deal must reach, and how
 * long rows are kept.
 *
 * They are plain values without a rule of their own; `analysis/` gives them their meaning. What is
 * not stated stays absent, because an absent fee is unknown and an absent limit asks for nothing.
 */
import type { RawConfig } from './config-schema.ts';

/** What a copy costs besides its price. Money in cents, per cents with up to four decimals. */
export interface CostModel {
  /** Getting one copy to Amazon's warehouse. Absent: 0. */
  readonly inboundShippingCents?: number;
  /** Sales tax, per cent of the buying price. Absent: 0. */
  readonly taxPercent?: number;
  /** Label, bag, work. Absent: 0. */
  readonly prepCents?: number;
  /** Per cent of the list-at price. Absent: the product's own, else unknown. */
  readonly referralPercent?: number;
  /** Picking and packing. Absent: the product's own, else unknown. */
  readonly fbaFeeCents?: number;
  /** What Amazon takes per copy of some kinds (books, media) on top. Absent: 0. */
  readonly closingFeeCents?: number;
}

/** What a judged product must reach; bounds are inclusive and an absent rule asks for nothing. */
export interface AcceptanceRules {
  readonly minProfitCents?: number;
  /** Per cents below the 1-year average, 0 to 100. */
  readonly minPercentDown?: number;
  readonly minSales1y?: number;
  /** Confirmed share of the offer drops, 0 to 1. */
  readonly minTrust?: number;
}

export interface Retention {
  /** A row not seen for so many hours of healthy time ends. */
  readonly ttlHours: number;
  /** An ended row is forgotten after so many days. */
  readonly purgeDays: number;
}

/** A deal that earns nothing is none: 1 cent of profit is the least that is worth a row. */
const minProfitCentsDefault = 1;
const retentionDefault: Retention = { ttlHours: 72, purgeDays: 30 };

/** Without a file: no cost of one's own, 1 cent of profit, 72 hours, 30 days. */
export const defaultJudging = {
  costs: {} satisfies CostModel,
  acceptance: { minProfitCents: minProfitCentsDefault } satisfies AcceptanceRules,
  retention: retentionDefault,
};

/** Keys of the file that have a default here. */
export const judgingDefaultKeys = [
  'acceptance.min_profit_cents',
  'retention.ttl_hours',
  'retention.purge_days',
] as const;

/** The three sections with their defaults. */
export function judgingValues(raw: RawConfig): {
  readonly costs: CostModel;
  readonly acceptance: AcceptanceRules;
  readonly retention: Retention;
} {
  const { costs = {}, acceptance = {}, retention = {} } = raw;
  const { ttlHours, purgeDays } = retentionDefault;
  return {
    costs: stated<CostModel>({
      inboundShippingCents: costs.inbound_shipping_cents,
      taxPercent: costs.tax_percent,
      prepCents: costs.prep_cents,
      referralPercent: costs.referral_percent,
      fbaFeeCents: costs.fba_fee_cents,
      closingFeeCents: costs.closing_fee_cents,
    }),
    acceptance: stated<AcceptanceRules>({
      minProfitCents: acceptance.min_profit_cents ?? minProfitCentsDefault,
      minPercentDown: acceptance.min_percent_down,
      minSales1y: acceptance.min_sales_1y,
      minTrust: acceptance.min_trust,
    }),
    retention: {
      ttlHours: retention.ttl_hours ?? ttlHours,
      purgeDays: retention.purge_days ?? purgeDays,
    },
  };
}

/** Without the keys that nobody stated. */
function stated<T extends { readonly [K in keyof T]?: number }>(
  values: Readonly<Record<keyof T, number | undefined>>,
): T {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}
