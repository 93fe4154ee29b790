/**
 * P9: a failed or partial fetch is never a rejection.
 *
 * *Without a whole answer*: a row that was judged was part of at least one product answer in which
 * its product was delivered whole, unless Keepa truly knows nothing of it, or the verdict is that
 * the history is missing, and it was missing from several answers.
 * *On a broken answer*: what is judged from an answer, whatever the verdict, is judged from one in
 * which its product is whole: none that lacks it or its history, and no refusal.
 * *Another reason*: a row that is `insufficient` for a reason of its evidence is so in truth: a
 * second Keepa from the same seed, which no fault stands in front of, is asked for the product and
 * its answer is judged by the same rules, at the time of the verdict and at those of the whole
 * answers before; one of them must give the same reason. A row that is `rejected` by the rules of
 * acceptance likewise, at the price that it was judged at.
 */
import type { RejectedReason } from '../../../src/analysis/acceptance.ts';
import { judge } from '../../../src/analysis/judge.ts';
import { defaultJudging } from '../../../src/config-judging.ts';
import type { Product } from '../../../src/keepa/product.ts';
import type { WireRequest } from '../../../src/keepa/transport.ts';
import { decodeProductBatch } from '../../../src/keepa/wire-product.ts';
import {
  createSimulatedKeepa,
  type SimulatedKeepa,
} from '../../../src/simulator/simulated-keepa.ts';
import type { JudgementBatch } from '../../../src/store/judging-ports.ts';
import { acceptancesOf } from '../fault-config.ts';
import type { Life, PortCall } from '../fault-life.ts';
import type { DealLine, Tables } from '../fault-tables.ts';
import { isOfNoPlan } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const ofAcceptance = new Set<string>([
  'too-few-sales',
  'low-trust',
  'not-far-enough-down',
  'below-margin',
] satisfies RejectedReason[]);

const ofEvidence = new Set([
  'no-history',
  'no-offer-counts',
  'no-rank-history',
  'implausible-price',
  'no-sales',
]);

/** So often a history has to be missing before that is a verdict. */
const lackingMin = 4;

const { costs } = defaultJudging;

export class VerdictsChecker implements Checker {
  readonly #run: Watched;
  /** When whole answers about a product were delivered. */
  readonly #wholeAt = new Map<string, number[]>();
  /** Of the last product answer of each life: the products that it was asked for and lacks. */
  readonly #broken = new Map<Life, ReadonlySet<string>>();
  /** How often a product was delivered without its history. */
  readonly #lacking = new Map<string, number>();
  readonly #seen = new Map<number, number>();
  readonly #remembered = new Map<
    string,
    { readonly atMs: number; readonly product: Product | undefined }
  >();
  #isJudged = false;
  #truth: SimulatedKeepa | undefined;

  constructor(run: Watched) {
    this.#run = run;
  }

  done({ life, name, args }: PortCall, value: unknown): void {
    if (name.endsWith('.storeJudgements')) this.#lookAtBatch(life, args[0] as JudgementBatch);
    if (name !== 'transport.send') return;
    const request = args[0] as WireRequest;
    const { status, body } = value as { readonly status: number; readonly body: string };
    const fault = this.#run.host.lives.find((lived) => lived.life === life)?.wire.last?.fault;
    if (request.path !== '/product') return;
    const asked = (request.query.asin ?? '').split(',');
    this.#broken.set(life, new Set(asked));
    if (status === 200 && fault?.kind === 'no-history') this.#noteLacking(asked);
    if (status !== 200 || fault?.kind === 'no-history' || isOfNoPlan(body)) return;
    // A product that is in a partial answer is there as it is.
    const whole = fault?.kind === 'partial' ? productsIn(body) : asked;
    this.#broken.set(life, new Set(asked.filter((asin) => !whole.includes(asin))));
    for (const asin of whole) {
      const times = this.#wholeAt.get(asin) ?? [];
      times.push(this.#run.nowMs);
      this.#wholeAt.set(asin, times);
    }
  }

  #noteLacking(asins: readonly string[]): void {
    for (const asin of asins) this.#lacking.set(asin, (this.#lacking.get(asin) ?? 0) + 1);
  }

  /** What is judged from kept evidence rests on no answer of now. */
  #lookAtBatch(life: Life, { purpose, judged }: JudgementBatch): void {
    this.#isJudged = true;
    if (purpose === 'rejudge') return;
    const wrong = judged.find(
      ({ asin, reason }) => this.#broken.get(life)?.has(asin) && reason !== 'no-history',
    );
    if (wrong === undefined) return;
    const { asin, verdict } = wrong;
    this.#run.fail('P9-rejected-on-fault', `${asin} is ${verdict} by an answer that lacks it`);
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

  #check(deal: DealLine, judgedAtMs: number): void {
    const { asin, state, reason } = deal;
    // For hours Keepa delivered the product without its history, again and again: it says so.
    if (reason === 'no-history' && (this.#lacking.get(asin) ?? 0) >= lackingMin) return;
    const times = this.#wholeAt.get(asin) ?? [];
    if (times.length === 0 && this.#productAt(asin, judgedAtMs)?.history !== undefined) {
      this.#run.fail('P9-rejected-on-fault', `${asin} is ${state} without a whole answer about it`);
      return;
    }
    const isChecked = state === 'insufficient' ? ofEvidence : ofAcceptance;
    if (reason === null || !isChecked.has(reason)) return;
    const reasons = this.#truthsOf(deal, [...times.toReversed(), judgedAtMs], reason);
    if (reasons.includes(reason)) return;
    this.#run.fail(
      'P9-rejected-on-fault',
      `${asin} is ${state} for ${reason}; whole answers say ${reasons.join(', ')}`,
    );
  }

  /** What whole answers of these times say, up to the first that says `wanted`. */
  #truthsOf(
    { asin, priceType, judgedAtMs, judgedPriceCents }: DealLine,
    times: readonly number[],
    wanted: string,
  ): readonly (string | undefined)[] {
    const reasons: (string | undefined)[] = [];
    for (const atMs of times) {
      const product = this.#rememberedAt(asin, atMs);
      for (const acceptance of acceptancesOf(this.#run.world)) {
        const nowMs = judgedAtMs ?? atMs;
        const input = { priceType, nowMs, priceNowCents: judgedPriceCents, acceptance, costs };
        reasons.push(product === undefined ? 'unknown' : judge({ ...input, product }).reason);
        if (reasons.at(-1) === wanted) return reasons;
      }
    }
    return reasons;
  }

  /** The evidence that is kept is the last whole answer, and is judged over and over. */
  #rememberedAt(asin: string, atMs: number): Product | undefined {
    const known = this.#remembered.get(asin);
    if (known?.atMs === atMs) return known.product;
    const product = this.#productAt(asin, atMs);
    if (this.#wholeAt.get(asin)?.at(-1) === atMs) this.#remembered.set(asin, { atMs, product });
    return product;
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
