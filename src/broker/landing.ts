/**
 * What an outcome means: for the books, for the ledger, and for the request.
 *
 *   outcome        the hold is settled at        the request
 *   answered       what it cost                  is stored and delivered
 *   refused        nothing                       keeps its place; no attempt is counted
 *   maybe billed   its hold, in doubt            is tried again, up to the limit
 *   malformed      what it cost, else in doubt   is tried again, up to the limit
 *   unavailable    nothing                       is tried again, up to the limit
 *   permanent      what it cost, else nothing    ends
 *     of them 402  the same                      keeps its place: it is the plan that is refused;
 *                                                ends where a person waits for it
 */
import type { Envelope, Outcome } from '../keepa/call.ts';
import { shapeOf } from './cost-model.ts';
import type { Errand, Unanswered } from './errand.ts';
import type { LedgerEntry } from './request.ts';
import type { QueuedRequest } from './request-queue.ts';
import type { CapsNow, Hold, Learned, TokenAccount } from './token-account.ts';
import type { Flight } from './token-bucket.ts';

/** A request on its way. */
export interface Dispatch {
  readonly request: QueuedRequest<Errand>;
  readonly items: number;
  readonly hold: Hold;
  /** How many answers had come before the first attempt. */
  readonly answersBefore: number;
  readonly waitedMs: number;
}

/** What becomes of the request. */
export type Verdict =
  | { readonly kind: 'deliver' }
  | { readonly kind: 'let-go'; readonly why: string }
  | { readonly kind: 'put-back' }
  | { readonly kind: 'retry'; readonly why: string }
  | { readonly kind: 'end'; readonly to: 'settled' | 'dead'; readonly settlement: Unanswered };

/** Tries of one request, after which it is dead: at most about two minutes of backoff. */
const attemptsMax = 6;

/** What is told of a request that has died. */
type Tried = Pick<Dispatch, 'answersBefore'> & {
  readonly request: Pick<Dispatch['request'], 'attempts'>;
};

/** A person who waits for it is told so, and asks again once it is paid. */
function keepsPlace(reason: string, { spendClass }: Pick<Dispatch['request'], 'spendClass'>) {
  return reason === 'payment-required' && spendClass !== 'interactive';
}

export function verdictOf(
  outcome: Outcome<unknown>,
  tried: Tried & { readonly request: Pick<Dispatch['request'], 'spendClass'> },
): Verdict {
  const { attempts } = tried.request;
  switch (outcome.kind) {
    case 'answered':
      return { kind: 'deliver' };
    case 'refused':
      return { kind: 'put-back' };
    case 'permanent': {
      const { reason, why } = outcome;
      if (keepsPlace(reason, tried.request)) return { kind: 'put-back' };
      return { kind: 'end', to: 'settled', settlement: { kind: 'permanent', reason, why } };
    }
    case 'maybe-billed':
    case 'unavailable':
    case 'malformed':
      return attempts + 1 < attemptsMax
        ? { kind: 'retry', why: outcome.why }
        : deadWith(outcome.why, tried);
  }
}

/** Dead with the attempt that has just failed. */
export function deadWith(why: string, { request, answersBefore }: Tried): Verdict {
  const attempts = request.attempts + 1;
  return { kind: 'end', to: 'dead', settlement: { kind: 'dead', why, attempts, answersBefore } };
}

/** The envelope that came with the outcome, if one did. */
export function envelopeOf(outcome: Outcome<unknown>): Envelope | undefined {
  return 'envelope' in outcome ? outcome.envelope : undefined;
}

/** Settles or releases the hold, as the table says. The account is advanced to the arrival. */
export function settleOutcome(
  account: TokenAccount,
  hold: Hold,
  outcome: Outcome<unknown>,
  flight: Flight & { readonly caps: CapsNow },
): Learned | undefined {
  const envelope = envelopeOf(outcome);
  if (envelope !== undefined) return account.settle(hold, envelope, flight);
  if (isInDoubt(outcome)) account.settleInDoubt(hold, flight.receivedAtMs);
  else account.release(hold);
  return undefined;
}

/** The ledger's line for it. */
export function ledgerEntry(
  { request, items, hold, waitedMs }: Dispatch,
  outcome: Outcome<unknown>,
  { atMs, tookMs }: { atMs: number; tookMs: number },
): LedgerEntry {
  return {
    ...outcomeFields(outcome, hold.tokens),
    atMs,
    spendClass: request.spendClass,
    purpose: request.payload.purpose,
    shape: shapeOf(request.call),
    items,
    holdTokens: hold.tokens,
    attempt: request.attempts + 1,
    tookMs,
    waitedMs,
  };
}

/** The ledger's line for a free read of the balance. */
export function statusEntry(
  outcome: Outcome<unknown>,
  { atMs, tookMs, attempt }: { atMs: number; tookMs: number; attempt: number },
): LedgerEntry {
  return {
    ...outcomeFields(outcome, 0),
    atMs,
    spendClass: 'status',
    purpose: 'balance',
    shape: 'token',
    items: 0,
    holdTokens: 0,
    attempt,
    tookMs,
    waitedMs: 0,
  };
}

function outcomeFields(
  outcome: Outcome<unknown>,
  holdTokens: number,
): Pick<LedgerEntry, 'costTokens' | 'balanceAfter' | 'outcome' | 'why'> {
  const envelope = envelopeOf(outcome);
  return {
    costTokens: envelope?.costTokens ?? (isInDoubt(outcome) ? holdTokens : 0),
    balanceAfter: envelope?.balance,
    outcome: outcome.kind,
    why: 'why' in outcome ? outcome.why : undefined,
  };
}

/** Sent, and no figures came back: Keepa may have done, and billed, the work. */
function isInDoubt(outcome: Outcome<unknown>): boolean {
  return outcome.kind === 'maybe-billed' || outcome.kind === 'malformed';
}
