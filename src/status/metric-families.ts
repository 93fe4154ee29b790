/**
 * What a metric is here: a name, what it means, and how its samples follow from the facts.
 *
 * Invariants:
 * - a figure that is not known has no sample: a zero would be a lie that sets off alerts;
 * - the values of every label are known beforehand or are names from the configuration, never a
 *   product or a text that grows.
 */
import type { MetricFacts } from './metric-facts.ts';

/** The only labels there are. */
export type MetricLabel = 'class' | 'feed' | 'state' | 'reason' | 'outcome' | 'loop' | 'version';

interface Sample {
  /** Null: not known, and not shown. */
  readonly value: number | null;
  readonly labels?: Readonly<Partial<Record<MetricLabel, string>>>;
}

export interface MetricFamily {
  /** Without the prefix that all have. */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly labels?: readonly MetricLabel[];
  samples(facts: MetricFacts): readonly Sample[];
}

export const metricPrefix = 'keepa_deals_';

/** One figure without labels. */
export function one(
  name: string,
  help: string,
  value: (facts: MetricFacts) => number | null,
): MetricFamily {
  return { name, help, type: typeOf(name), samples: (facts) => [{ value: value(facts) }] };
}

/** One figure per value of a label. */
export function per<L extends MetricLabel>(
  label: L,
  name: string,
  help: string,
  values: (facts: MetricFacts) => Iterable<readonly [string, number | null]>,
): MetricFamily {
  return {
    ...{ name, help, type: typeOf(name), labels: [label] },
    samples: (facts) =>
      [...values(facts)].map(([key, value]) => ({ value, labels: { [label]: key } })),
  };
}

/** A counter says so by its name. */
function typeOf(name: string): MetricFamily['type'] {
  return name.endsWith('_total') ? 'counter' : 'gauge';
}

export function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

/** Unix seconds of an ISO-8601 instant. */
export function unixSeconds(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso) / 1_000;
}

export function flag(isSo: boolean): number {
  return isSo ? 1 : 0;
}
