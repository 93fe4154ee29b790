/**
 * P8: nothing expires while the system is not looking.
 *
 * Of every row that ended it is asked, of the market:
 * *listed*: it has not been on a list of its feeds at each of the last looks, twenty minutes apart,
 * of as long as two sweeps take and an hour. Left out while Keepa itself tells less than there is
 * (short pages), and two hours after that: no client can tell such a lie from the truth.
 * *too early*: a row that ended unseen (not absent) was not delivered to anybody for its time to
 * live, of time in which Keepa answered listing requests at all and nobody had paused the daemon.
 * A sweep that is done in time was looking from its beginning on, as small plans wait within one:
 * so the first answer after an outage makes up for as long as such a sweep may take.
 * *too many*: of the rows that ended at one instant no more than a fifth of the table were not held
 * back before.
 */
import { plannedSweepMs } from '../../../src/actors/planning.ts';
import type { PortCall } from '../fault-life.ts';
import type { DealLine, Tables } from '../fault-tables.ts';
import { isOfNoPlan, type WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';
import { isInForce } from './pauses.ts';

const hourMs = 3_600_000;
const stepMs = 20 * 60_000;
/** A sweep that takes more than so many times its plan is late. */
const lateFactor = 2;
/** Between two answers to listing requests more than this is not looking. */
const answerGapMsMax = 2 * hourMs;
/** More than this part of the live rows never ends at once, unless it was held back first. */
const endedPartMax = 0.2;

export class EndingsChecker implements Checker {
  readonly #run: Watched;
  readonly #known = new Set<number>();
  readonly #wasHeld = new Set<number>();
  /** Lookable time when a row was last delivered, by asin and price type. */
  readonly #deliveredAt = new Map<string, number>();
  readonly #sweepMsMax: number;
  #lookingMs = 0;
  #lastPageAtMs: number;
  /** The last minute, if it was paused then. */
  #pausedAtMs: number | undefined;
  #liedAtMs = Number.NEGATIVE_INFINITY;

  constructor(run: Watched) {
    this.#run = run;
    this.#lastPageAtMs = run.startMs;
    const { ratePerMinute: netRate, rows, config } = run.world;
    const income = { netRate, sharePercent: config.shares.backfill };
    this.#sweepMsMax = lateFactor * plannedSweepMs(rows, income);
  }

  sent({ fault, sentAtMs }: WireCall): void {
    if (fault?.kind === 'short-page') this.#liedAtMs = sentAtMs;
  }

  done({ name, args }: PortCall, value: unknown): void {
    if (name !== 'transport.send') return;
    const asked = args[0] as { readonly path: string; readonly body?: string };
    const answer = value as { readonly status: number; readonly body: string };
    if (asked.path !== '/deal' || answer.status !== 200 || isOfNoPlan(answer.body)) return;
    const sinceMs = this.#run.nowMs - this.#lastPageAtMs;
    this.#lookingMs += sinceMs <= answerGapMsMax ? sinceMs : Math.min(sinceMs, this.#sweepMsMax);
    this.#lastPageAtMs = this.#run.nowMs;
    const { priceTypes } = JSON.parse(asked.body ?? '{}') as { priceTypes: readonly number[] };
    for (const [, asin] of answer.body.matchAll(/"asin":"(\w+)"/g)) {
      this.#deliveredAt.set(`${asin}/${priceTypes[0]}`, this.#lookingMs);
    }
  }

  minute(): void {
    const tables = this.#run.tables();
    if (tables === undefined) return;
    this.#leaveOutPause(tables);
    this.look(tables);
  }

  /** Of a pause the whole minutes: nobody looks in them. */
  #leaveOutPause(tables: Tables): void {
    const { nowMs, host } = this.#run;
    const pause = tables.pause();
    const isPaused = pause !== undefined && isInForce(pause, nowMs + host.wallOffsetMs);
    const sinceMs = this.#pausedAtMs;
    this.#pausedAtMs = isPaused ? nowMs : undefined;
    if (!isPaused || sinceMs === undefined || this.#lastPageAtMs > sinceMs) return;
    this.#lastPageAtMs += nowMs - sinceMs;
  }

  /** Every minute: a row that is listed again is taken back at once. */
  look(tables: Tables): void {
    this.#noteHeld(tables);
    const ended = tables.all<{ id: number }>("select id from deals where state = 'ended'");
    const ids = new Set(ended.map(({ id }) => id));
    for (const id of this.#known) if (!ids.has(id)) this.#known.delete(id);
    const fresh = new Set([...ids].filter((id) => !this.#known.has(id)));
    if (fresh.size === 0) return;
    for (const id of fresh) this.#known.add(id);
    this.#checkBrake(tables, fresh);
    const listings = Map.groupBy(tables.listings(), ({ dealId }) => dealId);
    for (const deal of tables.deals().filter(({ id }) => fresh.has(id))) {
      this.#judge(
        deal,
        (listings.get(deal.id) ?? []).map(({ feed }) => feed),
      );
    }
  }

  #noteHeld(tables: Tables): void {
    const held = tables.all<{ id: number }>('select id from deals where held_at_ms is not null');
    for (const { id } of held) this.#wasHeld.add(id);
  }

  #checkBrake(tables: Tables, fresh: ReadonlySet<number>): void {
    const deals = tables.deals();
    const unheld = deals.filter(({ id }) => fresh.has(id) && !this.#wasHeld.has(id));
    for (const [endedAtMs, ended] of Map.groupBy(unheld, (deal) => deal.endedAtMs)) {
      const later = deals.filter((deal) => (deal.endedAtMs ?? Infinity) >= (endedAtMs ?? 0));
      if (ended.length <= endedPartMax * later.length) continue;
      this.#run.fail('P8-brake', `${ended.length} of ${later.length} rows ended at once, unheld`);
    }
    for (const id of fresh) this.#wasHeld.delete(id);
  }

  #judge(deal: DealLine, feeds: readonly string[]): void {
    const { asin, priceType, reason } = deal;
    const { world, nowMs } = this.#run;
    if (reason === 'not-seen') {
      const delivered = this.#deliveredAt.get(`${asin}/${priceType}`) ?? 0;
      const unseenMs = this.#lookingMs - delivered + (nowMs - this.#lastPageAtMs);
      const ttlMs = world.config.retention.ttlHours * hourMs;
      if (unseenMs < ttlMs) {
        this.#run.fail(
          'P8-ended-early',
          `${asin} ended unseen after ${hours(unseenMs)} of looking; it may live ${hours(ttlMs)}`,
        );
      }
    }
    if (nowMs - this.#liedAtMs < 2 * hourMs) return;
    for (const feed of world.feeds.filter(({ name }) => feeds.includes(name))) {
      if (!this.#wasListedThroughout(asin, feed.query.selection)) continue;
      this.#run.fail('P8-ended-unseen', `${asin} ended (${reason}) while ${feed.name} lists it`);
    }
  }

  #wasListedThroughout(asin: string, selection: Readonly<Record<string, unknown>>): boolean {
    const { keepa, nowMs, world, startMs } = this.#run;
    const fromMs = Math.max(startMs, nowMs - hourMs - 2 * world.config.sweepIntervalMs);
    for (let atMs = nowMs; atMs >= fromMs; atMs -= stepMs) {
      const rows = keepa.liveRows(atMs, { ...selection, page: 0, sortType: 4 });
      if (!rows.some((row) => row.asin === asin)) return false;
    }
    return true;
  }
}

function hours(ms: number): string {
  return `${(ms / hourMs).toFixed(2)} h`;
}
