/**
 * The lists of work: which rows to buy for, to judge for nothing, to verify.
 *
 * They are read before every batch, thousands of times a day, and mostly most rows are not on them.
 * So each is one walk along an index of just the rows that could be (migrations/0003), in the order
 * in which they are wanted.
 *
 * Invariants:
 * - a row that ended, or whose retry is not due, is on no list of things to buy; nor is a held one;
 * - whoever judges a row, or sends it back with a retry, takes it off the list it was on: no list
 *   returns the same row for ever.
 */
import type { SelectQueryBuilder } from 'kysely';
import { wholeMs, withoutNulls } from './column-values.ts';
import { accepted, candidate, ended, screenPrefix, yes } from './columns.ts';
import type { JudgingReader, WorkRow } from './judging-ports.ts';
import type { Tables, Trx } from './tables.ts';

type Options<Name extends keyof JudgingReader> = Parameters<JudgingReader[Name]>[0];
export type DealsQuery = SelectQueryBuilder<Tables, 'deals', object>;

/** The highest promise first, none last; of candidates with the same, the older first. */
export async function historyDue(
  trx: Trx,
  options: Options<'historyDue'>,
): Promise<readonly WorkRow[]> {
  const freshSince = wholeMs(options.freshSinceMs);
  const candidates = toBuy(trx, options)
    .where('deals.state', '=', candidate)
    .orderBy('deals.candidate_since_ms');
  if (options.kind === 'fresh') {
    return await workRows(candidates.where('deals.candidate_since_ms', '>=', freshSince));
  }
  // Judged for nothing at a new price from aged evidence, or re-priced with nothing to judge from.
  const agedOthers = toBuy(trx, options)
    .where('deals.wants_history', '=', yes)
    .where('deals.state', '!=', accepted);
  const unjudgeable = toBuy(trx, options)
    .where('deals.is_repriced', '=', yes)
    .where('deals.evidence_at_ms', 'is', null)
    .where('deals.wants_history', '!=', yes)
    .where('deals.state', '!=', accepted);
  const rows = [
    ...(await workRows(candidates.where('deals.candidate_since_ms', '<', freshSince))),
    ...(await workRows(toBuy(trx, options).where('deals.state', '=', accepted))),
    ...(await workRows(agedOthers)),
    ...(await workRows(unjudgeable)),
  ];
  const promiseOf = ({ promise = Number.MIN_SAFE_INTEGER }: WorkRow): number => promise;
  return rows.sort((a, b) => promiseOf(b) - promiseOf(a)).slice(0, options.limit);
}

/** Rows without evidence that new, neither held nor waiting for a retry, by promise. */
function toBuy(trx: Trx, options: Options<'historyDue'>): DealsQuery {
  const due = buyable(trx, options.nowMs)
    .where((eb) =>
      eb.or([
        eb('deals.evidence_at_ms', 'is', null),
        eb('deals.evidence_at_ms', '<', wholeMs(options.evidenceSinceMs)),
      ]),
    )
    .orderBy('deals.promise', (order) => order.desc().nullsLast())
    .limit(options.limit);
  const { domainId } = options;
  return domainId === undefined ? due : due.where('deals.domain_id', '=', domainId);
}

function buyable(trx: Trx, nowMs: number): DealsQuery {
  return trx
    .selectFrom('deals')
    .where('deals.held_at_ms', 'is', null)
    .where((eb) =>
      eb.or([eb('deals.retry_at_ms', 'is', null), eb('deals.retry_at_ms', '<=', wholeMs(nowMs))]),
    );
}

/**
 * Re-priced rows first, whatever the age of their evidence: a table must not show a verdict on a
 * price that is gone. Then candidates whose product is known, from another deal or of old, unless
 * its evidence is so old that it is bought anew.
 */
