/**
 * The fields of the status report, and how each part's figures become them.
 *
 * Programs read these fields, so they are only ever added; an absent figure is null, never zero and
 * never left out. Times are ISO-8601 UTC, spans are milliseconds, tokens are tokens.
 */
import { type BrokerSnapshot, type SpendClass, spendClasses } from '../broker/request.ts';
import type { LeaseEntry } from '../coordination/ports.ts';
import type { JudgingTotals } from '../store/judging-ports.ts';
import type { DealReader, FeedStatus, Freshness, Pause } from '../store/ports.ts';
import type { LoopStatus } from './sources.ts';
import type { StateName } from './state.ts';

export interface ClassReport {
  readonly share: number | null;
  readonly queued: number | null;
  readonly credit: number | null;
  readonly headHoldTokens: number | null;
  /** The longest time until the present head is admitted; `waitBounds` says for what it holds. */
  readonly waitBoundMs: number | null;
  readonly oldestWaitMs: number | null;
  /** The longest wait for an admission since the start, one that still goes on included. */
  readonly longestWaitMs: number | null;
  /** When that wait ended; now for one that goes on, null when nothing has waited yet. */
  readonly longestWaitAt: string | null;
}

/** What the wait bounds of all classes rest on. */
export interface WaitBoundsReport {
  /** Tokens that are counted on per tick: the refill less what others were seen to take. */
  readonly tokensPerTick: number | null;
  /** For people: under which conditions the bounds hold, or why there is none. */
  readonly basis: string;
}

export interface FeedReport {
  readonly name: string;
  /** False: it was taken out of the configuration, and its rows stay. */
  readonly configured: boolean;
  readonly rows: number;
  readonly lastSweepAt: string | null;
  readonly lastSweepRows: number | null;
  readonly lastHeadAt: string | null;
  readonly sweep: {
    readonly number: number;
    readonly nextPage: number;
    readonly rows: number;
    readonly startedAt: string;
  } | null;
  readonly partial: boolean;
  readonly watermark: string | null;
  /** Why none of its rows ends now; null: rows may end, or no daemon is there to say. */
  readonly suspended: string | null;
}

/** A time in which nobody looked at the feed, and that no complete sweep has closed yet. */
export interface GapReport {
  readonly feed: string;
  readonly from: string;
}

export interface LeaseReport {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly instance: string;
  readonly fence: number;
  readonly acquiredAt: string;
  readonly renewedAt: string;
  readonly remainingMs: number;
  readonly doing: string;
}

export interface LoopReport {
  readonly name: string;
  readonly doing: string | null;
  readonly passes: number;
  readonly failures: number;
  readonly lastPassAt: string | null;
  readonly lastSuccessAt: string | null;
  readonly nextPassAt: string | null;
  readonly lastError: string | null;
}

export interface TokenReport {
  readonly balance: number | null;
  /** When the balance was that: now, or for a daemon that is gone its last answer. */
  readonly balanceAt: string | null;
  readonly capacity: number | null;
  readonly refillRate: number | null;
  readonly netRate: number | null;
  readonly nextRefillAt: string | null;
  readonly needed: number | null;
  readonly commons: number | null;
  readonly deficitFloor: number | null;
  readonly spentLastHour: number;
  readonly unexplained: number | null;
  readonly refusals: number | null;
}

export interface PauseReport {
  readonly since: string;
  /** When it ends by itself; null: when somebody says so. */
  readonly until: string | null;
  readonly reason: string | null;
}

export interface StatusReport {
  readonly schema: 1;
  readonly state: StateName;
  readonly reason: string;
  readonly at: string;
  readonly nextActionAt: string | null;
  readonly lastSuccessAt: string | null;
  readonly version: string | null;
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  readonly pid: number | null;
  readonly dataDir: string;
  /** Keepa's clock minus this machine's at the last answer; null before it. */
  readonly clockOffsetMs: number | null;
  /** Starts of the last five minutes, this one included: three or more are a crash loop. */
  readonly recentStarts: number;
  readonly tokens: TokenReport;
  readonly classes: Readonly<Record<SpendClass, ClassReport>>;
  readonly waitBounds: WaitBoundsReport;
  readonly feeds: readonly FeedReport[];
  /** `held` rows are counted in their states as well: due to end, but too many at once. */
  readonly deals: Awaited<ReturnType<DealReader['countByState']>> & { readonly held: number };
  /** processed = accepted + the sums over rejected and insufficient + retries. */
  readonly judging: JudgingTotals;
  readonly gaps: readonly GapReport[];
  readonly freshness: { readonly [K in keyof Freshness]: number | null };
  readonly loops: readonly LoopReport[];
  readonly leases: readonly LeaseReport[];
  /** Null: nothing is paused. A daemon that is gone will be paused when it starts again. */
  readonly pause: PauseReport | null;
}

