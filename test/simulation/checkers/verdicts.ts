/**
 * P9: a failed or partial fetch is never a rejection.
 *
 * *Without a whole answer*: a row that was judged was part of at least one product answer in which
 * its product was delivered whole, unless Keepa truly knows nothing of it.
 * *Another reason*: a row that is `insufficient` for a reason of its evidence is so in truth: a
 * second Keepa from the same seed, which no fault stands in front of, is asked for the product and
 * its answer is judged by the same rules, at the time of the verdict and at those of the whole
 * answers before; one of them must give the same reason.
 */
import { judge } from '../../../src/analysis/judge.ts';
import { defaultJudging } from '../../../src/config-judging.ts';
import type { Product } from '../../../src/keepa/product.ts';
import type { WireRequest } from '../../../src/keepa/transport.ts';
import { decodeProductBatch } from '../../../src/keepa/wire-product.ts';
import {
  createSimulatedKeepa,
  type SimulatedKeepa,
} from '../../../src/simulator/simulated-keepa.ts';
import type { PortCall } from '../fault-life.ts';
import type { DealLine, Tables } from '../fault-tables.ts';
import { isOfNoPlan } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const ofEvidence = new Set([
  'no-history',
  'no-offer-counts',
  'no-rank-history',
  'implausible-price',
  'no-sales',
]);

export class VerdictsChecker implements Checker {
  readonly #run: Watched;
  /** When whole answers about a product were delivered. */
  readonly #wholeAt = new Map<string, number[]>();
  readonly #seen = new Map<number, number>();
  #isJudged = false;
  #truth: SimulatedKeepa | undefined;

  constructor(run: Watched) {
    this.#run = run;
  }

  done({ life, name, args }: PortCall, value: unknown): void {
    if (name.endsWith('.storeJudgements')) this.#isJudged = true;
    if (name !== 'transport.send') return;
    const request = args[0] as WireRequest;
    const { status, body } = value as { readonly status: number; readonly body: string };
    const fault = this.#run.host.lives.find((lived) => lived.life === life)?.wire.last?.fault;
    if (request.path !== '/product' || status !== 200) return;
    if (fault?.kind === 'no-history' || isOfNoPlan(body)) return;
    const asked = (request.query.asin ?? '').split(',');
    // A product that is in a partial answer is there as it is.
    for (const asin of fault?.kind === 'partial' ? productsIn(body) : asked) {
      const times = this.#wholeAt.get(asin) ?? [];
      times.push(this.#run.nowMs);
      this.#wholeAt.set(asin, times);
    }
  }

  /** Every minute in which verdicts were written. */
  minute(): void {
    const tables = this.#isJudged ? this.#run.tables() : undefined;
    if (tables !== undefined) this.look(tables);
  }

  look(tables: Tables): void {
    this.#isJudged = false;
    for (const deal of tables.deals()) {
      const { id, judgedAtMs } = deal;
      if (judgedAtMs === null || this.#seen.get(id) === judgedAtMs) continue;
      this.#seen.set(id, judgedAtMs);
      this.#check(deal, judgedAtMs);
    }
  }

  #check({ asin, priceType, state, reason }: DealLine, judgedAtMs: number): void {
    const times = this.#wholeAt.get(asin) ?? [];
    if (times.length === 0 && this.#productAt(asin, judgedAtMs)?.history !== undefined) {
      this.#run.fail('P9-rejected-on-fault', `${asin} is ${state} without a whole answer about it`);
      return;
    }
    if (state !== 'insufficient' || reason === null || !ofEvidence.has(reason)) return;
    const reasons = [judgedAtMs, ...times].map((atMs): string | undefined => {
      const product = this.#productAt(asin, atMs);
      const input = { priceType, nowMs: judgedAtMs, priceNowCents: null, ...defaultJudging };
      return product === undefined ? 'unknown' : judge({ ...input, product }).reason;
    });
    if (reasons.includes(reason)) return;
    this.#run.fail(
      'P9-rejected-on-fault',
      `${asin} is insufficient for ${reason}; whole answers say ${reasons.join(', ')}`,
    );
  }

  #productAt(asin: string, atMs: number): Product | undefined {
    const { world, startMs } = this.#run;
    const { seed, rows, repriceMeanHours } = world;
    this.#truth ??= createSimulatedKeepa({
      ...{ seed, rows, repriceMeanHours, startMs },
      ratePerMinute: 1_000_000,
    });
    const query = { domain: '1', asin, history: '1', stats: '365' };
    const request = { method: 'GET', path: '/product', query, key: 'any' } as const;
    const { response } = this.#truth.handle(request, atMs);
    const call = { endpoint: 'product', domainId: 1, asins: [asin], history: true } as const;
    return decodeProductBatch(JSON.parse(response.body), call).products[0];
  }
}

function productsIn(body: string): readonly string[] {
  const { products = [] } = JSON.parse(body) as { products?: readonly { asin: string }[] };
  return products.map(({ asin }) => asin);
}
