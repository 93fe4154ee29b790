/**
 * How long Keepa works on a request: medians and spreads of recorded processing times.
 *
 * Drawn from the request and its instant alone, so that a replay takes exactly as long.
 */
import { chanceOf, clamp, normalOf } from './draw.ts';

/** What the time depends on. */
export interface Work {
  readonly endpoint: 'token' | 'deal' | 'product' | 'seller' | 'error';
  /** Items found: products, sellers, or rows. */
  readonly items: number;
  readonly withOffers: boolean;
}

interface Profile {
  readonly medianMs: number;
  readonly spread: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Processing time in whole milliseconds. */
export function processingMsOf(work: Work, seed: number, nowMs: number): number {
  const { medianMs, spread, minMs, maxMs } = profileOf(work);
  const noise = normalOf(chanceOf(seed, nowMs, 0x1a7), chanceOf(seed, nowMs, 0x1a8));
  return Math.round(clamp(medianMs * Math.exp(spread * noise), minMs, maxMs));
}

function profileOf({ endpoint, items, withOffers }: Work): Profile {
  switch (endpoint) {
    case 'token':
    case 'error':
      return { medianMs: 1, spread: 0.6, minMs: 0, maxMs: 4 };
    case 'deal':
      return { medianMs: 420, spread: 0.6, minMs: 18, maxMs: 1_416 };
    case 'seller':
      // 0.5 s for one, 1.3 s for a hundred, at most 9.
      return { medianMs: 500 + 8 * items, spread: 0.3, minMs: 200, maxMs: 9_000 };
    case 'product':
      return withOffers ? offersProfile(items) : plainProfile(items);
  }
}

/** One product with live offers: 6.1 s, nine of ten under 9.5; ten about 14 s, fifty about 20. */
function offersProfile(items: number): Profile {
  const growth = 1 + 0.57 * Math.log(Math.max(1, items));
  return { medianMs: 6_100 * growth, spread: 0.34, minMs: 2_000, maxMs: 12_600 * growth };
}

function plainProfile(items: number): Profile {
  return { medianMs: 40 + 12 * items, spread: 0.7, minMs: 1, maxMs: 250 + 60 * items };
}
