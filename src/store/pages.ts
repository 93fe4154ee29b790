/**
 * Stores one page of a listing: its rows, who listed them, and the step of its sweep, all at once.
 *
 * Being listed and being judged are two different things. A page re-sees and re-prices every row it
 * carries, whatever anybody thinks of the row; it changes the state only where the state rests on a
 * listing: fresh rows, candidates, rows that a screen rejected, rows that had ended. A verdict
 * stays until the row is judged again, and the columns of judging are not written here at all.
 * Whatever was brought up to end a row (a re-check, a hold, the end) is void once it is seen.
 *
 * Pages are believed in the order in which they are stored, which is the order in which they were
 * bought. A clock that was set back must not make today's prices look older than yesterday's.
 *
 * Invariants:
 * - doing it twice is as good as once: no count, cursor or row differs afterwards;
 * - `last_seen_at_ms` never goes back, `first_seen_at_ms` never changes;
 * - the watermark is never beyond the newest creation date stored, nor beyond the time of seeing.
 */
import { wholeMs } from './column-values.ts';
import { screenPrefix } from './columns.ts';
import { evidenceDates } from './evidence.ts';
import { feedOf, type KnownFeed } from './feeds.ts';
import { healthyTime } from './healthy-time.ts';
import { listedChange, listedColumns } from './listed-columns.ts';
import { passedElsewhere } from './other-screens.ts';
import type { DealState, ListedPage, PageCounts, ScreenedRow } from './ports.ts';
import { stepSweep } from './sweeps.ts';
import type { Trx } from './tables.ts';

/** A row binds some forty values and SQLite takes 32,766 in one statement. */
const rowsPerStatement = 250;

/** What the store knows of a row before the page. */
interface StoredDeal {
  readonly id: number;
  readonly asin: string;
  readonly price_type: number;
  readonly state: DealState;
  readonly reason: string | null;
  readonly price_cents: number | null;
  readonly created_at_ms: number | null;
  readonly last_seen_at_ms: number;
  readonly judged_at_ms: number | null;
  readonly candidate_since_ms: number | null;
  readonly feed_id: number;
}

/** A row of the page beside what was stored of it, and what becomes of it. */
interface Listed {
  readonly screened: ScreenedRow;
  readonly known: StoredDeal | undefined;
  readonly state: DealState;
  readonly reason: string | null;
  /** The feed that listed it last, of those that let it pass if there are any. */
  readonly feedId: number;
  readonly isRepriced: boolean;
}

/** @throws SweepOrderError when the page does not fit the sweep it names. */
export async function storePage(trx: Trx, page: ListedPage): Promise<PageCounts> {
  const feed = await feedOf(trx, page.feed);
  const seenAtMs = wholeMs(page.seenAtMs);
  const rows = distinct(page.rows);
  const known = await storedDeals(trx, page.feed.domainId, rows);
  const elsewhere = await passedElsewhere(trx, rejectedIds(rows, known), {
    feedId: feed.id,
    seenAtMs,
  });
  const listed = rows.map((screened) => {
    const before = known.get(keyOf(screened.row));
    const otherFeedId = before === undefined ? undefined : elsewhere.get(before.id);
    return decide(screened, before, { feedId: feed.id, otherFeedId });
  });
  const dealIds = await writeDeals(trx, listed, {
    domainId: page.feed.domainId,
    seenAtMs,
  });
  const seen = listed.flatMap(({ screened }) => {
    const dealId = dealIds.get(keyOf(screened.row));
    return dealId === undefined ? [] : [{ dealId, passes: screened.rejectedFor ? 0 : 1 }];
  });
  const sweepNumber = page.sweep?.number ?? 0;
  const newRows = await writeListings(trx, seen, { feedId: feed.id, seenAtMs, sweepNumber });
  if (page.sweep !== undefined) {
    const { number, page: index, ends } = page.sweep;
    const wireRows = page.wireRows ?? page.rows.length;
    await stepSweep(trx, feed.id, { number, page: index, wireRows, newRows, atMs: seenAtMs, ends });
  }
  await moveFeed(trx, feed, { rows, seenAtMs, isHead: page.sweep === undefined });
  return countsOf(listed);
}

