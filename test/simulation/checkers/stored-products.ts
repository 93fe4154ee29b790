/**
 * P1 for products: what was bought is stored before anything is built on it.
 *
 * *Not stored*: once a life sends its next request that costs, of every product that it was
 * answered before there is something in the database: evidence as new as the answer, or a line of
 * its past that says what came of it (which may be that it is to be asked again).
 * *Gone*: whatever was there is there still, after any crash, and every row with a verdict has the
 * evidence that it rests on.
 *
 * Left out: answers whose products have no row any more; those whose storing met a broken disk; and
 * those around which the wall clock, which dates what is stored, was stepped.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { WireRequest } from '../../../src/keepa/transport.ts';
import type { LivedLife } from '../fault-host.ts';
import type { Life, PortCall } from '../fault-life.ts';
import { isOfMachine } from '../fault-plan.ts';
import type { Tables } from '../fault-tables.ts';
import { isOfNoPlan, type WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const latelyMs = 15 * 60_000;

interface Given {
  readonly asins: readonly string[];
  /** By the machine's clock. */
  readonly atMs: number;
  readonly wallOffsetMs: number;
}

export class StoredProductsChecker implements Checker {
  readonly #run: Watched;
  readonly #given = new Map<Life, Given>();
  /** Since when at the latest something is stored of a product. */
  readonly #storedSinceMs = new Map<string, number>();
  #isStepped = false;

  constructor(run: Watched) {
    this.#run = run;
  }

  done({ life, name, args }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const { path } = args[0] as WireRequest;
    const { status, body } = value as { readonly status: number; readonly body: string };
    if (path !== '/product' || status !== 200 || isOfNoPlan(body)) return;
    const { products = [] } = JSON.parse(body) as { products?: readonly { asin: string }[] };
    const { wallOffsetMs } = this.#run.host;
    const atMs = this.#run.nowMs + wallOffsetMs;
    this.#given.set(life, { asins: products.map(({ asin }) => asin), atMs, wallOffsetMs });
  }

  sent({ life, request }: WireCall): void {
    if (request.path !== '/token') this.#demand(life);
  }

  #demand(life: Life): void {
    const given = this.#given.get(life);
    this.#given.delete(life);
    const tables = this.#run.tables();
    if (given === undefined || tables === undefined || this.#isDiskBroken()) return;
    if (given.wallOffsetMs !== this.#run.host.wallOffsetMs) return;
    const there = tables.newestOf(given.asins);
    const lost = given.asins.filter((asin) => {
      const newestMs = there.get(asin);
      // No row any more.
      if (newestMs === undefined) return false;
      this.#storedSinceMs.set(asin, Math.floor(given.atMs));
      return newestMs < Math.floor(given.atMs);
    });
    if (lost.length === 0) return;
    const some = lost.slice(0, 5).join(', ');
    this.#run.fail('P1-lost-product', `${lost.length} products were answered, not stored: ${some}`);
  }

  crashed({ life }: LivedLife): void {
    this.#given.delete(life);
  }

  /** A process that stops in order stores first. */
  ended({ life }: LivedLife, { code }: Ending): void {
    if (code === 0) this.#demand(life);
    this.#given.delete(life);
  }

  #isDiskBroken(): boolean {
    const { plan, nowMs, startMs } = this.#run;
    const atMs = nowMs - startMs;
    return plan.some(
      (trouble) =>
        isOfMachine(trouble) &&
        !['crash', 'restart'].includes(trouble.kind) &&
        atMs >= trouble.atMs &&
        atMs <= trouble.untilMs + latelyMs,
    );
  }

  started(): void {
    const tables = this.#run.tables();
    if (tables !== undefined) this.look(tables);
  }

  look(tables: Tables): void {
    if (this.#run.host.wallOffsetMs !== 0) this.#isStepped = true;
    const bare = tables.judgedWithoutEvidence();
    if (bare.length > 0) {
      const some = bare.slice(0, 5).join(', ');
      this.#run.fail('P1-lost-product', `${bare.length} verdicts rest on nothing kept: ${some}`);
    }
    if (this.#isStepped) return;
    const there = tables.newestOf([...this.#storedSinceMs.keys()]);
    const lost = [...this.#storedSinceMs].filter(
      ([asin, sinceMs]) => (there.get(asin) ?? sinceMs) < sinceMs,
    );
    if (lost.length === 0) return;
    const some = lost.slice(0, 5).map(([asin]) => asin);
    this.#run.fail('P1-lost-product', `${lost.length} products were stored and are gone: ${some}`);
  }
}
