/**
 * Ends rows, and is the only one that does: a row that is gone, and nothing else, ever.
 *
 * A pass costs no token. It counts the healthy time that passed, opens and closes coverage gaps,
 * decides in which feeds nothing may end now, and then asks the store to end what is due: rows that
 * two complete sweeps of every feed lack and whose re-check no longer passes, and rows not seen for
 * their time to live. When that would be too large a part of the table the store holds the rows
 * instead, until somebody says yes or each had its own re-check.
 *
 * Invariants:
 * - rows end only when a sweep has just been completed, and none in a feed that is not being
 *   looked at: before its first sweep, during and after an outage until it is swept again, while
 *   spending is stopped (promise P8);
 * - every ending is in the log with its reason and the row's age;
 * - time in which this process did not run never counts, whatever the wall clock says.
 */
import type { Broker } from '../broker/request.ts';
import type { PassReport } from '../runtime/actor.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { CoverageGap, EndingCounts, Supply } from '../store/judging-ports.ts';
import type { DealReader, DealWriter, FeedStatus } from '../store/ports.ts';
import { closeGap, openGapOf, openGaps } from './coverage.ts';
import { logEndings } from './ending-lines.ts';
import type { Feed } from './feed.ts';
import { partsOf } from './feed-parts.ts';
import {
  beginWatch,
  countHealthyTime,
  jumpMsMin,
  type Rounds,
  timeToLiveMs,
  type Watch,
} from './healthy-time.ts';
import {
  type SizedSweep,
  type Suspension,
  supplyOfParts,
  suspensionOf,
  type WatchedFeed,
} from './suspension.ts';

export interface JanitorOptions {
  readonly feeds: readonly Feed[];
  readonly broker: Pick<Broker, 'snapshot'>;
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly sweepIntervalMs: number;
  /** The one setting of it: healthy time unseen after which a row ends. */
  readonly ttlMs: number;
  /** After which an ended row is forgotten. */
  readonly purgeMs: number;
  /** Monotonic: when work was last paused, now while it is; undefined: never yet. */
  lastPausedAtMs(): number | undefined;
}

const intervalMs = 60_000;
const tidyIntervalMs = 3_600_000;
const weekMs = 7 * 24 * 3_600_000;
/** More than this part of the rows at once is taken for a mistake of ours. */
const endedPartMax = 0.2;

export class Janitor {
  readonly #options: JanitorOptions;
  #watch: Watch;
  #suspensions: ReadonlyMap<string, Suspension> = new Map();
  #held = 0;
  #tidiedAtMs: number;
  #sweptAtMs: number | undefined;
  readonly #sweeps = new Map<string, KnownSweeps>();
  readonly #misdated = new Set<string>();
  readonly #supplyWarnedAtMs = new Map<string, number>();

  constructor(options: JanitorOptions) {
    this.#options = options;
    const start = this.#instant();
    this.#watch = beginWatch(start);
    this.#tidiedAtMs = start.monotonicMs;
  }

  /** The feeds in which nothing ends now, and why; before the first pass none is known. */
  suspensions(): ReadonlyMap<string, Suspension> {
    return this.#suspensions;
  }

  /** One round; see the head of the file. @throws what the store throws. */
  async pass(): Promise<PassReport> {
    const { reader, writer, log, clock } = this.#options;
    const nowMs = clock.now();
    const statuses = await reader.feeds();
    await openGaps(this.#options, { feeds: statuses, nowMs });
    const feeds = await this.#lookAtFeeds(statuses, nowMs);
    const rounds: Rounds = {
      parts: feeds.flatMap(({ parts }) => parts),
      sweepIntervalMs: this.#options.sweepIntervalMs,
    };
    const healthyMs = await this.#countTime(rounds);
    this.#suspend(feeds, { rounds, nowMs });
    await this.#tidy();
    if (!this.#isNewlySwept(rounds)) return { counts: { healthyMs }, nextInMs: intervalMs };
    const { counts, endings } = await writer.endRows({
      atMs: nowMs,
      ttlHealthyMs: timeToLiveMs(this.#options.ttlMs, rounds),
      endedPartMax,
      suspendedFeeds: this.#suspendedNames(statuses),
      partialFeeds: statuses.filter(({ isPartial }) => isPartial).map(({ name }) => name),
      retentionMs: this.#options.purgeMs,
    });
    logEndings(log, endings);
    this.#noteHeld(counts);
    const { ended, held, purged } = counts;
    return { counts: { healthyMs, ...ended, held, purged }, nextInMs: intervalMs };
  }

  /**
   * Whether another sweep has been completed since the last look. Rows end at no other time: what
   * is due then waits a round at most, and a run that could end rows in the middle of an outage,
   * on what was known before it, does not exist. The first look of a process ends nothing.
   */
  #isNewlySwept({ parts }: Rounds): boolean {
    const sweptAtMs = Math.max(0, ...parts.map(([last]) => last?.endedAtMs ?? 0));
    const known = this.#sweptAtMs;
    this.#sweptAtMs = sweptAtMs;
    return known !== undefined && known !== sweptAtMs;
  }

  #instant(): { wallMs: number; monotonicMs: number } {
    const { clock } = this.#options;
    return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
  }

  async #lookAtFeeds(
    statuses: readonly FeedStatus[],
    nowMs: number,
  ): Promise<readonly WatchedFeed[]> {
    const { feeds, reader } = this.#options;
    const gaps = await reader.gaps();
    const watched: WatchedFeed[] = [];
    for (const feed of feeds) {
      const { name } = feed;
      const status = statuses.find((known) => known.name === name);
      const { parts, supply } = await this.#sweepsOf(feed, status?.lastSweepAtMs, nowMs);
      watched.push({
        name,
        parts,
        supply,
        gap: await this.#openGap(openGapOf(gaps, name), parts),
      });
    }
    return watched;
  }