function keyOf({ asin, priceType }: { asin: string; priceType: number }): string {
  return `${asin}/${priceType}`;
}

/** One row per deal; of duplicates within a page the last counts. */
function distinct(rows: readonly ScreenedRow[]): readonly ScreenedRow[] {
  return [...new Map(rows.map((screened) => [keyOf(screened.row), screened])).values()];
}

async function storedDeals(
  trx: Trx,
  domainId: number,
  rows: readonly ScreenedRow[],
): Promise<ReadonlyMap<string, StoredDeal>> {
  const stored: StoredDeal[] = [];
  for (const batch of batches(rows)) {
    const found = await trx
      .selectFrom('deals')
      .select(['id', 'asin', 'price_type', 'state', 'reason'])
      .select(['price_cents', 'created_at_ms', 'last_seen_at_ms', 'judged_at_ms'])
      .select(['candidate_since_ms', 'feed_id'])
      .where(
        'asin',
        'in',
        batch.map(({ row }) => row.asin),
      )
      .where('domain_id', '=', domainId)
      .execute();
    stored.push(...found);
  }
  return new Map(
    stored.map((deal) => [keyOf({ asin: deal.asin, priceType: deal.price_type }), deal]),
  );
}

/** Known rows that this feed's screen rejects. */
function rejectedIds(
  rows: readonly ScreenedRow[],
  known: ReadonlyMap<string, StoredDeal>,
): readonly number[] {
  return rows.flatMap(({ row, rejectedFor }) => {
    const before = rejectedFor === undefined ? undefined : known.get(keyOf(row));
    return before === undefined ? [] : [before.id];
  });
}

function decide(
  screened: ScreenedRow,
  known: StoredDeal | undefined,
  { feedId, otherFeedId }: { feedId: number; otherFeedId: number | undefined },
): Listed {
  const { row } = screened;
  const rejectedFor = otherFeedId === undefined ? screened.rejectedFor : undefined;
  const isRepriced =
    known !== undefined &&
    ((row.priceCents ?? null) !== known.price_cents ||
      (row.createdAtMs !== undefined && row.createdAtMs !== known.created_at_ms));
  const next =
    known !== undefined && isJudged(known)
      ? { state: known.state, reason: known.reason }
      : screenedState(rejectedFor);
  return { screened, known, ...next, feedId: otherFeedId ?? feedId, isRepriced };
}

/** Whether the state is a verdict on the product rather than on its listing. */
function isJudged({ state, reason }: StoredDeal): boolean {
  switch (state) {
    case 'accepted':
    case 'insufficient':
      return true;
    case 'rejected':
      return reason?.startsWith(screenPrefix) !== true;
    case 'candidate':
    case 'ended':
      return false;
  }
}

function screenedState(rejectedFor: string | undefined): Pick<Listed, 'state' | 'reason'> {
  if (rejectedFor === undefined) return { state: 'candidate', reason: null };
  return { state: 'rejected', reason: `${screenPrefix}${rejectedFor}` };
}

