/**
 * The status report when no daemon answers, made from what it left behind.
 *
 * A dead daemon must look dead, whatever it was doing when it died: the state is `stopped`, or
 * `stalled` when a process is there and hangs, and every figure that only a living one could know
 * is null. The balance is the last that Keepa told, with the time it was told.
 */
import type { FigureReader, Run } from '../store/ports.ts';
import {
  classesNow,
  iso,
  isoOrNull,
  pauseReport,
  type StatusReport,
  tokensNow,
  waitBoundsNow,
} from './report-fields.ts';
import { readStored } from './stored-figures.ts';

export interface Silence {
  readonly nowMs: number;
  readonly dataDir: string;
  /** Why its process counts as hanging; undefined when nobody is there at all. */
  readonly hangs: string | undefined;
}

/** Reads only. @throws whatever the reader throws. */
export async function buildSilentReport(
  silence: Silence & { readonly reader: FigureReader },
): Promise<StatusReport> {
  const { nowMs, hangs, reader } = silence;
  const [stored, run, requests, pause] = await Promise.all([
    readStored(reader, { nowMs }),
    reader.lastRun(),
    reader.recentRequests(1),
    reader.pause(nowMs),
  ]);
  const latest = requests[0];
  const empty = emptyReport(silence);
  return {
    ...empty,
    state: hangs === undefined ? 'stopped' : 'stalled',
    reason: hangs === undefined ? endOf(run) : `process ${run?.pid ?? '?'} hangs: ${hangs}`,
    lastSuccessAt: isoOrNull(stored.lastAnswerAtMs),
    version: run?.version ?? null,
    startedAt: isoOrNull(run?.startedAtMs),
    stoppedAt: isoOrNull(run?.stoppedAtMs),
    pid: hangs === undefined ? null : (run?.pid ?? null),
    tokens: {
      ...empty.tokens,
      spentLastHour: stored.spentLastHour,
      balance: latest?.balanceAfter ?? null,
      balanceAt: latest?.balanceAfter === undefined ? null : iso(latest.atMs),
    },
    ...stored.figures,
    pause: pauseReport(pause),
  };
}

/** The report on a data directory in which nothing has run yet. */
export function emptyReport({ nowMs, dataDir }: Silence): StatusReport {
  return {
    schema: 1,
    state: 'stopped',
    reason: `nothing has run in ${dataDir} yet; begin with keepa-deals start, or set --data-dir`,
    at: iso(nowMs),
    nextActionAt: null,
    lastSuccessAt: null,
    version: null,
    startedAt: null,
    stoppedAt: null,
    pid: null,
    dataDir,
    tokens: tokensNow(undefined, { nowMs, spentLastHour: 0 }),
    classes: classesNow(undefined, undefined),
    waitBounds: waitBoundsNow(undefined),
    clockOffsetMs: null,
    recentStarts: 0,
    feeds: [],
    deals: { total: 0, accepted: 0, rejected: 0, insufficient: 0, candidate: 0, ended: 0, held: 0 },
    judging: { processed: 0, accepted: 0, rejected: {}, insufficient: {}, retries: 0 },
    gaps: [],
    freshness: { p50Ms: null, p95Ms: null, maxMs: null },
    loops: [],
    leases: [],
    pause: null,
  };
}

function endOf(run: Run | undefined): string {
  if (run === undefined) return 'it has not run on this database yet';
  if (run.stoppedAtMs !== undefined) return `it ended: ${run.stopReason ?? 'no reason recorded'}`;
  return `process ${run.pid} is gone and had no time to say why`;
}
