/**
 * P13: status tells waiting from stalled, and is right.
 *
 * Every ten minutes status is read as people read it.
 * *False stall*: it says `stalled` although nothing of the machine is or was lately broken.
 * *Waiting*: it says `waiting` without an instant, or the instant passes by more than two ticks
 * without a request on the wire, quiet throughout. It is told of what is queued then: work that is
 * queued later has its share of the coming lumps, and moves the instant (P4 has the bound of that).
 * *Missed stall*: nothing was sent for twenty quiet minutes although work is queued and the true
 * balance pays for any single item, and status says `running` or `waiting`.
 */
import { spendClasses } from '../../../src/broker/request.ts';
import { buildReport } from '../../../src/status/report.ts';
import type { StatusReport } from '../../../src/status/report-fields.ts';
import type { Checker, Watched } from './checker.ts';

const minuteMs = 60_000;
const slackMs = 2 * 60_200;
const quietMs = 20 * minuteMs;

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

  sent(): void {
    this.#lastSentMs = this.#run.nowMs;
    this.#promise = undefined;
  }

  minute(): void {
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
    const { current } = this.#run.host;
    if (current?.daemon === undefined || current.store === undefined) return;
    const { reader } = current.store;
    const leases = current.coordination?.leases;
    const report = await buildReport({
      ...current.daemon.sources(),
      reader,
      leases: async () => (await leases?.list()) ?? [],
    });
    this.#judge(report);
  }

  #judge({ state, reason, nextActionAt, classes }: StatusReport): void {
    const { nowMs, keepa, disturbedAtMs, host } = this.#run;
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
    const isIdle = isQuiet && nowMs - this.#lastSentMs > quietMs;
    const holds = spendClasses.map((name) => classes[name].headHoldTokens ?? 0);
    const isQueued = spendClasses.some((name) => (classes[name].queued ?? 0) > 0);
    const sum = holds.reduce((total, hold) => total + hold + this.#run.world.ratePerMinute, 12);
    const isAffordable = keepa.balance(nowMs) > sum + Math.max(...holds);
    if (!isIdle || !isQueued || !isAffordable) return;
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
      ({ kind, atMs: fromMs, untilMs }) =>
        !['keepa', 'stranger', 'rate'].includes(kind) &&
        atMs >= fromMs &&
        atMs <= untilMs + quietMs,
    );
  }
}
