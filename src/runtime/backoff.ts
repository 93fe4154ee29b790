/**
 * How long to wait before the next attempt: doubling, capped, and never the same for two clients.
 *
 * Equal jitter (half fixed, half drawn) rather than full: a full one may draw a wait of nearly
 * nothing several times in a row, and the fixed half is what lets the other side recover.
 */
import assert from 'node:assert/strict';
import type { Random } from './random.ts';

/**
 * The wait after failure number `attempt` (the first is 1), in whole milliseconds: between half of
 * and the whole of min(capMs, firstMs × 2^(attempt - 1)).
 */
export function backoffMs(
  attempt: number,
  options: { readonly firstMs: number; readonly capMs: number; readonly random: Random },
): number {
  const { firstMs, capMs, random } = options;
  assert(Number.isInteger(attempt) && attempt >= 1, `attempts are counted from 1, got ${attempt}`);
  assert(firstMs > 0 && capMs >= firstMs, `backoff from ${firstMs} to ${capMs} ms`);
  const ceilingMs = Math.min(capMs, firstMs * 2 ** (attempt - 1));
  return Math.ceil(ceilingMs / 2 + (random.next() * ceilingMs) / 2);
}
