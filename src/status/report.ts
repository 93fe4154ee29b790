/**
 * The status report: what `status --json` prints and `GET /status` answers.
 *
 * One command must always state what the system does, why, what it waits for and until when;
 * otherwise a person who sees nothing happen will change thresholds until something breaks. The
 * figures come from the parts as they are at this moment, the judgement from state.ts. Status looks
 * sideways: what it is given reads, and can neither spend a token nor write a row.
 *
 * Invariants:
 * - fields are only ever added; an absent figure is null, never zero and never left out;
 * - times are ISO-8601 UTC, spans are milliseconds, tokens are tokens;
 * - `deals.total` is the sum of the other five.
 */
import { type BrokerSnapshot, type SpendClass, spendClasses } from '../broker/request.ts';
import type { LeaseEntry } from '../coordination/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DealReader, FeedStatus, Freshness } from '../store/ports.ts';
import { decideState, type Judgement, type LoopStatus, type Phase, type StateName } from './state.ts';

/** What the daemon hands over: functions that read. */
export interface StatusSources {
  readonly clock: Pick<Clock, 'now'>;
  readonly version: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly shares: Readonly<Record<SpendClass, number>>;
  readonly reader: DealReader;
  phase(): Phase;
  /** Undefined until the broker exists. */
  broker(): BrokerSnapshot | undefined;
  loops(): readonly LoopStatus[];
  leases(): Promise<readonly LeaseEntry[]>;
}

export interface ClassReport {
  readonly share: number | null;
  readonly queued: number | null;
  readonly credit: number | null;
  readonly headHoldTokens: number | null;
  readonly waitBoundMs: number | null;
  readonly oldestWaitMs: number | null;
}

export interface FeedReport {
  readonly name: string;
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
  /** Starts of the last five minutes, this one included: three or more are a crash loop. */
  readonly recentStarts: number;
  readonly tokens: TokenReport;
  readonly classes: Readonly<Record<SpendClass, ClassReport>>;
  readonly feeds: readonly FeedReport[];
  readonly deals: Awaited<ReturnType<DealReader['countByState']>>;
  readonly freshness: { readonly [K in keyof Freshness]: number | null };
  readonly loops: readonly LoopReport[];
  readonly leases: readonly LeaseReport[];
}

const hourMs = 3_600_000;
const crashLoopMs = 300_000;
/** Enough of the ledger to see a row of failures. */
const recentRequests = 5;

/** How things are now. Reads only. @throws whatever the reader or the leases throw. */
export async function buildReport(sources: StatusSources): Promise<StatusReport> {
  const { clock, reader } = sources;
  const nowMs = clock.now();
  const broker = sources.broker();
  const loops = sources.loops();
  const [stored, leases, requests] = await Promise.all([
    readStored(reader, nowMs),
    sources.leases(),
    reader.recentRequests(recentRequests),
  ]);
  const phase = sources.phase();
  const judgement = decideState({ nowMs, phase, broker, loops, recentRequests: requests });
  const lastAnswerAtMs = broker?.lastAnswerAtMs ?? stored.lastAnswered?.atMs;
  return {
    ...headOf(judgement, nowMs),
    lastSuccessAt: isoOrNull(lastAnswerAtMs),
    version: sources.version,
    startedAt: iso(sources.startedAtMs),
    stoppedAt: null,
    pid: sources.pid,
    dataDir: sources.dataDir,
    recentStarts: stored.recentStarts,
    tokens: tokensNow(broker, { nowMs, spentLastHour: stored.spentLastHour }),
    classes: classesNow(broker, sources.shares),
    ...figuresOf(stored),
    loops: loops.map(loopReport),
    leases: leases.map(leaseReport),
  };
}

/** What is known of a daemon that does not answer, from the store alone. */
export interface SilentDaemon {
  readonly nowMs: number;
  readonly dataDir: string;
  readonly reader: DealReader;
  readonly leases: readonly LeaseEntry[];
  /** The process took our call and did not answer it: it hangs, rather than being gone. */
  readonly isHanging: boolean;
}

