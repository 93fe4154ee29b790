/**
 * Healthy time: how long the listings were really looked at, which is how rows age.
 *
 * A deletion clock that runs on wall time empties the table during every stall. Here a row's age
 * counts only while it could have been seen: time in which, for every feed, one sweep after the
 * other came to its end within twice its planned time. Time is therefore counted afterwards, when
 * the sweep that covers it is complete; what no sweep covered never counts, whatever the reason
 * (an outage, a refused key, a stop, a week in which the process was down).
 *
 * A feed that is swept in parts counts as so many, and all parts of all feeds are swept one after
 * the other: a round is once through all of them.
 *
 * Invariants:
 * - without a complete sweep of every part no time is healthy;
 * - no instant is counted twice, and none before the process began to watch;
 * - the healthy part of a span is never longer than what the monotonic clock measured of it: a
 *   wall clock that jumps makes the whole open span count nothing.
 */

/** A sweep that came to its end, dated by the wall clock. */
export interface CompleteSweep {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly plannedMs: number;
}

/** What has been swept lately. */
export interface Rounds {
  /** The complete sweeps of each part of each configured feed, newest first. */
  readonly parts: readonly (readonly CompleteSweep[])[];
  /** The shortest time between the starts of two sweeps of one part. */
  readonly sweepIntervalMs: number;
}

