/**
 * P1: a kill at any instant loses no stored deal and at most one response.
 *
 * Nothing is bought before the answer to the last request is stored. So once a life sends its next
 * request, every row of the listing pages that it was given before must be in the table, and stay
 * there. Only the page that was being stored when the process died may be missing.
 *
 * Left out: pages that a wrong wall clock makes impossible to believe (the daemon refuses to store
 * rows from the future), and pages whose answer was garbled.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { LivedLife } from '../fault-host.ts';
import type { Life, PortCall } from '../fault-life.ts';
import type { Tables } from '../fault-tables.ts';
import { isOfNoPlan, type WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

/** A page is refused when its newest row lies ten minutes ahead; up to then it has to be kept. */
const wallOffsetMsMax = 4 * 60_000;
const latelyMs = 15 * 60_000;

export class StoredRowsChecker implements Checker {
  readonly #run: Watched;
  readonly #mustBeThere = new Set<string>();
  readonly #given = new Map<Life, readonly string[]>();

  constructor(run: Watched) {
    this.#run = run;
  }

  sent({ life }: WireCall): void {
    this.#demand(life);
  }

  #demand(life: Life): void {
    for (const key of this.#given.get(life) ?? []) this.#mustBeThere.add(key);
    this.#given.delete(life);
  }

  done({ life, name, args }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    this.#given.set(life, this.#rowsOf(args[0], value));
  }

  #rowsOf(request: unknown, response: unknown): readonly string[] {
    const asked = request as { readonly path: string; readonly body?: string };
    const answer = response as { readonly status: number; readonly body: string };
    if (asked.path !== '/deal' || answer.status !== 200) return [];
    if (Math.abs(this.#run.host.wallOffsetMs) > wallOffsetMsMax) return [];
    const { priceTypes } = JSON.parse(asked.body ?? '{}') as { priceTypes: readonly number[] };
    if (isOfNoPlan(answer.body)) return [];
    const rows = answer.body.matchAll(/"asin":"(\w+)"/g);
    return [...rows].map(([, asin]) => `${asin}/${priceTypes[0]}`);
  }

  crashed({ life }: LivedLife): void {
    this.#given.delete(life);
  }

  /** A process that stops in order stores first, if the disk lets it. */
  ended({ life }: LivedLife, { code }: Ending): void {
    if (code === 0 && !this.#wasDiskBroken()) this.#demand(life);
    this.#given.delete(life);
  }

  #wasDiskBroken(): boolean {
    const { plan, nowMs, startMs } = this.#run;
    const atMs = nowMs - startMs;
    return plan.some(
      ({ kind, atMs: fromMs, untilMs }) =>
        ['busy', 'disk-full', 'pause'].includes(kind) &&
        atMs >= fromMs &&
        atMs <= untilMs + latelyMs,
    );
  }

  started(): void {
    const tables = this.#run.tables();
    if (tables !== undefined) this.look(tables);
  }

  look(tables: Tables): void {
    const there = new Set(tables.deals().map(({ asin, priceType }) => `${asin}/${priceType}`));
    const lost = [...this.#mustBeThere].filter((key) => !there.has(key));
    if (lost.length === 0) return;
    const some = lost.slice(0, 5).join(', ');
    this.#run.fail('P1-lost-row', `${lost.length} rows were stored and are gone: ${some}`);
  }
}
