/**
 * The market: the same for the same seed and time, steady for a week, and true to itself: what a
 * product's history says agrees with its row, and the hidden sales leave the traces that sales leave.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { minuteAt } from '../../src/simulator/keepa-minute.ts';
import { Market } from '../../src/simulator/market.ts';
import type { SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import {
  ask,
  askAllPages,
  askPage,
  bookQuery,
  type Deal,
  dayMs,
  everyRow,
  hourMs,
  minuteMs,
  richKeepa,
  startMs,
} from './asking.ts';

interface ProductBody {
  readonly asin: string;
  readonly productType: number;
  readonly csv: readonly (readonly number[] | null)[] | null;
  readonly lastUpdate: number;
  readonly lastPriceChange: number;
  readonly stats: {
    readonly current: readonly number[];
    readonly avg30: readonly number[];
    readonly avg90: readonly number[];
    readonly avg365: readonly number[];
    readonly min: readonly (readonly number[] | null)[];
    readonly max: readonly (readonly number[] | null)[];
    readonly salesRankDrops90: number;
    readonly buyBoxPrice: number;
  };
  readonly liveOffersOrder: readonly number[] | null;
  readonly offersSuccessful: boolean;
  readonly offers:
    | readonly {
        readonly condition: number;
        readonly lastSeen: number;
        readonly offerCSV: readonly number[];
      }[]
    | null;
}

function askProducts(
  keepa: SimulatedKeepa,
  asins: readonly string[],
  nowMs: number,
  query: Record<string, string> = {},
): ProductBody[] {
  const all: ProductBody[] = [];
  for (let i = 0; i < asins.length; i += 100) {
    const asin = asins.slice(i, i + 100).join(',');
    const answer = ask(
      keepa,
      { path: '/product', query: { domain: '1', stats: '90', ...query, asin } },
      nowMs,
    );
    const { products }: { products: ProductBody[] } = JSON.parse(answer.body);
    all.push(...products);
  }
  return all;
}

/** The points of a series of pairs. */
function points(series: readonly number[] | null | undefined): [number, number][] {
  const numbers = series ?? [];
  return Array.from({ length: numbers.length / 2 }, (_, i) => [
    numbers[2 * i] ?? 0,
    numbers[2 * i + 1] ?? 0,
  ]);
}

/** A digest of a page and of some of its products with everything there is to ask for. */
function digestAt(keepa: SimulatedKeepa, nowMs: number): string {
  const { deals } = askPage(keepa, bookQuery, 1, nowMs);
  const asins = deals.dr.slice(0, 5).map((deal) => deal.asin);
  const products = askProducts(keepa, asins, nowMs, { offers: '20' });
  return createHash('sha256')
    .update(JSON.stringify([deals, products]))
    .digest('hex');
}

describe('determinism', () => {
  const later = startMs + 3 * dayMs + 5 * hourMs;

  test('the same seed and time give the same bytes, whatever was asked before', () => {
    const asked = richKeepa({ seed: 9 });
    for (let step = 0; step < 40; step += 1) {
      const nowMs = startMs + step * 7 * hourMs;
      const { deals } = askPage(asked, everyRow, step % 5, nowMs);
      const asins = deals.dr.slice(0, 20).map((deal) => deal.asin);
      askProducts(asked, asins, nowMs, step % 2 === 0 ? { offers: '20' } : {});
    }
    assert.equal(digestAt(asked, later), digestAt(richKeepa({ seed: 9 }), later));
    assert.equal(digestAt(asked, startMs), digestAt(richKeepa({ seed: 9 }), startMs));
  });

  test('another seed gives another market', () => {
    assert.notEqual(
      digestAt(richKeepa({ seed: 9 }), later),
      digestAt(richKeepa({ seed: 10 }), later),
    );
  });

  test('a product that was forgotten in between is the same when it is built again', () => {
    const options = { seed: 4, rows: 60, startMinute: minuteAt(startMs), churnPerDay: 30 };
    const busy = new Market(options);
    const fresh = new Market(options);
    const first = busy.listedAt(minuteAt(startMs))[0];
    assert.ok(first !== undefined);
    for (let hour = 1; hour < 24 * 4; hour += 1) busy.listedAt(minuteAt(startMs) + hour * 60);
    const again = busy.productAt(first.identity.asin, minuteAt(later));
    assert.ok(again !== undefined && again !== first);
    const other = fresh.productAt(first.identity.asin, minuteAt(later));
    assert.deepEqual(again.salesUpTo(minuteAt(later)), other?.salesUpTo(minuteAt(later)));
    assert.deepEqual(again.plan, first.plan);
  });
});

