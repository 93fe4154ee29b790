/**
 * A pause is one: from the instant at which it is stored no request that costs is sent, whatever is
 * queued and however often the process starts anew, until its end or somebody's word.
 *
 * What is in force is read from the database on the disk, by another connection: what a process
 * was told and did not store is no pause, and what it stored is one for whoever comes after it. A
 * request of the very instant of the writing may have been admitted before it.
 *
 * Left out: a pause with an end in plans in which the wall clock is stepped, because one that was
 * over does not come back when the clock is set back. While it is paused nothing is quiet, so all
 * that is said of quiet times is said of others.
 */
import type { PortCall } from '../fault-life.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

export class PausesChecker implements Checker {
  readonly #run: Watched;
  readonly #hasTrueTime: boolean;
  #storedAtMs: number | undefined;

  constructor(run: Watched) {
    this.#run = run;
    this.#hasTrueTime = !run.plan.some(({ kind }) => kind === 'wall-step');
  }

  done({ name }: PortCall): void {
    if (name.endsWith('.beginPause')) this.#storedAtMs = this.#run.nowMs;
  }

  sent({ request, life, sentAtMs }: WireCall): void {
    if (request.path === '/token' || sentAtMs === this.#storedAtMs) return;
    const pause = this.#run.tables()?.pause();
    if (pause === undefined || !isInForce(pause, this.#wallMs)) return;
    if (pause.untilMs !== null && !this.#hasTrueTime) return;
    const since = new Date(pause.sinceMs).toISOString();
    this.#run.fail(
      'paused-spends',
      `life ${life.number} asks for ${request.path}; it is paused since ${since}`,
    );
  }

  minute(): void {
    const pause = this.#run.tables()?.pause();
    if (pause !== undefined && isInForce(pause, this.#wallMs)) this.#run.disturb();
  }

  get #wallMs(): number {
    return this.#run.nowMs + this.#run.host.wallOffsetMs;
  }
}

/** At this time of the machine's clock. */
export function isInForce({ untilMs }: { untilMs: number | null }, wallMs: number): boolean {
  return untilMs === null || untilMs > wallMs;
}
