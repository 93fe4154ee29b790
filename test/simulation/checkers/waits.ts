/**
 * P4: every class with queued work is served within its printed bound.
 *
 * Each minute the bound of every class's oldest request is read as `status` prints it. It becomes a
 * deadline, and the same request may not be waiting beyond it. A bound rests on what is known when
 * it is printed: whatever goes wrong meanwhile (a fault, a stranger, another plan, a restart) makes
 * a new deadline of the bound that is printed ten minutes later, when retries are over.
 */
import { type SpendClass, spendClasses } from '../../../src/broker/request.ts';
import type { Checker, Watched } from './checker.ts';

const calmMs = 10 * 60_000;
/** The age of a request is told in whole ms, and a request is known by when it was queued. */
const sameMs = 5;

interface Deadline {
  readonly queuedAtMs: number;
  readonly dueAtMs: number;
  readonly printedAtMs: number;
  readonly boundMs: number;
}

export class WaitsChecker implements Checker {
  readonly #run: Watched;
  readonly #deadlines = new Map<SpendClass, Deadline>();

  constructor(run: Watched) {
    this.#run = run;
  }

  minute(): void {
    const { nowMs, disturbedAtMs, host } = this.#run;
    const snapshot = host.current?.daemon?.sources().broker();
    if (snapshot === undefined || nowMs - disturbedAtMs < calmMs) {
      this.#deadlines.clear();
      return;
    }
    for (const name of spendClasses) {
      const { queued, oldestWaitMs, waitBoundMs } = snapshot.classes[name];
      if (queued === 0 || oldestWaitMs === undefined || waitBoundMs === undefined) {
        this.#deadlines.delete(name);
        continue;
      }
      this.#meet(name, { queuedAtMs: nowMs - oldestWaitMs, boundMs: waitBoundMs });
    }
  }

  #meet(name: SpendClass, now: { queuedAtMs: number; boundMs: number }): void {
    const { nowMs } = this.#run;
    const known = this.#deadlines.get(name);
    if (known === undefined || Math.abs(known.queuedAtMs - now.queuedAtMs) > sameMs) {
      this.#deadlines.set(name, { ...now, dueAtMs: nowMs + now.boundMs, printedAtMs: nowMs });
      return;
    }
    if (nowMs <= known.dueAtMs) {
      if (nowMs + now.boundMs >= known.dueAtMs) return;
      // What is printed holds whenever it is read: a sooner promise is one, too.
      this.#deadlines.set(name, { ...now, dueAtMs: nowMs + now.boundMs, printedAtMs: nowMs });
      return;
    }
    const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)} min`;
    this.#run.fail(
      'P4-bound',
      `the head of ${name} has waited for ${minutes(nowMs - known.queuedAtMs)}; ` +
        `${minutes(nowMs - known.printedAtMs)} ago its bound was ${minutes(known.boundMs)}`,
    );
  }
}
