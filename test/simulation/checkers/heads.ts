/**
 * P4 for what it is there for: nothing makes the head of a feed wait, whatever else is queued.
 *
 * In quiet times every feed's head is asked for within its interval, a minute, three ticks, and the
 * ticks in which the class's share brings a page for each other feed: a round asks for one head
 * after the other, with what there is or with what it has to wait for. The classes keep their own
 * bounds; this looks at the wire, where no class is written on a request, so it also sees a poll
 * that waits in the wrong one. Quiet: nothing was disturbed for as long, and an hour more (a feed
 * that answered unreadably is left alone for one, and what was missing when a changed rate became
 * known counts as taken by others for one), without a debt, and with a process at work throughout:
 * one that was killed may stay down for hours.
 */
import { headIntervalMs, pagePriceTokens } from '../../../src/actors/planning.ts';
import { tickMs } from '../../../src/simulator/bucket.ts';
import type { PortCall } from '../fault-life.ts';
import type { WireCall } from '../fault-wire.ts';
import type { World } from '../fault-world.ts';
import type { Checker, Watched } from './checker.ts';
import { RateNews } from './rate-news.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** From one poll of a feed's head to the next, at the most. */
export function headLateMs({ ratePerMinute: netRate, config, feeds }: World): number {
  const sharePercent = config.shares.head;
  const others = (feeds.length - 1) * pagePriceTokens;
  const ticks = 3 + Math.ceil((100 * others) / (sharePercent * netRate));
  return headIntervalMs(feeds.length, { netRate, sharePercent }) + ticks * tickMs + minuteMs;
}

export class HeadsChecker implements Checker {
  readonly #run: Watched;
  readonly #polledAtMs = new Map<string, number>();
  readonly #lateMs: number;
  #indebtedAtMs = 0;
  #absentAtMs = 0;
  readonly #rateNews = new RateNews();

  constructor(run: Watched) {
    this.#run = run;
    this.#lateMs = headLateMs(run.world);
  }

  sent({ request, sentAtMs }: WireCall): void {
    if (request.path !== '/deal' || request.body === undefined) return;
    const { sortType, page: _, ...selection } = JSON.parse(request.body);
    if (sortType === 1) this.#polledAtMs.set(JSON.stringify(selection), sentAtMs);
  }

  rateChanged(): void {
    this.#rateNews.changed();
  }

  done(call: PortCall, value: unknown): void {
    this.#rateNews.done(call, value, this.#run.nowMs);
  }

  minute(): void {
    const { nowMs, disturbedAtMs, world, keepa, host } = this.#run;
    if (host.current === undefined) this.#absentAtMs = nowMs;
    if (keepa.balance(nowMs) < 0) this.#indebtedAtMs = nowMs;
    const unknownAtMs = this.#rateNews.unknownAtMs(nowMs);
    const badAtMs = Math.max(disturbedAtMs, this.#indebtedAtMs, this.#absentAtMs, unknownAtMs);
    const quietMs = nowMs - badAtMs;
    if (quietMs < hourMs + this.#lateMs) return;
    for (const { name, query } of world.feeds) {
      const polledAtMs = this.#polledAtMs.get(JSON.stringify(query.selection)) ?? 0;
      if (nowMs - polledAtMs <= this.#lateMs) continue;
      const minutes = (ms: number): string => `${(ms / minuteMs).toFixed(1)} min`;
      this.#run.fail(
        'P4-head',
        `the head of ${name} was polled ${minutes(nowMs - polledAtMs)} ago, ` +
          `not within ${minutes(this.#lateMs)}`,
      );
    }
  }
}