export function tokensNow(
  broker: BrokerSnapshot | undefined,
  { nowMs, spentLastHour }: { nowMs: number; spentLastHour: number },
): TokenReport {
  return {
    balance: broker?.balance ?? null,
    balanceAt: broker?.balance === undefined ? null : iso(nowMs),
    capacity: broker?.capacity ?? null,
    refillRate: broker?.refillRate ?? null,
    netRate: broker?.netRate ?? null,
    nextRefillAt: isoOrNull(broker?.nextRefillAtMs),
    needed: broker?.tokensNeeded ?? null,
    commons: broker?.commons ?? null,
    deficitFloor: broker?.deficitFloor ?? null,
    spentLastHour: broker?.spentLastHour ?? spentLastHour,
    unexplained: broker?.unexplainedTokens ?? null,
    refusals: broker?.refusals ?? null,
  };
}

export function classesNow(
  broker: BrokerSnapshot | undefined,
  shares: Readonly<Record<SpendClass, number>> | undefined,
): Record<SpendClass, ClassReport> {
  const entries = spendClasses.map((name) => {
    const now = broker?.classes[name];
    const report: ClassReport = {
      share: shares?.[name] ?? null,
      queued: now?.queued ?? null,
      credit: now?.credit ?? null,
      headHoldTokens: now?.headHoldTokens ?? null,
      waitBoundMs: wholeOrNull(now?.waitBoundMs),
      oldestWaitMs: wholeOrNull(now?.oldestWaitMs),
      longestWaitMs: wholeOrNull(now?.longestWaitMs),
      longestWaitAt: isoOrNull(now?.longestWaitAtMs),
    };
    return [name, report] as const;
  });
  return Object.fromEntries(entries) as Record<SpendClass, ClassReport>;
}

/**
 * For what the printed bounds hold. What strangers have taken lately is in them; what they will
 * take, and calls that cost more than their hold, cannot be: each moves a bound by its size.
 */
export function waitBoundsNow(broker: BrokerSnapshot | undefined): WaitBoundsReport {
  if (broker?.netRate === undefined || broker.stopped !== undefined) {
    return { tokensPerTick: null, basis: 'none while no token is spent' };
  }
  const tokensPerTick = Math.floor(broker.netRate * 100) / 100;
  if (tokensPerTick <= 0) {
    return { tokensPerTick, basis: 'none while no token that arrives is left to us' };
  }
  const { refillRate = tokensPerTick, unexplainedTokens } = broker;
  const isShared = unexplainedTokens > 0 && tokensPerTick < refillRate;
  const others = isShared
    ? `others take no more than now of the ${refillRate} that arrive`
    : 'nobody else spends with this key';
  const left = `${tokensPerTick} tokens a tick are left to us`;
  return { tokensPerTick, basis: `hold while ${left}, ${others}, no call exceeds its hold` };
}

export function feedReport(feed: FeedStatus, suspendedWhy: string | undefined): FeedReport {
  const { sweep } = feed;
  return {
    name: feed.name,
    configured: feed.isConfigured,
    rows: feed.rows,
    lastSweepAt: isoOrNull(feed.lastSweepAtMs),
    lastSweepRows: feed.lastSweepRows ?? null,
    lastHeadAt: isoOrNull(feed.lastHeadAtMs),
    sweep:
      sweep === undefined
        ? null
        : {
            number: sweep.number,
            nextPage: sweep.nextPage,
            rows: sweep.rows,
            startedAt: iso(sweep.startedAtMs),
          },
    partial: feed.isPartial,
    watermark: isoOrNull(feed.watermarkMs),
    suspended: suspendedWhy ?? null,
  };
}

export function loopReport(loop: LoopStatus): LoopReport {
  return {
    name: loop.name,
    doing: loop.doing ?? null,
    passes: loop.passes,
    failures: loop.failures,
    lastPassAt: isoOrNull(loop.lastPassAtMs),
    lastSuccessAt: isoOrNull(loop.lastSuccessAtMs),
    nextPassAt: isoOrNull(loop.nextPassAtMs),
    lastError: loop.lastError ?? null,
  };
}

export function leaseReport(lease: LeaseEntry): LeaseReport {
  return {
    name: lease.name,
    host: lease.owner.host,
    pid: lease.owner.pid,
    instance: lease.owner.instance,
    fence: lease.fence,
    acquiredAt: iso(lease.acquiredAtMs),
    renewedAt: iso(lease.renewedAtMs),
    remainingMs: Math.round(lease.remainingMs),
    doing: lease.doing,
  };
}

export function pauseReport(pause: Pause | undefined): PauseReport | null {
  if (pause === undefined) return null;
  const { sinceMs, untilMs, reason } = pause;
  return { since: iso(sinceMs), until: isoOrNull(untilMs), reason: reason ?? null };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : iso(ms);
}

function wholeOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