/** What is remembered from one look to the next; made anew when the process starts. */
export interface Watch {
  /** Wall clock: everything up to here has been counted or never will be. */
  readonly decidedUntilMs: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** The two clocks at one instant. */
export interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Clocks may be slewed a little while nobody looks; more than this is a jump. */
export const jumpMsMin = 5_000;
/** A sweep that needed longer than so many times its plan proves no health. */
const lateFactor = 2;
/** A row that is still listed is seen at least so often within its time to live. */
const looksPerTtl = 3;

/** The watch of a process that begins now: nothing before this instant will ever count. */
export function beginWatch({ wallMs, monotonicMs }: Instant): Watch {
  return { decidedUntilMs: wallMs, wallMs, monotonicMs };
}

/**
 * The healthy milliseconds that can be counted now, and the watch to go on with. `isHalted`: no
 * token is spent, because spending is stopped or work is paused; then the open span is given up.
 */
export function countHealthyTime(
  watch: Watch,
  look: Instant & { readonly isHalted: boolean; readonly rounds: Rounds },
): { readonly watch: Watch; readonly healthyMs: number } {
  const { wallMs, monotonicMs, isHalted } = look;
  const jumpMs = Math.abs(wallMs - watch.wallMs - (monotonicMs - watch.monotonicMs));
  if (isHalted || jumpMs > jumpMsMin) {
    return { watch: beginWatch({ wallMs, monotonicMs }), healthyMs: 0 };
  }
  const rounds = upTo(look.rounds, wallMs);
  const lastEndsMs = rounds.parts.map(([last]) => last?.endedAtMs ?? 0);
  const coveredUntilMs = Math.min(wallMs, ...lastEndsMs);
  const healthyMs = healthyWithin(rounds, { fromMs: watch.decidedUntilMs, toMs: coveredUntilMs });
  const decidedUntilMs = Math.max(watch.decidedUntilMs, coveredUntilMs);
  return { watch: { decidedUntilMs, wallMs, monotonicMs }, healthyMs };
}

/**
 * How long a row may stay unseen, in healthy time: as configured, but never less than three of the
 * longest rounds lately, so that a row that is still listed cannot reach it. A late sweep counts
 * neither here nor there.
 */
export function timeToLiveMs(configuredMs: number, { parts, sweepIntervalMs }: Rounds): number {
  const longest = parts.map((sweeps) => Math.max(0, ...sweeps.filter(isInTime).map(tookMs)));
  const roundMs = longest.reduce((sum, ms) => sum + ms, sweepIntervalMs);
  return Math.max(configuredMs, looksPerTtl * roundMs);
}

/**
 * Since when a part has not been looked at as it should; undefined while it is: its last complete
 * sweep ended no longer ago than a late round takes. 0 for a part that was never swept.
 */
export function unwatchedSinceMs(
  sweeps: readonly CompleteSweep[],
  rounds: Rounds,
  nowMs: number,
): number | undefined {
  const last = sweeps.find(({ endedAtMs }) => endedAtMs <= nowMs);
  if (last === undefined) return 0;
  return nowMs - last.endedAtMs > roundMsMax(rounds) ? last.endedAtMs : undefined;
}

/** Without sweeps that a wall clock, set back since, dated in the future: they prove nothing. */
function upTo({ parts, sweepIntervalMs }: Rounds, wallMs: number): Rounds {
  const past = parts.map((sweeps) => sweeps.filter(({ endedAtMs }) => endedAtMs <= wallMs));
  return { parts: past, sweepIntervalMs };
}

/**
 * Once through all parts, late: longer than this and nobody was looking. A plan leaves time to
 * spare, and with a feed in fifty parts that much fifty times would let an outage of hours pass for
 * a round. So the parts count with what they took, though never for less than one of the plans.
 */
function roundMsMax({ parts, sweepIntervalMs }: Rounds): number {
  const planned = parts.map(([last]) => last?.plannedMs ?? 0);
  const took = parts.map((sweeps, part) => {
    const lastInTime = sweeps.find(isInTime);
    return lastInTime === undefined ? (planned[part] ?? 0) : tookMs(lastInTime);
  });
  const expectedMs = Math.min(sumOf(planned), Math.max(sumOf(took), ...planned, 0));
  return sweepIntervalMs + lateFactor * expectedMs;
}

function sumOf(spansMs: readonly number[]): number {
  return spansMs.reduce((sum, ms) => sum + ms, 0);
}

function tookMs({ startedAtMs, endedAtMs }: CompleteSweep): number {
  return endedAtMs - startedAtMs;
}

function isInTime(sweep: CompleteSweep): boolean {
  return tookMs(sweep) >= 0 && tookMs(sweep) <= lateFactor * sweep.plannedMs;
}

/** From exclusive, to inclusive. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

function healthyWithin(rounds: Rounds, span: Span): number {
  if (rounds.parts.length === 0 || span.toMs <= span.fromMs) return 0;
  const maxMs = roundMsMax(rounds);
  let shared: readonly Span[] = [span];
  for (const sweeps of rounds.parts) shared = overlap(shared, watchedSpans(sweeps, maxMs));
  return shared.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/**
 * When a part was looked at, oldest first: during each sweep that was in time, and since the one
 * before it when no more than a round lies between their ends.
 */
function watchedSpans(sweeps: readonly CompleteSweep[], roundMaxMs: number): readonly Span[] {
  const spans: Span[] = [];
  let endedMs = Number.NEGATIVE_INFINITY;
  for (const sweep of sweeps.toReversed()) {
    const isNextRound = sweep.endedAtMs - endedMs <= roundMaxMs;
    const fromMs = Math.max(endedMs, isNextRound ? endedMs : sweep.startedAtMs);
    if (isInTime(sweep) && sweep.endedAtMs > fromMs) spans.push({ fromMs, toMs: sweep.endedAtMs });
    endedMs = Math.max(endedMs, sweep.endedAtMs);
  }
  return spans;
}

/** What lies in a span of both lists; each is in order and does not overlap itself. */
function overlap(a: readonly Span[], b: readonly Span[]): readonly Span[] {
  const both: Span[] = [];
  for (const one of a) {
    for (const other of b) {
      const fromMs = Math.max(one.fromMs, other.fromMs);
      const toMs = Math.min(one.toMs, other.toMs);
      if (toMs > fromMs) both.push({ fromMs, toMs });
    }
  }
  return both;
}
