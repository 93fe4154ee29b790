/**
 * Evidence: what was bought of a product, kept so that it can be judged again for nothing.
 *
 * The date of the evidence is written beside every deal of the product too, so that the work lists
 * need not look here for each of ten thousand rows.
 *
 * Invariants:
 * - evidence is kept of products that have a deal, and of no other;
 * - every deal's `evidence_at_ms` is that of its product's evidence, or null without one;
 * - a deal wants history only until its product has new evidence.
 */
import { wholeMs } from './column-values.ts';
import type { JudgementBatch, KeptEvidence } from './judging-ports.ts';
import type { Trx } from './tables.ts';

interface ProductKey {
  readonly domainId: number;
  readonly asin: string;
}

export async function evidenceOf(trx: Trx, key: ProductKey): Promise<KeptEvidence | undefined> {
  return await trx
    .selectFrom('evidence')
    .select(['packed', 'bought_at_ms as boughtAtMs'])
    .where('domain_id', '=', key.domainId)
    .where('asin', '=', key.asin)
    .executeTakeFirst();
}

/** Replaces what was kept of each product. What is bought later is stored later. */
export async function keepEvidence(
  trx: Trx,
  evidence: JudgementBatch['evidence'],
  boughtAtMs: number,
): Promise<void> {
  const kept = { bought_at_ms: wholeMs(boughtAtMs) };
  for (const { domainId, asin, packed } of evidence) {
    const { numUpdatedRows } = await trx
      .updateTable('deals')
      .set({ evidence_at_ms: kept.bought_at_ms, wants_history: 0 })
      .where('asin', '=', asin)
      .where('domain_id', '=', domainId)
      .executeTakeFirstOrThrow();
    // Its deals were purged while the answer was under way.
    if (numUpdatedRows === 0n) continue;
    await trx
      .insertInto('evidence')
      .values({ domain_id: domainId, asin, ...kept, packed })
      .onConflict((conflict) =>
        conflict.columns(['domain_id', 'asin']).doUpdateSet({ ...kept, packed }),
      )
      .execute();
  }
}

/** A round over kept evidence never takes longer than this to read it. */
const roundMsMax = 10_000;

/**
 * Forgets evidence that could not be read at `atMs`: its deals have none from now on and are bought
 * for like all that have none. Evidence that was stored since the round began is not what could
 * not be read, and stays.
 */
export async function dropEvidence(
  trx: Trx,
  products: readonly ProductKey[],
  atMs: number,
): Promise<void> {
  const sinceMs = wholeMs(atMs);
  for (const { domainId, asin } of products) {
    // Dates further ahead than a round are of a clock that was set back since.
    await trx
      .deleteFrom('evidence')
      .where('domain_id', '=', domainId)
      .where('asin', '=', asin)
      .where((eb) => eb.not(eb.between('bought_at_ms', sinceMs, sinceMs + roundMsMax)))
      .execute();
    await trx
      .updateTable('deals')
      .set({ evidence_at_ms: null })
      .where('asin', '=', asin)
      .where('domain_id', '=', domainId)
      .where((eb) => eb.not(eb.between('evidence_at_ms', sinceMs, sinceMs + roundMsMax)))
      .execute();
  }
}

/** When the evidence kept of these products was bought; those without evidence are not in it. */
export async function evidenceDates(
  trx: Trx,
  domainId: number,
  asins: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (asins.length === 0) return new Map();
  const rows = await trx
    .selectFrom('evidence')
    .select(['asin', 'bought_at_ms as boughtAtMs'])
    .where('domain_id', '=', domainId)
    .where('asin', 'in', asins)
    .execute();
  return new Map(rows.map(({ asin, boughtAtMs }) => [asin, boughtAtMs]));
}