  /** The complete sweeps of each part and their sizes, read only when there is another one. */
  async #sweepsOf(
    feed: Feed,
    lastSweepAtMs: number | undefined,
    nowMs: number,
  ): Promise<Pick<WatchedFeed, 'parts' | 'supply'>> {
    const { reader } = this.#options;
    const { name } = feed;
    let known = this.#sweeps.get(name);
    if (known === undefined || known.lastSweepAtMs !== lastSweepAtMs) {
      const sweeps = await reader.completeSweeps({ feed: name, sinceMs: nowMs - weekMs });
      known = { lastSweepAtMs, sweeps, supply: await reader.supply(name, nowMs) };
      this.#sweeps.set(name, known);
    }
    const { supply } = known;
    const sweeps = known.sweeps.filter((sweep) => !this.#isMisdated(name, sweep, nowMs));
    const parts = await partsOf(reader, feed);
    const sweepsOfPart = parts.map(({ identity }) =>
      sweeps.filter(({ queryHash }) => queryHash === identity.queryHash),
    );
    // Swept in parts, a feed has no size as a whole.
    return { parts: sweepsOfPart, supply: parts.length > 1 ? supplyOfParts(sweepsOfPart) : supply };
  }

  /**
   * Whether the sweep was once seen to end later than now: the wall clock was ahead then. Its date
   * stays wrong when the clock comes by, and would prove that somebody looked in an outage.
   */
  #isMisdated(
    feed: string,
    { queryHash, endedAtMs }: KnownSweeps['sweeps'][number],
    nowMs: number,
  ): boolean {
    const name = `${feed}/${queryHash}/${endedAtMs}`;
    if (endedAtMs - nowMs > jumpMsMin) this.#misdated.add(name);
    return this.#misdated.has(name);
  }

  async #openGap(
    gap: CoverageGap | undefined,
    parts: WatchedFeed['parts'],
  ): Promise<CoverageGap | undefined> {
    if (gap === undefined) return undefined;
    return (await closeGap(this.#options, { gap, parts })) ? undefined : gap;
  }

  async #countTime(rounds: Rounds): Promise<number> {
    const { broker, writer, lastPausedAtMs } = this.#options;
    // A pause between two looks counts as well: its time is in the span that is open now.
    const wasPaused = (lastPausedAtMs() ?? Number.NEGATIVE_INFINITY) >= this.#watch.monotonicMs;
    const isHalted = wasPaused || broker.snapshot().stopped !== undefined;
    const counted = countHealthyTime(this.#watch, { ...this.#instant(), isHalted, rounds });
    const asOfMs = counted.watch.decidedUntilMs;
    if (counted.healthyMs > 0) await writer.addHealthyTime({ ms: counted.healthyMs, asOfMs });
    this.#watch = counted.watch;
    return counted.healthyMs;
  }

  /** Decides for every feed, and tells of each change once. */
  #suspend(
    feeds: readonly WatchedFeed[],
    { rounds, nowMs }: { rounds: Rounds; nowMs: number },
  ): void {
    const { broker, log } = this.#options;
    const haltedWhy = broker.snapshot().stopped?.why;
    const before = this.#suspensions;
    const suspensions = new Map<string, Suspension>();
    for (const feed of feeds) {
      const { name } = feed;
      const suspension = suspensionOf(feed, { rounds, nowMs, haltedWhy });
      if (suspension !== undefined) suspensions.set(name, suspension);
      if (suspension?.kind === 'supply') this.#warnOfSupply(feed, suspension.why);
      if (suspension?.kind === before.get(name)?.kind) continue;
      if (suspension === undefined) log.info('endings-resumed', { feed: name });
      else log.info('endings-suspended', { feed: name, why: suspension.why });
    }
    this.#suspensions = suspensions;
  }

  /** Once per sweep, of the feed or of a part of it, while they are too small. */
  #warnOfSupply({ name, parts }: WatchedFeed, why: string): void {
    const sweptAtMs = Math.max(...parts.map(([last]) => last?.endedAtMs ?? 0));
    if (this.#supplyWarnedAtMs.get(name) === sweptAtMs) return;
    this.#supplyWarnedAtMs.set(name, sweptAtMs);
    this.#options.log.warn('supply-fell', { feed: name, why });
  }

  /**
   * A feed that was taken out of the configuration is looked at by nobody; its rows age with the
   * others, and end only while at least one feed is in order.
   */
  #suspendedNames(statuses: readonly FeedStatus[]): readonly string[] {
    const { feeds } = this.#options;
    const isAnyFree = feeds.some(({ name }) => !this.#suspensions.has(name));
    const removed = statuses.filter(({ isConfigured }) => !isConfigured);
    return [...this.#suspensions.keys(), ...(isAnyFree ? [] : removed.map(({ name }) => name))];
  }

  /** Now and then the log beside the database is folded into it, so that it stays small. */
  async #tidy(): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#tidiedAtMs < tidyIntervalMs) return;
    if (await this.#options.writer.tidy()) this.#tidiedAtMs = nowMs;
  }

  #noteHeld({ held }: EndingCounts): void {
    if (held === this.#held) return;
    const { log } = this.#options;
    if (held > this.#held) log.warn('endings-held', { rows: held, partMax: endedPartMax });
    else log.info('endings-released', { rows: held });
    this.#held = held;
  }
}

interface KnownSweeps {
  readonly lastSweepAtMs: number | undefined;
  readonly sweeps: readonly (SizedSweep & { readonly queryHash: string })[];
  readonly supply: Supply | undefined;
}
