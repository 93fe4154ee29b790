/**
 * The market: the same for the same seed and time, and steady for a week.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { minuteAt } from '../../src/simulator/keepa-minute.ts';
import { Market } from '../../src/simulator/market.ts';
import type { SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import {
  askPage,
  askProducts,
  bookQuery,
  dayMs,
  everyRow,
  hourMs,
  richKeepa,
  startMs,
} from './asking.ts';

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
