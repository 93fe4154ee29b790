/**
 * P3: our own decisions never take the balance below the floor, and there is at most one 429 per
 * episode that others cause.
 *
 * *Below the floor*: after one of our requests was billed, the true balance is not below the
 * floor, counted without what the daemon could not know: tokens that strangers took, that a request
 * of a dead process took, or that a smaller plan did not bring, since the last answer that told the
 * truth and was delivered. What a plan would have brought that a lie told of counts as well.
 * *Own 429*: no request is sent into a balance of nothing, unless such tokens explain it.
 * *Second 429*: between two of them an envelope with a positive balance was delivered.
 */
import { tickMs } from '../../../src/simulator/bucket.ts';
import type { PortCall } from '../fault-life.ts';
import type { WireCall } from '../fault-wire.ts';
import type { Checker, Watched } from './checker.ts';

const floor = 0;

export class FloorChecker implements Checker {
  readonly #run: Watched;
  /** What the daemon cannot know yet. */
  #unseenTokens = 0;
  #rate: number;
  #believedRate: number;
  #rateFellAtMs: number | undefined;
  #refusedAtMs: number | undefined;

  constructor(run: Watched) {
    this.#run = run;
    this.#rate = run.world.ratePerMinute;
    this.#believedRate = this.#rate;
  }

  taken(tokens: number): void {
    this.#unseenTokens += tokens;
  }

  rateChanged(ratePerMinute: number, lostTokens: number): void {
    this.#unseenTokens += lostTokens + this.#unseenRefill();
    this.#believedRate = Math.max(this.#believedRate, this.#rate);
    this.#rate = ratePerMinute;
    this.#rateFellAtMs = ratePerMinute < this.#believedRate ? this.#run.nowMs : undefined;
  }

  sent(call: WireCall): void {
    if (call.request.path === '/token' || call.fault !== undefined) return;
    if (call.balanceBefore > 0) return;
    const explained = this.#unseen();
    if (call.balanceBefore + explained <= 0) {
      this.#run.fail(
        'P3-own-429',
        `a request was sent at a balance of ${call.balanceBefore}, ${explained} tokens of which ` +
          'the daemon could not know',
      );
    }
    if (this.#refusedAtMs !== undefined) {
      this.#run.fail('P3-second-429', 'a second 429, and no balance above zero was told between');
    }
  }

  billed(call: WireCall): void {
    if (call.life.isDead) this.#unseenTokens += call.costTokens;
    if (call.costTokens === 0 || call.life.isDead) return;
    const explained = this.#unseen();
    if (call.balanceAfter + explained < floor) {
      this.#run.fail(
        'P3-below-floor',
        `${call.request.path} cost ${call.costTokens} and left ${call.balanceAfter}, ` +
          `${explained} tokens of which the daemon could not know`,
      );
    }
  }

  done({ life, name }: PortCall): void {
    if (name !== 'transport.send') return;
    const last = this.#run.host.lives.find((lived) => lived.life === life)?.wire.last;
    if (last?.fault?.kind === 'rate-blip') this.#lied(last.fault.ratePerMinute);
    if (last === undefined || !last.isDone || hidesBalance(last) || this.#rate === 0) return;
    this.#unseenTokens = 0;
    this.#rateFellAtMs = undefined;
    this.#believedRate = this.#rate;
    if (last.balanceAfter > 0) this.#refusedAtMs = undefined;
    else if (last.status === 429) this.#refusedAtMs = this.#run.nowMs;
  }

  /** Told twice it is believed, and counted on until a true answer. */
  #lied(ratePerMinute: number): void {
    if (ratePerMinute <= this.#rate) return;
    this.#believedRate = Math.max(this.#believedRate, ratePerMinute);
    this.#rateFellAtMs ??= this.#run.nowMs;
  }

  #unseen(): number {
    return this.#unseenTokens + this.#unseenRefill();
  }

  /** Lumps of the old plan that the daemon counts on and that came smaller. */
  #unseenRefill(): number {
    if (this.#rateFellAtMs === undefined) return 0;
    const ticks = Math.ceil((this.#run.nowMs - this.#rateFellAtMs) / tickMs) + 1;
    return ticks * (this.#believedRate - this.#rate);
  }
}

/** Whether the answer told nothing, or nothing true, of the balance. */
function hidesBalance({ fault, status }: WireCall): boolean {
  if (status >= 500 || status === 404 || status === 402) return true;
  return fault?.kind === 'zero-rate' || fault?.kind === 'rate-blip';
}