export async function rejudgeDue(
  trx: Trx,
  { evidenceSinceMs, limit }: Options<'rejudgeDue'>,
): Promise<readonly WorkRow[]> {
  const repriced = trx
    .selectFrom('deals')
    .where('deals.is_repriced', '=', yes)
    .where('deals.evidence_at_ms', 'is not', null)
    .orderBy('deals.promise', (order) => order.desc().nullsLast())
    .limit(limit);
  const rows = await workRows(repriced);
  if (rows.length >= limit) return rows;
  const candidates = trx
    .selectFrom('deals')
    .where('deals.state', '=', candidate)
    .where('deals.evidence_at_ms', '>=', wholeMs(evidenceSinceMs))
    .orderBy('deals.evidence_at_ms')
    .limit(limit - rows.length);
  return [...rows, ...(await workRows(candidates))];
}

/** The highest profit first; a row whose profit is unknown comes last. */
export async function verifyDue(
  trx: Trx,
  { kind, nowMs, verifiedSinceMs, limit }: Options<'verifyDue'>,
): Promise<readonly WorkRow[]> {
  const due = buyable(trx, nowMs)
    .where('deals.state', '=', accepted)
    .where('deals.is_repriced', '!=', yes)
    // Its history comes first, and the offers bring one too where that was asked for in vain.
    .where((eb) => eb.or([eb('deals.wants_history', '!=', yes), eb('deals.attempts', '>', 0)]))
    .where((eb) =>
      eb.or([
        eb('deals.is_verified', '!=', yes),
        eb('deals.verified_at_ms', '<', wholeMs(verifiedSinceMs)),
      ]),
    )
    .orderBy('deals.profit_cents', (order) => order.desc().nullsLast())
    .limit(limit);
  if (kind === undefined) return await workRows(due);
  const isNull = kind === 'first' ? 'is' : 'is not';
  return await workRows(due.where('deals.offers_looked_at_ms', isNull, null));
}

/** In the order of their keys; a row that its feed's screen rejected is not for judging. */
export async function withEvidence(
  trx: Trx,
  { after, limit }: Options<'withEvidence'>,
): Promise<readonly WorkRow[]> {
  const kept = trx
    .selectFrom('deals')
    .where('deals.evidence_at_ms', 'is not', null)
    .where('deals.state', '!=', ended)
    .where((eb) =>
      eb.or([eb('deals.reason', 'is', null), eb('deals.reason', 'not like', `${screenPrefix}%`)]),
    )
    .orderBy('deals.asin')
    .orderBy('deals.domain_id')
    .orderBy('deals.price_type')
    .limit(limit);
  if (after === undefined) return await workRows(kept);
  const { asin, domainId, priceType } = after;
  return await workRows(
    kept.where(({ eb, refTuple, tuple }) =>
      eb(
        refTuple('deals.asin', 'deals.domain_id', 'deals.price_type'),
        '>',
        tuple(asin, domainId, priceType),
      ),
    ),
  );
}

/** The rows as those see them who work on them. */
export async function workRows(query: DealsQuery): Promise<readonly WorkRow[]> {
  const rows = await query
    .select([
      'deals.asin',
      'deals.domain_id as domainId',
      'deals.price_type as priceType',
      'deals.state',
      'deals.price_cents as priceCents',
      'deals.created_at_ms as createdAtMs',
      'deals.evidence_at_ms as evidenceAtMs',
      'deals.judged_at_ms as judgedAtMs',
      'deals.lacks_offer as lacksOffer',
      'deals.attempts',
      'deals.promise',
    ])
    .select(({ eb }) =>
      eb
        .case()
        .when('deals.is_verified', '=', yes)
        .then(eb.ref('deals.landed_cents'))
        .end()
        .as('verifiedCents'),
    )
    // Not a join: with one, SQLite may walk the feeds first and sort instead of using the index.
    .select(({ selectFrom }) =>
      selectFrom('feeds')
        .select('feeds.name')
        .whereRef('feeds.id', '=', 'deals.feed_id')
        .$asScalar()
        .$notNull()
        .as('feed'),
    )
    .$narrowType<{ state: WorkRow['state'] }>()
    .execute();
  return rows.map(withoutNulls);
}
