/**
 * Liveness: once the faults have healed the system converges, within a stated time.
 *
 * The time: two hours (a feed that answered unreadably is left alone for one), the ticks that a
 * debt needs, and two rounds of sweeps, each at the latest that still counts as in time.
 * Afterwards: every row that was on a feed's list throughout the second half of that time is in the
 * table, has not ended, and was seen since the healing; and status says `running` or `waiting`.
 * That heads are polled in time again is looked at all the while (see `heads.ts`).
 */
import { plannedSweepMs } from '../../../src/actors/planning.ts';
import { tickMs } from '../../../src/simulator/bucket.ts';
import { decideState } from '../../../src/status/state.ts';
import type { Tables } from '../fault-tables.ts';
import type { Checker, Watched } from './checker.ts';

const hourMs = 3_600_000;

export class ConvergeChecker implements Checker {
  readonly #run: Watched;
  #healedAtMs = 0;
  #withinMs = 0;

  constructor(run: Watched) {
    this.#run = run;
  }

  convergesWithinMs(): number {
    const { world, keepa, nowMs } = this.#run;
    const { shares, sweepIntervalMs } = world.config;
    const income = { netRate: world.ratePerMinute, sharePercent: shares.backfill };
    const sweepMs = plannedSweepMs(2 * world.rows, income);
    const debtMs = (Math.max(0, -keepa.balance(nowMs)) / world.ratePerMinute) * tickMs;
    const roundMs = sweepIntervalMs + 2 * world.feeds.length * sweepMs;
    this.#healedAtMs = nowMs;
    this.#withinMs = 2 * hourMs + debtMs + 2 * roundMs;
    return this.#withinMs;
  }

  end(tables: Tables): void {
    this.#checkRows(tables);
    this.#checkStatus();
  }

  #checkRows(tables: Tables): void {
    const { keepa, nowMs, world } = this.#run;
    const deals = new Map(tables.deals().map((deal) => [`${deal.asin}/${deal.priceType}`, deal]));
    for (const { name, query } of world.feeds) {
      const listedAt = (atMs: number): ReadonlySet<string> => {
        const rows = keepa.liveRows(atMs, { ...query.selection, page: 0, sortType: 4 });
        return new Set(rows.map(({ asin }) => asin));
      };
      let steady = listedAt(nowMs);
      for (let part = 1; part <= 6; part += 1) {
        steady = new Set(
          [...listedAt(nowMs - (part / 12) * this.#withinMs)].filter((it) => steady.has(it)),
        );
      }
      const missing = [...steady].filter((asin) => {
        const deal = deals.get(`${asin}/${query.priceType}`);
        return !deal || deal.state === 'ended' || deal.lastSeenAtMs < this.#healedAtMs;
      });
      if (missing.length === 0) continue;
      const some = missing.slice(0, 5).join(', ');
      this.#run.fail('converge', `${name}: ${missing.length} listed rows are not kept: ${some}`);
    }
  }

  #checkStatus(): void {
    const sources = this.#run.host.current?.daemon?.sources();
    if (sources === undefined) {
      this.#run.fail('converge', 'no process is at work');
      return;
    }
    const { state, reason } = decideState({
      nowMs: this.#run.nowMs,
      phase: sources.phase(),
      broker: sources.broker(),
      loops: sources.loops(),
      recentRequests: [],
    });
    if (state === 'running' || state === 'waiting') return;
    this.#run.fail('converge', `status says ${state}: ${reason}`);
  }
}
