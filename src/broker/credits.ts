/**
 * Whose tokens the balance is made of: one credit per class, and the commons.
 *
 * Counted in whole hundredths of a token, and shares in whole per cents: ten times 0.1 is not 1 in
 * doubles, and a sum that must always fit the balance cannot be kept in them.
 *
 * A lump is dealt by share. What each class is entitled to and what it has been given are kept
 * apart (`owed`, summing to zero), for two reasons: a hundredth that does not divide goes to
 * whoever is furthest behind, so none is lost or invented; and a negative credit can be made good
 * from whole lumps at once, because the class pays the others back out of its next shares. Made
 * good at once it must be: while somebody's credit is negative the positive ones are not all
 * covered by real tokens, and a class that was promised its turn would find the balance gone. So a
 * debt costs everybody ceil(debt / lump) ticks and nobody a token, and then each credit again
 * stands for tokens that exist.
 *
 * Invariants:
 * - the sum of the credits and the commons changes by exactly the amount that came or went;
 * - the sum of `owed` is 0;
 * - a hold is paid once and given back, or kept, once: `Payment` says from where.
 */
import assert from 'node:assert/strict';
import { type SpendClass, spendClasses } from './request.ts';

/** One whole number per class. */
export type PerClass = Readonly<Record<SpendClass, number>>;

/** A token has a hundred of the units that credits are counted in. */
export const hundredthsPerToken = 100;

export interface Credits {
  /** Hundredths of a token. A class that overran its hold may be below 0. */
  readonly credit: PerClass;
  /** Hundredths that belong to no class; below 0 only with a debt from before the start. */
  readonly commons: number;
  /** Per cents of a hundredth: what a class was entitled to and has not been given (or less). */
  readonly owed: PerClass;
}

/** What a hold took, in hundredths. */
export interface Payment {
  readonly spendClass: SpendClass;
  readonly fromCredit: number;
  readonly fromCommons: number;
}

/** A record with `value(name)` for every class. */
export function perClass<T>(value: (name: SpendClass) => T): Record<SpendClass, T> {
  return {
    interactive: value('interactive'),
    head: value('head'),
    upsert: value('upsert'),
    refresh: value('refresh'),
    backfill: value('backfill'),
  };
}

/** @throws AssertionError unless the shares are whole per cents from 1 that add up to 100. */
export function assertShares(shares: PerClass): void {
  for (const name of spendClasses) {
    assert(Number.isInteger(shares[name]) && shares[name] >= 1, `share of ${name}`);
  }
  assert.equal(sumOf(shares), 100, 'the shares must add up to 100');
}

/**
 * The start: a balance is dealt by share, a debt belongs to nobody yet. `spendable` in hundredths.
 */
export function openCredits(shares: PerClass, spendable: number): Credits {
  const none = perClass(() => 0);
  if (spendable <= 0) return { credit: none, commons: spendable, owed: none };
  return deal({ credit: none, commons: 0, owed: none }, shares, spendable);
}

/** Credits and commons together: the balance less holds and floor, in hundredths. */
export function totalOf({ credit, commons }: Credits): number {
  return sumOf(credit) + commons;
}

/** What is missing before every positive credit is covered by tokens, in hundredths. */
export function debtOf({ credit, commons }: Credits): number {
  const owing = spendClasses.reduce((sum, name) => sum + Math.max(0, -credit[name]), 0);
  return owing + Math.max(0, -commons);
}

/**
 * A lump arrives: debts first, the rest by share; then what exceeds a class's cap moves to the
 * commons. That happens here and at no other moment: between two requests of a busy actor its class
 * has nothing queued, and would otherwise lose its savings at every settlement. A negative amount
 * is what the cap took from a bucket that held too much.
 */
export function dealLump(
  before: Credits,
  { shares, caps, amount }: { shares: PerClass; caps: PerClass; amount: number },
): Credits {
  if (amount < 0) return skim(drainCredits(before, shares, -amount), caps);
  const { credits, rest } = makeGood(before, shares, amount);
  return skim(deal(credits, shares, rest), caps);
}

/**
 * Takes a hold: from the class's credit as far as it goes, then from the commons. What is left of a
 * loan comes from the other classes: the credit goes below 0, and the next lumps make it good.
 */
export function payHold(
  { credit, commons, owed }: Credits,
  { spendClass, hold, isLoan = false }: { spendClass: SpendClass; hold: number; isLoan?: boolean },
): { readonly credits: Credits; readonly payment: Payment } {
  assertAmount(hold);
  const own = Math.min(hold, Math.max(0, credit[spendClass]));
  const fromCommons = Math.min(hold - own, Math.max(0, commons));
  const fromCredit = hold - fromCommons;
  assert(isLoan || fromCredit === own, `the commons cannot pay ${hold - own}`);
  return {
    credits: {
      credit: { ...credit, [spendClass]: credit[spendClass] - fromCredit },
      commons: commons - fromCommons,
      owed,
    },
    payment: { spendClass, fromCredit, fromCommons },
  };
}

