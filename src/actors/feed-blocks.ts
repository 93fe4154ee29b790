/**
 * Which feeds are left alone for a while, because their last page brought nothing.
 *
 * One feed's trouble must not take another's turn. The time is monotonic: a wall clock that was
 * wrong, and is put right, is itself a reason for such a block.
 */
import { tickMs } from '../broker/token-bucket.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Feed } from './feed.ts';

/** After a page that could not be bought; the broker has backed off already. */
const troubleWaitMs = tickMs;
/** Before a feed gets another chance that Keepa refuses as it is, or answers unreadably. */
const hopelessWaitMs = 3_600_000;

export class FeedBlocks {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  block(feed: Feed, { isHopeless }: { isHopeless: boolean }): void {
    const waitMs = isHopeless ? hopelessWaitMs : troubleWaitMs;
    this.#untilMs.set(feed.name, this.#clock.monotonic() + waitMs);
  }

  /** The feeds whose turn it may be. */
  open(feeds: readonly Feed[]): readonly Feed[] {
    const nowMs = this.#clock.monotonic();
    return feeds.filter(({ name }) => (this.#untilMs.get(name) ?? nowMs) <= nowMs);
  }

  /** Time until the next blocked feed opens; infinite when none is blocked. */
  nextOpeningMs(feeds: readonly Feed[]): number {
    const nowMs = this.#clock.monotonic();
    const waits = feeds.map(({ name }) => (this.#untilMs.get(name) ?? nowMs) - nowMs);
    return Math.min(...waits.filter((waitMs) => waitMs > 0), Number.POSITIVE_INFINITY);
  }
}