describe('steady state', () => {
  test('over seven days the number of rows stays near what was asked for', () => {
    for (const seed of [1, 2]) {
      const keepa = richKeepa({ seed });
      const counts: number[] = [];
      for (let hour = 0; hour <= 7 * 24; hour += 4) {
        counts.push(keepa.liveRows(startMs + hour * hourMs).length);
      }
      const inBooks = keepa.liveRows(startMs + 7 * dayMs, bookQuery).length;
      assert.ok(Math.min(...counts) > 720 && Math.max(...counts) < 780, counts.join(' '));
      assert.ok(inBooks > 0.85 * 750, `${inBooks} in the book query`);
    }
  });

  test('the share that leaves per day is the one asked for, and pace multiplies it', () => {
    for (const [options, share] of [
      [{}, 0.15],
      [{ churnPerDay: 0.4 }, 0.4],
      [{ churnPerDay: 0.05, pace: 6 }, 0.3],
    ] as const) {
      const keepa = richKeepa({ rows: 2_000, ...options });
      const stepHours = 2;
      let left = 0;
      let before = new Set(keepa.liveRows(startMs).map((row) => row.asin));
      for (let hour = stepHours; hour <= 48; hour += stepHours) {
        const now = new Set(keepa.liveRows(startMs + hour * hourMs).map((row) => row.asin));
        left += [...before].filter((asin) => !now.has(asin)).length;
        before = now;
      }
      const perDay = left / 2 / 2_000;
      assert.ok(Math.abs(perDay - share) < 0.2 * share, `${perDay} instead of ${share}`);
    }
  });

  test('some rows come back after a pause, under the same ASIN', () => {
    const keepa = richKeepa({ churnPerDay: 0.5 });
    const at = (days: number) =>
      new Set(keepa.liveRows(startMs + days * dayMs).map((row) => row.asin));
    const [first, middle, last] = [at(0), at(3), at(6)];
    const back = [...first].filter((asin) => !middle.has(asin) && last.has(asin));
    assert.ok(back.length > 0);
  });

  test('every ASIN has ten characters, books carry their check digit, none repeats', () => {
    const market = new Market({ seed: 6, rows: 6_000, startMinute: minuteAt(startMs) });
    const asins = market.listedAt(minuteAt(startMs)).map((product) => product.identity.asin);
    assert.equal(new Set(asins).size, asins.length);
    let books = 0;
    for (const asin of asins) {
      assert.match(asin, /^(\d{9}[\dX]|B0[A-Z0-9]{8})$/);
      if (asin.startsWith('B')) continue;
      books += 1;
      const digits = [...asin].map((digit) => (digit === 'X' ? 10 : Number(digit)));
      const sum = digits.reduce((total, digit, index) => total + (10 - index) * digit, 0);
      assert.equal(sum % 11, 0);
    }
    assert.ok(books > 0.9 * asins.length && books < asins.length);
  });
});

