/**
 * The name of an API key that may be shown: leases and checkpoints are kept under it.
 */
import { createHash } from 'node:crypto';
import type { Secret } from '../config-key.ts';

/** Names the spender without naming the key: a hash of 64 random characters tells nothing. */
export function keyHashOf(key: Secret): string {
  return createHash('sha256').update(`keepa-deals/${key.reveal()}`).digest('hex').slice(0, 16);
}