/**
 * Replaces a hold by its cost. What it did not cost goes back as if the cost had been paid in the
 * first place; an overrun is charged to the class that caused it and to nobody else.
 */
export function settleHold(before: Credits, payment: Payment, cost: number): Credits {
  assertAmount(cost);
  const { spendClass, fromCredit, fromCommons } = payment;
  const back = fromCredit + fromCommons - cost;
  const toCommons = Math.min(Math.max(0, back), fromCommons);
  return {
    ...before,
    credit: {
      ...before.credit,
      [spendClass]: before.credit[spendClass] + back - toCommons,
    },
    commons: before.commons + toCommons,
  };
}

/** A drain that nobody here caused: the commons first, then every class by its share. */
export function drainCredits(before: Credits, shares: PerClass, amount: number): Credits {
  assertAmount(amount);
  const fromCommons = Math.min(amount, Math.max(0, before.commons));
  const rest = amount - fromCommons;
  const owed = perClass((name) => before.owed[name] - shares[name] * rest);
  const taken = perClass((name) => Math.floor((shares[name] * rest) / 100));
  const odd = rest - sumOf(taken);
  // The hundredths that do not divide come from whoever was given most.
  const payers = [...spendClasses].sort(
    (a, b) => owed[a] + 100 * taken[a] - (owed[b] + 100 * taken[b]),
  );
  for (const name of payers.slice(0, odd)) taken[name] += 1;
  return {
    credit: perClass((name) => before.credit[name] - taken[name]),
    commons: before.commons - fromCommons,
    owed: perClass((name) => owed[name] + 100 * taken[name]),
  };
}

/** Tokens that turned up and belong to no class. */
export function addToCommons(before: Credits, amount: number): Credits {
  assertAmount(amount);
  return { ...before, commons: before.commons + amount };
}

/** Charges a class, or gives back to it (a negative amount), outside a hold. */
export function chargeClass(before: Credits, spendClass: SpendClass, amount: number): Credits {
  const credit = { ...before.credit, [spendClass]: before.credit[spendClass] - amount };
  return { ...before, credit };
}

/** Fills the commons and the credits that are below zero, in the order of the classes. */
function makeGood(
  before: Credits,
  shares: PerClass,
  amount: number,
): { readonly credits: Credits; readonly rest: number } {
  let rest = amount;
  const fill = (missing: number): number => {
    const filled = Math.min(rest, Math.max(0, missing));
    rest -= filled;
    return filled;
  };
  const commons = before.commons + fill(-before.commons);
  const filled = perClass((name) => fill(-before.credit[name]));
  const lent = sumOf(filled);
  const credits = {
    credit: perClass((name) => before.credit[name] + filled[name]),
    commons,
    owed: perClass((name) => before.owed[name] + shares[name] * lent - 100 * filled[name]),
  };
  return { credits, rest };
}

/** Deals `amount` by share: a class in arrears gives up its part to those it owes. */
function deal(before: Credits, shares: PerClass, amount: number): Credits {
  assertAmount(amount);
  const claim = perClass((name) => before.owed[name] + shares[name] * amount);
  const given = perClass((name) => {
    const share = Math.floor((shares[name] * amount) / 100);
    return Math.min(share, Math.max(0, Math.floor(claim[name] / 100)));
  });
  const unmet = (name: SpendClass): number => claim[name] - 100 * given[name];
  let rest = amount - sumOf(given);
  const claimants = [...spendClasses].sort((a, b) => unmet(b) - unmet(a));
  for (const name of claimants) {
    const more = Math.min(rest, Math.max(0, Math.floor(unmet(name) / 100)));
    given[name] += more;
    rest -= more;
  }
  // Fewer hundredths are left than there are classes: the largest remainders get them.
  for (const name of [...spendClasses].sort((a, b) => unmet(b) - unmet(a)).slice(0, rest)) {
    given[name] += 1;
  }
  return {
    credit: perClass((name) => before.credit[name] + given[name]),
    commons: before.commons,
    owed: perClass(unmet),
  };
}

function skim(before: Credits, caps: PerClass): Credits {
  const excess = perClass((name) => Math.max(0, before.credit[name] - caps[name]));
  return {
    credit: perClass((name) => before.credit[name] - excess[name]),
    commons: before.commons + sumOf(excess),
    owed: before.owed,
  };
}

function sumOf(amounts: PerClass): number {
  return spendClasses.reduce((sum, name) => sum + amounts[name], 0);
}

function assertAmount(amount: number): void {
  assert(Number.isSafeInteger(amount) && amount >= 0, `${amount} is no amount of hundredths`);
}