describe('history', () => {
  const nowMs = startMs + 2 * dayMs + 17 * minuteMs;

  function rowsAndProducts(keepa: SimulatedKeepa): [Deal, ProductBody][] {
    const deals = askAllPages(keepa, everyRow, nowMs, 0).slice(0, 300);
    const products = askProducts(
      keepa,
      deals.map((deal) => deal.asin),
      nowMs,
    );
    return deals.flatMap((deal, index) => {
      const product = products[index];
      assert.equal(product?.asin, deal.asin);
      return product.productType === 3 || product.productType === 4 ? [] : [[deal, product]];
    });
  }

  test('the last used point is the price of the row, dated as the row is', () => {
    for (const [deal, product] of rowsAndProducts(richKeepa())) {
      const used = points(product.csv?.[2]);
      assert.deepEqual(used.at(-1), [deal.creationDate, deal.current[2]]);
      assert.equal(product.lastPriceChange, deal.creationDate);
      assert.equal(points(product.csv?.[12]).at(-1)?.[1], deal.current[12]);
      if (product.csv?.[3]) assert.equal(points(product.csv[3]).at(-1)?.[1], deal.current[3]);
    }
  });

  test('row and statistics agree: 90 days to the cent, 30 and 31 days nearly, rank drops', () => {
    let close = 0;
    const pairs = rowsAndProducts(richKeepa());
    for (const [deal, product] of pairs) {
      const { stats } = product;
      for (const type of [0, 1, 2, 3, 11, 12]) {
        const average = Math.max(-1, deal.avg[3]?.[type] ?? -1);
        assert.ok(Math.abs((stats.avg90[type] ?? 0) - average) <= 1);
        assert.equal(stats.current[type], deal.current[type]);
      }
      assert.equal(stats.salesRankDrops90, deal.salesRankDrops90);
      const month = deal.avg[2]?.[2] ?? 0;
      if (Math.abs((stats.avg30[2] ?? 0) - month) <= 0.05 * month) close += 1;
      assert.equal(stats.buyBoxPrice, -2);
    }
    assert.ok(close > 0.85 * pairs.length, `${close} of ${pairs.length}`);
  });

  test('times rise strictly, values change, NEW is never above AMAZON, and years are covered', () => {
    let years = 0;
    const pairs = rowsAndProducts(richKeepa());
    for (const [, product] of pairs) {
      assert.equal(product.csv?.length, 36);
      for (const type of [0, 1, 2, 3, 11, 12]) {
        const series = points(product.csv?.[type]);
        for (const [index, [time, value]] of series.entries()) {
          const last = series[index - 1];
          assert.ok(time <= minuteAt(nowMs));
          if (last !== undefined) assert.ok(time > last[0] && (type === 3 || value !== last[1]));
        }
      }
      const amazon = product.stats.current[0] ?? -1;
      const fresh = product.stats.current[1] ?? -1;
      if (amazon >= 0) assert.ok(fresh >= 0 && fresh <= amazon);
      const first = points(product.csv?.[2])[0]?.[0] ?? 0;
      if (minuteAt(nowMs) - first > 365 * 1_440) years += 1;
    }
    assert.ok(years > 0.8 * pairs.length);
  });

  test('shipping series are triplets that repeat the landed price', () => {
    const keepa = richKeepa();
    const asins = keepa
      .liveRows(nowMs)
      .slice(0, 50)
      .map((row) => row.asin);
    let seen = 0;
    for (const product of askProducts(keepa, asins, nowMs, { offers: '20' })) {
      const landed = product.csv?.[32] ?? [];
      const used = points(product.csv?.[2]);
      if (product.csv === null) continue;
      seen += 1;
      assert.equal(landed.length, 3 * used.length);
      assert.deepEqual([landed.at(-3), landed.at(-2)], used.at(-1));
    }
    assert.ok(seen > 40);
  });

  test('without history csv is null and the statistics stay; without offers -2 says so', () => {
    const keepa = richKeepa();
    const asin = keepa.liveRows(nowMs)[3]?.asin ?? '';
    const [product] = askProducts(keepa, [asin], nowMs, { history: '0' });
    assert.equal(product?.csv, null);
    assert.ok((product?.stats.current[2] ?? 0) > 0);
    assert.equal(JSON.stringify(product).includes('"salesRanks"'), false);
  });

  test('the cheapest live used offer costs what the row says; offers of the past are listed too', () => {
    const keepa = richKeepa();
    const rows = keepa.liveRows(nowMs).slice(0, 100);
    const asins = rows.map((row) => row.asin);
    const price = new Map(rows.map((row) => [row.asin, row.priceCents]));
    let checked = 0;
    for (const product of askProducts(keepa, asins, nowMs, { offers: '20' })) {
      if (!product.offersSuccessful) continue;
      const offers = product.offers ?? [];
      const live = (product.liveOffersOrder ?? []).flatMap((at) => offers[at] ?? []);
      assert.ok(offers.length > live.length && live.length > 0 && live.length <= 20);
      const landed = live
        .filter((offer) => offer.condition !== 1)
        .map((offer) => (offer.offerCSV.at(-2) ?? 0) + (offer.offerCSV.at(-1) ?? 0));
      assert.equal(Math.min(...landed), price.get(product.asin));
      checked += 1;
    }
    assert.ok(checked > 80);
    const [asin = ''] = asins;
    const [only] = askProducts(keepa, [asin], nowMs, { offers: '20', 'only-live-offers': '1' });
    assert.equal(only?.offers?.length, only?.liveOffersOrder?.length);
  });
});

