/**
 * P10: the ledger explains the balance, and an unexplained drain is reported.
 *
 * *Ledger*: the cost of all answers in it is what Keepa truly took for the answers it delivered.
 * An answer that was not recorded yet is on its way; the one that was at a crash may be missing,
 * but none of a process that stopped in order with a disk in order.
 * Left out: answers that tell nothing true of tokens (the all-zero envelope).
 * *Unreported*: when strangers took more than a third of an hour's refill within an hour that was
 * quiet otherwise, status names at least half of it. Quiet: one life, no fault, no other change
 * (one of the rate is known when two answers told it, which in debt may be an hour later), no pause
 * or other stop of spending (Keepa is asked nothing, and the balance is read anew after it), and no
 * token expired at the cap, or would have without the stranger: of those nobody misses any.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { LivedLife } from '../fault-host.ts';
import type { Life, PortCall } from '../fault-life.ts';
import type { Tables } from '../fault-tables.ts';
import { isOfNoPlan, type WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';
import { isInForce } from './pauses.ts';
import { RateNews } from './rate-news.ts';

const hourMs = 3_600_000;

interface OpenAnswer {
  readonly life: Life;
  readonly tokens: number;
}

export class LedgerChecker implements Checker {
  readonly #run: Watched;
  #settledTokens = 0;
  /** Answers of which it is not known whether the ledger has them. */
  #open: OpenAnswer[] = [];
  #taken: { readonly atMs: number; readonly tokens: number }[] = [];
  #otherwiseDisturbedAtMs: number;
  readonly #rateNews = new RateNews();
  #expired = 0;

  constructor(run: Watched) {
    this.#run = run;
    this.#otherwiseDisturbedAtMs = run.startMs;
  }

  sent(call: WireCall): void {
    if (call.fault !== undefined) this.#otherwiseDisturbedAtMs = call.sentAtMs;
    this.#settle(call.life);
  }

  done(call: PortCall, value: unknown): void {
    const { life, name } = call;
    this.#rateNews.done(call, value, this.#run.nowMs);
    if (/^writer\d+\.recordRequest$/.test(name)) this.#settle(life);
    if (name !== 'transport.send') return;
    const last = this.#run.host.lives.find((lived) => lived.life === life)?.wire.last;
    const { body } = value as { readonly body: string };
    if (last === undefined || last.status !== 200 || isOfNoPlan(body)) return;
    this.#open.push({ life, tokens: last.costTokens });
  }

  crashed(): void {
    this.#otherwiseDisturbedAtMs = this.#run.nowMs;
  }

  ended({ life }: LivedLife, { code }: Ending): void {
    this.#otherwiseDisturbedAtMs = this.#run.nowMs;
    if (code === 0 && !this.#wasDiskBroken()) this.#settle(life);
  }

  /** A stop waits for a disk that cannot be written to, but not for ever. */
  #wasDiskBroken(): boolean {
    const { plan, nowMs, startMs } = this.#run;
    const atMs = nowMs - startMs;
    return plan.some(
      ({ kind, atMs: fromMs, untilMs }) =>
        ['busy', 'disk-full', 'pause'].includes(kind) &&
        atMs >= fromMs &&
        atMs <= untilMs + 900_000,
    );
  }

  #isPaused(): boolean {
    const { nowMs, host } = this.#run;
    const pause = this.#run.tables()?.pause();
    return pause !== undefined && isInForce(pause, nowMs + host.wallOffsetMs);
  }

  /** Nothing of this life may be missing any more. */
  #settle(life: Life): void {
    const mine = this.#open.filter((answer) => answer.life === life);
    this.#open = this.#open.filter((answer) => answer.life !== life);
    for (const { tokens } of mine) this.#settledTokens += tokens;
  }

  started(): void {
    this.#otherwiseDisturbedAtMs = this.#run.nowMs;
  }

  look(tables: Tables): void {
    const ledger = tables.answeredTokens();
    const there = subsetOf(this.#open, ledger - this.#settledTokens);
    if (there === undefined) {
      const open = this.#open.map(({ tokens }) => tokens).join(', ') || 'none';
      this.#run.fail(
        'P10-ledger',
        `the ledger has ${ledger} tokens for answers; Keepa took ${this.#settledTokens}, and for ` +
          `those that may be missing ${open}`,
      );
      return;
    }
    this.#settledTokens = ledger;
    // What a dead process did not write will never be written.
    this.#open = this.#open.filter((answer) => !there.has(answer) && !answer.life.isDead);
  }

  taken(tokens: number): void {
    this.#taken.push({ atMs: this.#run.nowMs, tokens });
  }

  rateChanged(): void {
    this.#rateNews.changed();
    this.#otherwiseDisturbedAtMs = this.#run.nowMs;
  }

  minute(minute: number): void {
    const { expiredTokens } = this.#run.keepa.requests;
    const { nowMs, world, host } = this.#run;
    const snapshot = host.current?.daemon?.sources().broker();
    const { balance = 0, capacity = Number.POSITIVE_INFINITY } = snapshot ?? {};
    const isFull = expiredTokens > this.#expired || balance >= capacity;
    const isHalted = snapshot?.stopped !== undefined || this.#isPaused();
    if (isFull || isHalted) this.#otherwiseDisturbedAtMs = nowMs;
    this.#expired = expiredTokens;
    if (minute % 10 !== 0 || this.#taken.length === 0) return;
    this.#taken = this.#taken.filter(({ atMs }) => atMs > nowMs - hourMs);
    const disturbedAtMs = Math.max(this.#otherwiseDisturbedAtMs, this.#rateNews.unknownAtMs(nowMs));
    const isQuiet = nowMs - disturbedAtMs > hourMs + 600_000;
    if (!isQuiet || snapshot?.lastAnswerAtMs === undefined || host.wallOffsetMs !== 0) return;
    const seen = this.#taken.filter(({ atMs }) => atMs < (snapshot.lastAnswerAtMs ?? 0));
    const tokens = seen.reduce((sum, it) => sum + it.tokens, 0);
    if (tokens < 20 * world.ratePerMinute || snapshot.unexplainedTokens >= tokens / 2) return;
    this.#run.fail(
      'P10-unreported',
      `strangers took ${tokens} tokens within an hour, status tells ${snapshot.unexplainedTokens}`,
    );
  }
}

/** Answers that cost so much together; undefined: there are none such. */
function subsetOf(
  answers: readonly OpenAnswer[],
  tokens: number,
): ReadonlySet<OpenAnswer> | undefined {
  for (let bits = 0; bits < 2 ** Math.min(10, answers.length); bits += 1) {
    const chosen = answers.filter((_, index) => (bits >> index) % 2 === 1);
    if (chosen.reduce((sum, answer) => sum + answer.tokens, 0) === tokens) return new Set(chosen);
  }
  return undefined;
}
