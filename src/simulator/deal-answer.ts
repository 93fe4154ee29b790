/**
 * A page of a deal list as Keepa writes it in 2026: arrays of 36, keys in alphabetical order,
 * fields without a value left out (except `image`, which is null), category figures of the whole
 * list.
 */
import { rootName } from './catalogue.ts';
import type { DealList, ListedRow } from './deal-feed.ts';
import type { DealSelection } from './deal-selection.ts';
import { chanceOf } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';
import { dealWindows, priceTypeCount, type Reading, readingsOf } from './price-types.ts';
import { lastRecheckAt } from './product-plan.ts';

/** Every 65th row was re-checked without its price change being entered: recorded 167 of 11,174. */
const laggingShare = 0.015;

/** The payload of a `/deal` answer. */
export function dealPayload(
  list: DealList,
  rows: readonly ListedRow[],
  selection: DealSelection,
  minute: number,
): Record<string, unknown> {
  const categories = [...list.categories].sort(([a], [b]) => String(a).localeCompare(String(b)));
  return {
    deals: {
      categoryCount: categories.map(([, count]) => count),
      categoryIds: categories.map(([id]) => id),
      categoryNames: categories.map(([id]) => rootName(id)),
      dr: rows.map((row) => dealOf(row, selection, minute)),
      drDateIndex: [],
    },
    dealsCached: false,
  };
}

const emptyReading: Reading = { current: -1, since: -1, previous: -1, means: [-2, -2, -2, -2] };
const windowNumbers = dealWindows.map((_, index) => index);

function dealOf(row: ListedRow, selection: DealSelection, minute: number): Record<string, unknown> {
  const { identity, plan, rank } = row.product;
  const readings = readingsOf(row.product, minute, dealWindows);
  const types: Reading[] = [];
  for (let type = 0; type < priceTypeCount; type += 1)
    types.push(readings.get(type) ?? emptyReading);
  const lastUpdate = lastUpdateOf(row, minute);
  const drops = (days: number): number =>
    rank?.dropsIn(minute - days * minutesPerDay, minute) ?? -1;
  return {
    asin: identity.asin,
    avg: windowNumbers.map((w) => types.map((t) => meanOf(t, w))),
    backInStock: types.map(() => false),
    categories: identity.categories,
    creationDate: row.sinceMinute,
    current: types.map((t) => t.current),
    currentSince: types.map((t) => t.since),
    dateIntervalIndex: 0,
    delta: windowNumbers.map((w) => types.map((t) => deltaOf(t, w))),
    deltaLast: types.map((t) => (t.since === lastUpdate ? changeOf(t) : 0)),
    deltaPercent: windowNumbers.map((w) => types.map((t) => percentOf(t, w))),
    image: identity.imageName === undefined ? null : charCodes(identity.imageName),
    lastUpdate,
    lightningEnd: 0,
    lightningStart: 0,
    ...(identity.parentAsin === undefined ? {} : { parentAsin: identity.parentAsin }),
    rootCat: identity.rootCategory,
    salesRankDrops180: drops(180),
    salesRankDrops30: drops(30),
    salesRankDrops365: drops(365),
    salesRankDrops90: drops(90),
    title: identity.title,
    ...warehouseOf(plan.seed, selection.priceType),
  };
}

/**
 * When Keepa last looked at the row: its own round, or the change of price it found. A row just
 * looked at may be dated a minute ahead.
 */
function lastUpdateOf(row: ListedRow, minute: number): number {
  const { plan } = row.product;
  const round = lastRecheckAt(plan, minute);
  const isLagging = chanceOf(plan.seed, row.sinceMinute, 0x1a6) < laggingShare;
  const last = isLagging ? round : Math.max(round, row.sinceMinute);
  const isAhead = last === minute && chanceOf(plan.seed, minute, 0xf1) < 0.1;
  return isAhead ? minute + 1 : last;
}

function meanOf(reading: Reading, window: number): number {
  return reading.means[window] ?? -2;
}

/** Average minus current; 0 when either is missing. */
function deltaOf(reading: Reading, window: number): number {
  const mean = meanOf(reading, window);
  return reading.current < 0 || mean < 0 ? 0 : mean - reading.current;
}

function percentOf(reading: Reading, window: number): number {
  const mean = meanOf(reading, window);
  return mean <= 0 ? 0 : Math.round((100 * deltaOf(reading, window)) / mean);
}

/** Previous minus current. */
function changeOf(reading: Reading): number {
  return reading.current < 0 || reading.previous < 0 ? 0 : reading.previous - reading.current;
}

function warehouseOf(seed: number, type: number): Record<string, unknown> {
  if (type !== 9 || chanceOf(seed, 0x3a4e) > 0.02) return { warehouseCondition: 0 };
  return {
    warehouseCondition: 4,
    warehouseConditionComment: 'Small cosmetic imperfection on top.',
  };
}

function charCodes(name: string): number[] {
  return [...name].map((letter) => letter.charCodeAt(0));
}
