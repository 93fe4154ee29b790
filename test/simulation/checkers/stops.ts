/**
 * P12: a daemon that is told to stop ends within its grace, and what it paid for is stored.
 *
 * *Not ended*: a life that was stopping at one virtual minute is still there at the next, although
 * it was not paused: twice the grace of 30 s.
 * *Forgotten*: it ended in order while a request of it was under way. A request that Keepa never
 * answers is given up after 20 s, and nobody can store the answer of such a one.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { LivedLife } from '../fault-host.ts';
import type { Checker, Watched } from './checker.ts';

/** What of the grace is given to the request in flight. */
const givenUpMs = 20_000;

export class StopsChecker implements Checker {
  readonly #run: Watched;
  #stopping: ReadonlySet<LivedLife> = new Set();

  constructor(run: Watched) {
    this.#run = run;
  }

  minute(): void {
    const stopping = this.#run.host.lives.filter(
      ({ life, daemon }) => !life.isPaused && daemon?.sources().phase().name === 'stopping',
    );
    const late = stopping.find((lived) => this.#stopping.has(lived));
    this.#stopping = new Set(stopping);
    if (late === undefined) return;
    this.#run.fail('P12-stop', `life ${late.life.number} has been stopping for a minute`);
  }

  ended({ life, wire }: LivedLife, { code, reason }: Ending): void {
    const { last } = wire;
    if (code !== 0 || last === undefined || last.isDone || last.fault !== undefined) return;
    const forMs = this.#run.nowMs - last.sentAtMs;
    if (forMs >= givenUpMs) return;
    this.#run.fail(
      'P12-forgotten',
      `life ${life.number} ended (${reason}) ${forMs} ms after it asked for ${last.request.path}`,
    );
  }
}