/** The report without a daemon to ask: `stopped`, or `stalled` when its process hangs. */
export async function buildSilentReport(silent: SilentDaemon): Promise<StatusReport> {
  const { nowMs, reader } = silent;
  const [stored, run, requests] = await Promise.all([
    readStored(reader, nowMs),
    reader.lastRun(),
    reader.recentRequests(1),
  ]);
  const latest = requests[0];
  const reason = silent.isHanging
    ? `process ${run?.pid ?? 'unknown'} took the call and does not answer`
    : stopReason(run);
  const judgement: Judgement = {
    state: silent.isHanging ? 'stalled' : 'stopped',
    reason,
    nextActionAtMs: undefined,
  };
  return {
    ...headOf(judgement, nowMs),
    lastSuccessAt: isoOrNull(stored.lastAnswered?.atMs),
    version: run?.version ?? null,
    startedAt: isoOrNull(run?.startedAtMs),
    stoppedAt: isoOrNull(run?.stoppedAtMs),
    pid: silent.isHanging ? (run?.pid ?? null) : null,
    dataDir: silent.dataDir,
    recentStarts: stored.recentStarts,
    tokens: {
      ...tokensNow(undefined, { nowMs, spentLastHour: stored.spentLastHour }),
      balance: latest?.balanceAfter ?? null,
      balanceAt: latest?.balanceAfter === undefined ? null : iso(latest.atMs),
    },
    classes: classesNow(undefined, undefined),
    ...figuresOf(stored),
    loops: [],
    leases: silent.leases.map(leaseReport),
  };
}

type Stored = Awaited<ReturnType<typeof readStored>>;

async function readStored(reader: DealReader, nowMs: number) {
  const [deals, feeds, freshness, spent, lastAnswered, recentStarts] = await Promise.all([
    reader.countByState(),
    reader.feeds(),
    reader.freshness(nowMs),
    reader.spentSince(nowMs - hourMs),
    reader.lastAnswered(),
    reader.runsSince(nowMs - crashLoopMs),
  ]);
  return { deals, feeds, freshness, spentLastHour: spent.tokens, lastAnswered, recentStarts };
}

function figuresOf({ deals, feeds, freshness }: Stored) {
  return {
    feeds: feeds.map(feedReport),
    deals,
    freshness: {
      p50Ms: freshness?.p50Ms ?? null,
      p95Ms: freshness?.p95Ms ?? null,
      maxMs: freshness?.maxMs ?? null,
    },
  };
}

function headOf({ state, reason, nextActionAtMs }: Judgement, nowMs: number) {
  const schema: 1 = 1;
  return { schema, state, reason, at: iso(nowMs), nextActionAt: isoOrNull(nextActionAtMs) };
}

function stopReason(run: Awaited<ReturnType<DealReader['lastRun']>>): string {
  if (run === undefined) return 'it has never run on this data';
  if (run.stoppedAtMs === undefined) return `process ${run.pid} is gone without having said goodbye`;
  return `it ended: ${run.stopReason ?? 'no reason recorded'}`;
}

function tokensNow(
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

function classesNow(
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
      waitBoundMs: now?.waitBoundMs ?? null,
      oldestWaitMs: now?.oldestWaitMs ?? null,
    };
    return [name, report] as const;
  });
  return Object.fromEntries(entries) as Record<SpendClass, ClassReport>;
}

function feedReport(feed: FeedStatus): FeedReport {
  const { sweep } = feed;
  return {
    name: feed.name,
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
  };
}

function loopReport(loop: LoopStatus): LoopReport {
  return {
    name: loop.name,
    doing: loop.doing ?? null,
    passes: loop.passes,
    failures: loop.failures,
    lastPassAt: isoOrNull(loop.lastPassAtMs),
    nextPassAt: isoOrNull(loop.nextPassAtMs),
    lastError: loop.lastError ?? null,
  };
}

function leaseReport(lease: LeaseEntry): LeaseReport {
  return {
    name: lease.name,
    host: lease.owner.host,
    pid: lease.owner.pid,
    instance: lease.owner.instance,
    fence: lease.fence,
    acquiredAt: iso(lease.acquiredAtMs),
    renewedAt: iso(lease.renewedAtMs),
    remainingMs: lease.remainingMs,
    doing: lease.doing,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : iso(ms);
}