/** Inserts or updates the deals and returns their ids by key. */
async function writeDeals(
  trx: Trx,
  listed: readonly Listed[],
  page: { domainId: number; seenAtMs: number },
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  const { totalMs: healthyMs } = await healthyTime(trx);
  for (const batch of batches(listed)) {
    const fresh = batch.filter(({ known }) => known === undefined);
    const evidenceAtMs = await evidenceDates(
      trx,
      page.domainId,
      fresh.map(({ screened }) => screened.row.asin),
    );
    const written = await trx
      .insertInto('deals')
      .values(
        batch.map(({ screened: { row, promise }, known, state, reason, feedId }) => ({
          asin: row.asin,
          domain_id: page.domainId,
          price_type: row.priceType,
          feed_id: feedId,
          state,
          reason,
          first_seen_at_ms: page.seenAtMs,
          last_seen_at_ms: Math.max(known?.last_seen_at_ms ?? page.seenAtMs, page.seenAtMs),
          ...listedColumns(row),
          promise: promise ?? null,
          candidate_since_ms:
            state === 'candidate' ? (known?.candidate_since_ms ?? page.seenAtMs) : null,
          seen_healthy_ms: healthyMs,
          rechecked_at_ms: null,
          recheck_passes: null,
          held_at_ms: null,
          is_hold_confirmed: 0,
          ended_at_ms: null,
          // Of fresh rows only; never updated.
          evidence_at_ms: evidenceAtMs.get(row.asin) ?? null,
          // For the CHECKs only, which look at the row before the conflict is; never updated.
          judged_at_ms: known?.judged_at_ms ?? null,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['asin', 'domain_id', 'price_type']).doUpdateSet(listedChange),
      )
      .returning(['id', 'asin', 'price_type'])
      .execute();
    for (const { id, asin, price_type: priceType } of written)
      ids.set(keyOf({ asin, priceType }), id);
  }
  return ids;
}

/** Notes that the feed listed these deals; returns how many are new to the sweep. */
async function writeListings(
  trx: Trx,
  seen: readonly { readonly dealId: number; readonly passes: number }[],
  { feedId, seenAtMs, sweepNumber }: { feedId: number; seenAtMs: number; sweepNumber: number },
): Promise<number> {
  let newRows = 0;
  for (const batch of batches(seen)) {
    const before = await trx
      .selectFrom('listings')
      .select(['deal_id', 'last_seen_at_ms', 'last_sweep'])
      .where('feed_id', '=', feedId)
      .where(
        'deal_id',
        'in',
        batch.map(({ dealId }) => dealId),
      )
      .execute();
    const known = new Map(before.map((listing) => [listing.deal_id, listing]));
    const listings = batch.map(({ dealId, passes }) => {
      const listing = known.get(dealId);
      if ((listing?.last_sweep ?? 0) < sweepNumber) newRows += 1;
      return {
        feed_id: feedId,
        deal_id: dealId,
        first_seen_at_ms: seenAtMs,
        last_seen_at_ms: Math.max(listing?.last_seen_at_ms ?? seenAtMs, seenAtMs),
        last_sweep: Math.max(listing?.last_sweep ?? 0, sweepNumber),
        passes,
      };
    });
    await trx
      .insertInto('listings')
      .values(listings)
      .onConflict((conflict) =>
        conflict.columns(['feed_id', 'deal_id']).doUpdateSet(({ ref }) => ({
          last_seen_at_ms: ref('excluded.last_seen_at_ms'),
          last_sweep: ref('excluded.last_sweep'),
          passes: ref('excluded.passes'),
        })),
      )
      .execute();
  }
  return newRows;
}

/** Moves the watermark forward, and dates the poll when the page was one. */
async function moveFeed(
  trx: Trx,
  feed: KnownFeed,
  page: { rows: readonly ScreenedRow[]; seenAtMs: number; isHead: boolean },
): Promise<void> {
  const created = page.rows.flatMap(({ row }) => row.createdAtMs ?? []);
  const newestMs = created.length === 0 ? null : Math.min(Math.max(...created), page.seenAtMs);
  const watermarkMs = [feed.watermarkMs, newestMs].filter((ms) => ms !== null);
  await trx
    .updateTable('feeds')
    .set({
      watermark_ms: watermarkMs.length === 0 ? null : Math.max(...watermarkMs),
      last_head_at_ms: page.isHead ? page.seenAtMs : feed.lastHeadAtMs,
    })
    .where('id', '=', feed.id)
    .execute();
}

function countsOf(listed: readonly Listed[]): PageCounts {
  const count = (claim: (row: Listed) => boolean): number => listed.filter(claim).length;
  const fresh = count(({ known }) => known === undefined);
  return {
    rows: listed.length,
    fresh,
    known: listed.length - fresh,
    repriced: count(({ isRepriced }) => isRepriced),
    candidates: count(({ state, known }) => state === 'candidate' && known?.state !== state),
    rejected: count(
      ({ state, reason, known, isRepriced }) =>
        state === 'rejected' &&
        reason?.startsWith(screenPrefix) === true &&
        (known?.state !== state || isRepriced),
    ),
  };
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += rowsPerStatement) {
    yield items.slice(start, start + rowsPerStatement);
  }
}