describe('true sales', () => {
  const keepa = richKeepa({ rows: 1_000 });
  const rows = keepa.liveRows(startMs).slice(0, 500);
  const bodies = new Map(
    askProducts(
      keepa,
      rows.map((row) => row.asin),
      startMs,
    ).map((body) => [body.asin, body]),
  );

  test('every sale is a fall of its offer count by one, at the price before it', () => {
    let sales = 0;
    for (const { asin } of rows) {
      const body = bodies.get(asin);
      if (!body?.csv) continue;
      for (const sale of keepa.trueSales(asin, startMs)) {
        const [countType, price] =
          sale.condition === 'used' ? ([12, 2] as const) : ([11, 1] as const);
        const minute = minuteAt(sale.atMs);
        const counts = points(body.csv[countType]);
        const at = counts.findIndex(([time]) => time === minute);
        assert.equal(counts[at]?.[1], (counts[at - 1]?.[1] ?? 0) - 1);
        const prices: [number, number][] = points(body.csv[price]);
        const before = prices.findLast(([time]) => time < minute);
        assert.equal(before?.[1], sale.priceCents);
        sales += 1;
      }
    }
    assert.ok(sales > 5_000, `${sales}`);
  });

  test('the rank falls within 40 hours of every sale, within 6 of nine out of ten', () => {
    let sales = 0;
    let soon = 0;
    for (const { asin } of rows) {
      const ranks = points(bodies.get(asin)?.csv?.[3]);
      if (ranks.length === 0) continue;
      const falls = ranks.flatMap(([time, rank], i) =>
        rank < (ranks[i - 1]?.[1] ?? 0) ? [time] : [],
      );
      for (const sale of keepa.trueSales(asin, startMs - 2 * dayMs)) {
        const minute = minuteAt(sale.atMs);
        const fall = falls.find((time) => time > minute) ?? Number.POSITIVE_INFINITY;
        assert.ok(fall - minute <= 40 * 60);
        if (fall - minute <= 6 * 60) soon += 1;
        sales += 1;
      }
    }
    assert.ok(soon / sales > 0.88, `${soon} of ${sales}`);
  });

  test('counts also fall without a sale, and ranks without one: neither alone proves anything', () => {
    let withdrawn = 0;
    let idleFalls = 0;
    for (const { asin } of rows) {
      const body = bodies.get(asin);
      const sold = new Set(keepa.trueSales(asin, startMs).map((sale) => minuteAt(sale.atMs)));
      const counts = points(body?.csv?.[12]);
      for (const [i, [time, count]] of counts.entries()) {
        const last = counts[i - 1]?.[1] ?? -1;
        if (count >= 0 && last > count && !sold.has(time)) withdrawn += 1;
      }
      const ranks = points(body?.csv?.[3]);
      const falls = ranks.filter(([, rank], i) => rank < (ranks[i - 1]?.[1] ?? 0)).length;
      if (falls > sold.size) idleFalls += falls - sold.size;
    }
    assert.ok(withdrawn > 500 && idleFalls > 500);
  });

  test('worthwhile products are the share asked for, and sell; the others sell less', () => {
    const yearAgo = startMs - 365 * dayMs;
    const sales = (isWorth: boolean): number[] =>
      rows
        .filter((row) => keepa.isWorthBuying(row.asin, startMs) === isWorth)
        .map((row) => keepa.trueSales(row.asin, startMs).filter((s) => s.atMs > yearAgo).length);
    const [good, bad] = [sales(true), sales(false)];
    assert.ok(good.length > 25 && good.length < 80, `${good.length} of 500`);
    const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    assert.ok(mean(good) > 3 * mean(bad), `${mean(good)} against ${mean(bad)}`);
    const many = richKeepa({ verifiedShare: 0.5 });
    const worth = many.liveRows(startMs).filter((row) => many.isWorthBuying(row.asin, startMs));
    assert.ok(worth.length > 300 && worth.length < 450);
  });

  test('some products are sparse: a used price that was absent for a time, as was its count', () => {
    const absent = [...bodies.values()].filter((body) =>
      points(body.csv?.[2]).some(([, cents]) => cents === -1),
    );
    assert.ok(absent.length > 20);
    for (const body of absent) {
      const gone = points(body.csv?.[2]).flatMap(([time, cents]) => (cents === -1 ? [time] : []));
      const counts = points(body.csv?.[12]).flatMap(([time, count]) =>
        count === -1 ? [time] : [],
      );
      assert.deepEqual(counts, gone);
    }
  });

  test('a product that has left the list costs more than half its average again', () => {
    const later = startMs + 5 * dayMs;
    const listed = new Set(keepa.liveRows(later).map((row) => row.asin));
    const left = rows.map((row) => row.asin).filter((asin) => !listed.has(asin));
    assert.ok(left.length > 100);
    for (const body of askProducts(keepa, left, later)) {
      const price = body.stats?.current[2] ?? -1;
      if (price > 0) assert.ok(price > 0.5 * (body.stats.avg90[2] ?? 0), body.asin);
    }
  });
});
