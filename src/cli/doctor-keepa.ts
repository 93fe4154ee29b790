/**
 * `doctor --live`: asks Keepa for the balance, which costs no token, and compares the clocks.
 *
 * Every answer says when it was made. The truth lies between the moments at which the request left
 * and the answer arrived, so only what lies outside of them is a difference of clocks.
 */
import type { Secret } from '../config-key.ts';
import type { Outcome } from '../keepa/call.ts';
import { createKeepaClient } from '../keepa/client.ts';
import { createUndiciTransport } from '../keepa/undici-transport.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Facts, storedFacts } from './doctor-facts.ts';
import { broken, type Finding, fine, warning } from './doctor-finding.ts';
import { spanText } from './words.ts';

export interface KeepaAnswer {
  readonly outcome: Outcome<null>;
  /** By our clock, Unix ms. */
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** A person waits; whoever takes longer for a balance is not well. */
const answerMsMax = 15_000;
/** Refills are projected from Keepa's instants: less than this is lost among its own delays. */
const skewMsMax = 5_000;
/** Ages and days are counted wrongly by then. */
const skewMsBroken = 300_000;
/** Before this was written: no clock that was ever set says so. */
const oldestMs = Date.UTC(2026, 0, 1);

/** Never rejects for what Keepa or the network did. */
export async function askKeepa(options: {
  readonly url: string;
  readonly key: Secret;
  readonly clock: Clock;
  readonly version: string;
}): Promise<KeepaAnswer> {
  const { url, key, clock, version } = options;
  const userAgent = `keepa-deals/${version}`;
  const transport = createUndiciTransport({ baseUrl: url, key: key.reveal(), userAgent });
  const client = createKeepaClient({ transport, clock });
  const giveUp = new AbortController();
  const deadline = clock.after(answerMsMax, () => giveUp.abort());
  const sentAtMs = clock.now();
  try {
    const outcome = await client.call({ endpoint: 'token' }, giveUp.signal);
    return { outcome, sentAtMs, receivedAtMs: clock.now() };
  } finally {
    deadline.cancel();
    await client.close();
  }
}

/** How far our clock is ahead of Keepa's; 0 while the answer does not prove a difference. */
function skewMs(asOfMs: number, { sentAtMs, receivedAtMs }: KeepaAnswer): number {
  if (asOfMs < sentAtMs) return sentAtMs - asOfMs;
  return asOfMs > receivedAtMs ? receivedAtMs - asOfMs : 0;
}

/** Against Keepa's where it was asked, else against what was written down before. */
export function checkClock(facts: Facts): readonly Finding[] {
  const { keepa, nowMs } = facts;
  if (keepa !== undefined && 'envelope' in keepa.outcome && keepa.outcome.envelope !== undefined) {
    return [againstKeepa(skewMs(keepa.outcome.envelope.asOfMs, keepa))];
  }
  const stored = storedFacts(facts);
  const lastMs = Math.max(
    oldestMs,
    stored?.lastRequest?.atMs ?? 0,
    stored?.lastRun?.startedAtMs ?? 0,
  );
  const shown = new Date(nowMs).toISOString();
  if (nowMs < lastMs - skewMsMax) {
    const what = `it shows ${shown}, ${spanText(lastMs - nowMs)} before what is known to have been`;
    return [broken('clock', { what, ...offClock })];
  }
  return [fine('clock', `${shown}; --live compares it with Keepa's`)];
}

const offClock = {
  why: 'deals are dated, and their ages counted, by it',
  todo: 'have the system keep its time: timedatectl set-ntp true',
};

function againstKeepa(aheadMs: number): Finding {
  const off = Math.abs(aheadMs);
  if (off <= skewMsMax) return fine('clock', "agrees with Keepa's");
  const direction = aheadMs > 0 ? 'ahead of' : 'behind';
  const trouble = { what: `it is ${spanText(off)} ${direction} Keepa's`, ...offClock };
  return off > skewMsBroken ? broken('clock', trouble) : warning('clock', trouble);
}
