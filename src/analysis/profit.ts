/**
 * Profit: what is left of the list-at price when everybody has been paid.
 *
 * Two kinds of cost. The reseller's own (inbound shipping, tax, prep) are known to whoever runs
 * this: what is not stated is not paid. Amazon's (referral, FBA) come with the product, or from the
 * settings; when neither has one it is unknown, and then so is the profit: a guessed fee makes
 * every bad buy look good.
 *
 * Invariants: integers until the one rounding; no unknown is ever a zero.
 */
import type { CostModel } from '../config-judging.ts';
import type { Fees } from '../keepa/product.ts';
import { roundHalfUp } from './exact.ts';

/** Of the whole, in parts of a ten-thousandth of a per cent. */
const partsOfWhole = 1_000_000;

/**
 * list-at - (price + shipping + tax + prep) - (referral on list-at + FBA fee), whole cents rounded
 * half up; may be negative. Undefined while the list-at price, the price or a fee is unknown.
 */
export function profitOf(input: {
  readonly listAtTenths: number | undefined;
  /** What one copy costs where it is bought, with its shipping to us. */
  readonly priceCents: number | undefined;
  readonly fees: Fees;
  readonly costs: CostModel;
}): number | undefined {
  const { listAtTenths, priceCents, fees, costs } = input;
  const referralPercent = costs.referralPercent ?? fees.referralPercent;
  const fbaFeeCents = costs.fbaFeeCents ?? fees.fbaPickAndPackCents;
  if (listAtTenths === undefined || priceCents === undefined) return undefined;
  if (referralPercent === undefined || fbaFeeCents === undefined) return undefined;
  const fixedCents =
    (costs.inboundShippingCents ?? 0) +
    (costs.prepCents ?? 0) +
    fbaFeeCents +
    (costs.closingFeeCents ?? 0);
  const received = listAtTenths * (partsOfWhole - parts(referralPercent));
  const paid = priceCents * (partsOfWhole + parts(costs.taxPercent ?? 0));
  const whole = 10 * partsOfWhole;
  return roundHalfUp(received - 10 * paid - whole * fixedCents, whole);
}

/** 15.01 % is 150,100 parts: a double cannot hold 15.01, and its error must not reach the cents. */
function parts(percent: number): number {
  return Math.round((percent * partsOfWhole) / 100);
}
