/**
 * The price basis: what Keepa means by the price of a new or used copy.
 *
 * On 2026-02-16 NEW and USED changed from the listing price to the landed one (with shipping), and
 * older points were not rewritten. A figure that pools both sides of that day compares two things;
 * it is still the best there is, so it is marked and not dropped.
 */
import type { Series } from '../keepa/product.ts';
import { firstFrom } from './series.ts';

const changedMinute = Date.UTC(2026, 1, 16) / 60_000;

/** Whether the timelines together hold prices from before the change and from it or after it. */
export function isPriceBasisMixed(timelines: readonly Series[]): boolean {
  let before = false;
  let after = false;
  for (const { minutes, values } of timelines) {
    const change = firstFrom(minutes, changedMinute);
    before ||= values.subarray(0, change).some(isPrice);
    after ||= values.subarray(change).some(isPrice);
  }
  return before && after;
}

function isPrice(cents: number): boolean {
  return cents > 0;
}
