/**
 * Histories are true to themselves: what a product's history says agrees with its row, and the
 * hidden sales leave the traces that sales leave.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { minuteAt } from '../../src/simulator/keepa-minute.ts';
import type { SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import {
  askAllPages,
  askProducts,
  type Deal,
  dayMs,
  everyRow,
  minuteMs,
  type ProductBody,
  points,
  richKeepa,
  startMs,
} from './asking.ts';

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

  test('times rise, values change, NEW is never above AMAZON, and years are covered', () => {
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

  test('the cheapest live used offer costs what the row says; past offers are listed too', () => {
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

  test('counts also fall without a sale, and ranks without one: neither alone is proof', () => {
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

  test('some products are sparse: no used price for a time, and no count either', () => {
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
