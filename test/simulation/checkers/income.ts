/**
 * P5: while work is queued the refill is spent, and none expires; and P4: a class whose work is
 * queued all the time keeps its share.
 *
 * *Idle*: a request has waited for twenty quiet minutes, nothing is under way, and twice in a row
 * the true balance is above all that may be saved: for every class the hold of its head (or its
 * reserve) and one lump, the dearest head once more for the commons. Then somebody could have been
 * served.
 * *Expired*: tokens expire at the cap while, at each minute of the last ten, work was queued.
 * *Share*: over one, two and three quiet hours in which a class had work queued at every minute,
 * what the ledger says was spent for it is at least 99 % of its share of the refill, less two holds
 * and two lumps for what is being saved at the ends.
 */
import { type BrokerSnapshot, type SpendClass, spendClasses } from '../../../src/broker/request.ts';
import type { Checker, Watched } from './checker.ts';

const minuteMs = 60_000;
const quietMs = 20 * minuteMs;
/** A share is looked at after each of so many hours in a row. */
const shareHours = 3;
const shareStepMs = 60 * minuteMs;
/** One verification at its documented worst: what a class may keep without a head. */
const reserveTokens = 12;

interface ShareWindow {
  readonly fromMs: number;
  readonly ledgerId: number;
  readonly refilled: number;
  holdTokens: number;
  hoursLooked: number;
}

export class IncomeChecker implements Checker {
  readonly #run: Watched;
  readonly #windows = new Map<SpendClass, ShareWindow>();
  #richMinutes = 0;
  #busyMinutes = 0;
  #expired = 0;

  constructor(run: Watched) {
    this.#run = run;
  }

  minute(): void {
    const { nowMs, disturbedAtMs, host } = this.#run;
    const snapshot = host.current?.daemon?.sources().broker();
    const isQuiet = nowMs - disturbedAtMs > quietMs;
    if (snapshot?.balance === undefined || !isQuiet) {
      this.#windows.clear();
      this.#richMinutes = 0;
      this.#busyMinutes = 0;
      this.#expired = this.#run.keepa.requests.expiredTokens;
      return;
    }
    this.#lookForIdleTokens(snapshot);
    this.#lookForExpiry(snapshot);
    for (const name of spendClasses) this.#lookAtShare(name, snapshot);
  }

  #lookForIdleTokens(snapshot: BrokerSnapshot): void {
    const waits = spendClasses.some((name) => (snapshot.classes[name].oldestWaitMs ?? 0) > quietMs);
    const balance = this.#run.keepa.balance(this.#run.nowMs);
    const most = this.#mostSaved(snapshot);
    const isRich = waits && snapshot.inFlight === undefined && balance > most;
    this.#richMinutes = isRich ? this.#richMinutes + 1 : 0;
    if (this.#richMinutes < 2) return;
    this.#run.fail(
      'P5-idle-tokens',
      `requests wait at a balance of ${balance}; at most ${most} may be saved up`,
    );
  }

  #mostSaved({ classes }: BrokerSnapshot): number {
    const { ratePerMinute } = this.#run.world;
    const holds = spendClasses.map((name) => classes[name].headHoldTokens ?? reserveTokens);
    const sum = holds.reduce((total, hold) => total + hold + ratePerMinute, 0);
    return Math.ceil(sum + Math.max(...holds));
  }

  #lookForExpiry({ classes }: BrokerSnapshot): void {
    const isBusy = spendClasses.some((name) => classes[name].queued > 0);
    this.#busyMinutes = isBusy ? this.#busyMinutes + 1 : 0;
    const { expiredTokens } = this.#run.keepa.requests;
    const fresh = expiredTokens - this.#expired;
    this.#expired = expiredTokens;
    if (fresh <= 0 || this.#busyMinutes < 10) return;
    this.#run.fail('P5-expired', `${fresh} tokens expired while work was queued`);
  }

  #lookAtShare(name: SpendClass, snapshot: BrokerSnapshot): void {
    const { queued, headHoldTokens } = snapshot.classes[name];
    const tables = this.#run.tables();
    if (queued === 0 || headHoldTokens === undefined || tables === undefined) {
      this.#windows.delete(name);
      return;
    }
    const { refilledTokens } = this.#run.keepa.requests;
    const { nowMs, world } = this.#run;
    const window = this.#windows.get(name);
    if (window === undefined) {
      const ledgerId = tables.lastLedgerId();
      const start = { fromMs: nowMs, ledgerId, refilled: refilledTokens };
      this.#windows.set(name, { ...start, holdTokens: headHoldTokens, hoursLooked: 0 });
      return;
    }
    window.holdTokens = Math.max(window.holdTokens, headHoldTokens);
    if (nowMs - window.fromMs < (window.hoursLooked + 1) * shareStepMs) return;
    window.hoursLooked += 1;
    if (window.hoursLooked === shareHours) this.#windows.delete(name);
    const spent = tables.tokensByClass(window.ledgerId).get(name) ?? 0;
    const share = (world.config.shares[name] / 100) * (refilledTokens - window.refilled);
    const least = 0.99 * share - 2 * window.holdTokens - 2 * world.ratePerMinute;
    if (spent >= least) return;
    this.#run.fail(
      'P4-share',
      `${name} had work for ${window.hoursLooked} h and got ${spent} tokens; its share is ` +
        share.toFixed(1),
    );
  }
}
