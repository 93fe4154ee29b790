/**
 * The metrics as text for Prometheus.
 *
 * The figures are taken from the facts when somebody asks, and nothing is counted here: an answer
 * cannot disagree with `status`. prom-client costs as much memory as the rest of the control
 * server, so this file is loaded with the first scrape. One registry per daemon, never the default
 * one, which belongs to the process and not to us.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { dealMetrics } from './deal-metrics.ts';
import type { MetricFacts } from './metric-facts.ts';
import { type MetricFamily, metricPrefix } from './metric-families.ts';
import { processMetrics } from './process-metrics.ts';
import { tokenMetrics } from './token-metrics.ts';

const families: readonly MetricFamily[] = [...processMetrics, ...tokenMetrics, ...dealMetrics];

export class Exposition {
  readonly #registry = new Registry();
  readonly #metrics: readonly { readonly family: MetricFamily; fill(facts: MetricFacts): void }[];
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#metrics = families.map((family) => ({ family, fill: filler(family, this.#registry) }));
  }

  /** Of the text, as HTTP names it. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition of these facts; one at a time, for all are written into the one registry. */
  render(facts: MetricFacts): Promise<string> {
    const text = this.#turn.then(() => {
      for (const { fill } of this.#metrics) fill(facts);
      return this.#registry.metrics();
    });
    this.#turn = text.catch(() => undefined);
    return text;
  }
}

/** Registers the family; the function puts the samples of the facts in place of what was there. */
function filler(family: MetricFamily, registry: Registry): (facts: MetricFacts) => void {
  const options = {
    name: `${metricPrefix}${family.name}`,
    help: family.help,
    labelNames: [...(family.labels ?? [])],
    registers: [registry],
  };
  const metric = family.type === 'counter' ? new Counter(options) : new Gauge(options);
  return (facts) => {
    metric.reset();
    // A reset metric without labels is a zero, and what is not known is none.
    if (family.labels === undefined) metric.remove();
    for (const { value, labels = {} } of family.samples(facts)) {
      if (value !== null) metric.inc(labels, value);
    }
  };
}
