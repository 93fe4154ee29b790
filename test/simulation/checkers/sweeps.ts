/**
 * P9: only an answered page that is not full ends a sweep.
 *
 * A sweep that is recorded as complete proves absences. So whenever one is, the page that it ended
 * with was delivered for it with status 200 within the last ten minutes, with fewer rows than a
 * page may hold: of its own query, in its own order (a head poll asks for another), the page that
 * it had to ask for next. One page ends one sweep.
 *
 * Where the wall clock, which dates the end, is stepped, any time of the last day will do.
 */

import { parseDealQuery } from '../../../src/keepa/deal-query.ts';
import { dealPageRows } from '../../../src/keepa/deal-row.ts';
import type { PortCall } from '../fault-life.ts';
import type { Tables } from '../fault-tables.ts';
import type { Checker, Watched } from './checker.ts';

const lateMsMax = 10 * 60_000;
const keptMs = 24 * 3_600_000;

/** A page that was not full, as it was delivered. */
interface LastPage {
  readonly queryHash: string;
  readonly sortType: number;
  readonly page: number;
  /** True time. */
  readonly atMs: number;
}

export class SweepsChecker implements Checker {
  readonly #run: Watched;
  readonly #hasTrueTime: boolean;
  readonly #ended = new Set<string>();
  #lastPages: readonly LastPage[] = [];

  constructor(run: Watched) {
    this.#run = run;
    this.#hasTrueTime = !run.plan.some(({ kind }) => kind === 'wall-step');
  }

  done({ name, args }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const asked = args[0] as { readonly path: string; readonly body: string };
    const answer = value as { readonly status: number; readonly body: string };
    if (asked.path !== '/deal' || answer.status !== 200) return;
    const rows = answer.body.match(/"asin":/g)?.length ?? 0;
    if (rows >= dealPageRows) return;
    const { page, ...query } = JSON.parse(asked.body) as { readonly page: number };
    const { hash, sortType } = parseDealQuery(query, {});
    const delivered = { queryHash: hash, sortType, page, atMs: this.#run.nowMs };
    this.#lastPages = [...this.#lastPages, delivered];
  }

  look(tables: Tables): void {
    const { nowMs, world } = this.#run;
    this.#lastPages = this.#lastPages.filter(({ atMs }) => atMs > nowMs - keptMs);
    const sortTypes = new Map(world.feeds.map(({ name, query }) => [name, query.sortType]));
    for (const { feed, number, queryHash, nextPage, endedAtMs } of tables.completeSweeps()) {
      const name = `${feed}/${number}`;
      if (this.#ended.has(name) || (this.#hasTrueTime && endedAtMs > nowMs)) continue;
      this.#ended.add(name);
      const ending = this.#lastPages.findLast(
        (page) =>
          page.queryHash === queryHash &&
          page.sortType === sortTypes.get(feed) &&
          page.page === nextPage - 1 &&
          this.#isInTime(page, endedAtMs),
      );
      this.#lastPages = this.#lastPages.filter((page) => page !== ending);
      if (ending !== undefined) continue;
      this.#run.fail('P9-end-of-data', `sweep ${name} is complete, and no last page was delivered`);
    }
  }

  #isInTime({ atMs }: LastPage, endedAtMs: number): boolean {
    return !this.#hasTrueTime || (atMs <= endedAtMs && atMs >= endedAtMs - lateMsMax);
  }
}
