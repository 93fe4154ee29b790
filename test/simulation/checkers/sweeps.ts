/**
 * P9: only an answered page that is not full ends a sweep.
 *
 * A sweep that is recorded as complete proves absences. So whenever one is, a listing page with
 * fewer rows than a page may hold was delivered for it with status 200 within the last ten minutes.
 * Left out in
 * plans in which the wall clock, which dates the end, is stepped.
 */
import { dealPageRows } from '../../../src/keepa/deal-row.ts';
import type { PortCall } from '../fault-life.ts';
import type { Tables } from '../fault-tables.ts';
import type { Checker, Watched } from './checker.ts';

const lateMsMax = 10 * 60_000;

export class SweepsChecker implements Checker {
  readonly #run: Watched;
  /** When last pages were delivered, on the machine's clock. */
  #lastPagesAtMs: number[] = [];
  #lookedUntilMs: number;

  constructor(run: Watched) {
    this.#run = run;
    this.#lookedUntilMs = run.startMs;
  }

  done({ name, args }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const asked = args[0] as { readonly path: string };
    const answer = value as { readonly status: number; readonly body: string };
    if (asked.path !== '/deal' || answer.status !== 200) return;
    const rows = answer.body.match(/"asin":/g)?.length ?? 0;
    if (rows < dealPageRows) this.#lastPagesAtMs.push(this.#run.nowMs);
  }

  look(tables: Tables): void {
    const { nowMs, plan } = this.#run;
    const hasTrueTime = !plan.some(({ kind }) => kind === 'wall-step');
    const fromMs = this.#lookedUntilMs;
    this.#lookedUntilMs = nowMs;
    const pages = this.#lastPagesAtMs;
    this.#lastPagesAtMs = pages.filter((atMs) => atMs > nowMs - lateMsMax);
    if (!hasTrueTime) return;
    for (const { number, endedAtMs } of tables.completeSweeps(fromMs)) {
      if (endedAtMs > nowMs) continue;
      if (pages.some((atMs) => atMs <= endedAtMs && atMs >= endedAtMs - lateMsMax)) continue;
      this.#run.fail(
        'P9-end-of-data',
        `sweep ${number} is complete, and no last page was delivered`,
      );
    }
  }
}
