/**
 * The status report of a running daemon: what `status --json` prints and `GET /status` answers.
 *
 * One command must always state what the system does, why, what it waits for and until when;
 * otherwise a person who sees nothing happen will change thresholds until something breaks. The
 * figures come from the parts as they are at this moment, the judgement from state.ts.
 */

import type { StatusReport } from './report-fields.ts';
import {
  classesNow,
  iso,
  isoOrNull,
  leaseReport,
  loopReport,
  pauseReport,
  tokensNow,
  waitBoundsNow,
} from './report-fields.ts';
import type { StatusSources } from './sources.ts';
import { decideState } from './state.ts';
import { readStored } from './stored-figures.ts';

/** Enough of the ledger to see a row of failures. */
const recentRequests = 5;

/** How things are now. Reads only. @throws whatever the reader or the leases throw. */
export async function buildReport(sources: StatusSources): Promise<StatusReport> {
  const { clock, reader } = sources;
  const [stored, leases, requests] = await Promise.all([
    readStored(reader, { nowMs: clock.now(), suspensions: sources.suspensions() }),
    sources.leases(),
    reader.recentRequests(recentRequests),
  ]);
  // Taken together and after the reads, so that no figure is older than the judgement about it.
  const nowMs = clock.now();
  const broker = sources.broker();
  const loops = sources.loops();
  const phase = sources.phase();
  const judgement = decideState({ nowMs, phase, broker, loops, recentRequests: requests });
  return {
    schema: 1,
    state: judgement.state,
    reason: judgement.reason,
    at: iso(nowMs),
    nextActionAt: isoOrNull(judgement.nextActionAtMs),
    lastSuccessAt: isoOrNull(broker?.lastAnswerAtMs ?? stored.lastAnswerAtMs),
    version: sources.version,
    startedAt: iso(sources.startedAtMs),
    stoppedAt: null,
    pid: sources.pid,
    dataDir: sources.dataDir,
    clockOffsetMs: broker?.clockOffsetMs ?? null,
    tokens: tokensNow(broker, { nowMs, spentLastHour: stored.spentLastHour }),
    classes: classesNow(broker, sources.shares),
    waitBounds: waitBoundsNow(broker),
    ...stored.figures,
    loops: loops.map(loopReport),
    leases: leases.map(leaseReport),
    pause: pauseReport(sources.pause()),
  };
}
