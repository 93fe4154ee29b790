/**
 * P13: status tells waiting from stalled, and is right.
 *
 * Status is read as people read it every half hour, and every minute in which nothing happens.
 * *False stall*: it says `stalled` although nothing of the machine is or was lately broken.
 * *Waiting*: it says `waiting` without an instant, or the instant passes by more than two ticks
 * without a request on the wire, quiet throughout. It is told of what is queued then: work that is
 * queued later has its share of the coming lumps, and moves the instant (P4 has the bound of that).
 * *Missed stall*: in quiet times nothing was bought for fifteen minutes although work is queued and
 * the true balance pays for any single item, and status says `running` or `waiting`.
 */
import { spendClasses } from '../../../src/broker/request.ts';
import type { StatusReport } from '../../../src/status/report-fields.ts';
import { decideState } from '../../../src/status/state.ts';
import { isOfMachine } from '../fault-plan.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';
import { statusDocument } from './status-document.ts';

const minuteMs = 60_000;
const slackMs = 2 * 60_200;
const quietMs = 20 * minuteMs;
/** Longer than anything waits by rule: a read of the balance may be ten minutes away. */
const idleMsMax = 15 * minuteMs;

export class ProgressChecker implements Checker {
  readonly #run: Watched;
  #lastSentMs: number;
  #promise:
    | { readonly madeAtMs: number; readonly forMs: number; readonly queued: string }
    | undefined;

  constructor(run: Watched) {
    this.#run = run;
    this.#lastSentMs = run.startMs;
  }

  sent({ request }: WireCall): void {
    // A free read serves nobody.
    if (request.path !== '/token') this.#lastSentMs = this.#run.nowMs;
    this.#promise = undefined;
  }

  minute(): void {
    this.#lookForMissedStall();
    const { nowMs, disturbedAtMs } = this.#run;
    const promise = this.#promise;
    if (promise === undefined) return;
    if (promise.queued !== this.#queued()) this.#promise = undefined;
    if (this.#promise === undefined || nowMs <= promise.forMs + slackMs) return;
    this.#promise = undefined;
    if (disturbedAtMs > promise.madeAtMs) return;
    this.#run.fail(
      'P13-waiting-stalled',
      `status waited for ${new Date(promise.forMs).toISOString()}, and nothing was sent since`,
    );
  }

  async look(): Promise<void> {
    const report = await statusDocument(this.#run);
    if (report !== undefined) this.#judge(report);
  }

  #judge({ state, reason, nextActionAt }: StatusReport): void {
    const { nowMs, disturbedAtMs, host } = this.#run;
    if (state === 'stalled' && !this.#isMachineBroken()) {
      this.#run.fail('P13-false-stall', `status says stalled: ${reason}`);
    }
    const isQuiet = nowMs - disturbedAtMs > quietMs;
    if (state === 'waiting' && isQuiet && host.wallOffsetMs === 0) {
      const forMs = nextActionAt === null ? Number.NaN : Date.parse(nextActionAt);
      if (Number.isNaN(forMs) || forMs < nowMs - 1) {
        this.#run.fail('P13-waiting-stalled', 'a wait without an end, or one that is over');
      }
      this.#promise = { madeAtMs: nowMs, forMs, queued: this.#queued() };
    }
  }

  #lookForMissedStall(): void {
    const { nowMs, keepa, disturbedAtMs, host, world } = this.#run;
    const sources = host.current?.daemon?.sources();
    const broker = sources?.broker();
    if (sources === undefined || broker === undefined) return;
    if (nowMs - disturbedAtMs <= quietMs || nowMs - this.#lastSentMs <= idleMsMax) return;
    const classes = spendClasses.map((name) => broker.classes[name]);
    const holds = classes.map(({ headHoldTokens }) => headHoldTokens ?? 0);
    const sum = holds.reduce((total, hold) => total + hold + world.ratePerMinute, 12);
    const isAffordable = keepa.balance(nowMs) > sum + Math.max(...holds);
    if (!isAffordable || classes.every(({ queued }) => queued === 0)) return;
    const { state, reason } = decideState({
      nowMs,
      phase: sources.phase(),
      broker,
      loops: sources.loops(),
      recentRequests: [],
    });
    if (state !== 'running' && state !== 'waiting') return;
    this.#run.fail('P13-missed-stall', `nothing happens, and status says ${state}: ${reason}`);
  }

  #queued(): string {
    const classes = this.#run.host.current?.daemon?.sources().broker()?.classes;
    return spendClasses.map((name) => classes?.[name].queued ?? 0).join();
  }

  #isMachineBroken(): boolean {
    const { plan, nowMs, startMs } = this.#run;
    const atMs = nowMs - startMs;
    return plan.some(
      (trouble) =>
        isOfMachine(trouble) && atMs >= trouble.atMs && atMs <= trouble.untilMs + quietMs,
    );
  }
}
