/**
 * Kept evidence judges like the product it was made of, today and for two months.
 *
 * The property is stated over whole judgements: whatever the rules come to read, they must find it
 * in what is kept.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { packEvidence, unpackEvidence } from '../../src/analysis/evidence.ts';
import { judge } from '../../src/analysis/judge.ts';
import { EvidenceError } from '../../src/analysis/packed-series.ts';
import type { Product } from '../../src/keepa/product.ts';
import { decodeProductDocument } from '../../src/keepa/wire-document.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import {
  anyProduct,
  dayMinutes,
  longProduct,
  minuteMs,
  productOf,
  yearMinutes,
} from './histories.ts';

const nowMinute = Date.UTC(2026, 5, 1) / minuteMs;
const nowMs = nowMinute * minuteMs;
const dayMs = dayMinutes * minuteMs;
const keptDays = 60;

function assertSameVerdicts(product: Product, days: readonly number[], boughtAtMs = nowMs): void {
  const kept = unpackEvidence(packEvidence(product, boughtAtMs));
  for (const day of days) {
    for (const priceType of [0, 1, 2, 10, 32]) {
      const input = { priceType, nowMs: boughtAtMs + day * dayMs, costs: { fbaFeeCents: 300 } };
      assert.deepEqual(judge({ ...input, product: kept }), judge({ ...input, product }));
    }
  }
}

describe('judging what was kept', () => {
  test('gives the verdict of the product itself, at the purchase and for 60 days after it', () => {
    const later = fc.array(fc.integer({ min: 0, max: keptDays }), { maxLength: 3 });
    fc.assert(
      fc.property(anyProduct(nowMinute), later, (product, days) => {
        assertSameVerdicts(product, [0, keptDays, ...days]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('also when the points around the cutoff are absent or zero', () => {
    const cutoff = nowMinute - 3 * yearMinutes - keptDays * dayMinutes;
    const value = fc.constantFrom(undefined, undefined, 0, 1, 2, 3, 500);
    const minute = fc.integer({ min: -4, max: 4 }).map((step) => cutoff + step * dayMinutes);
    const early = fc.array(fc.tuple(minute, value), { maxLength: 8 });
    const late = fc.integer({ min: 0, max: 3 * 365 }).map((days) => nowMinute - days * dayMinutes);
    const points = fc
      .tuple(early, fc.array(fc.tuple(late, value), { maxLength: 8 }))
      .map(([before, after]) => [...before, ...after].toSorted((a, b) => a[0] - b[0]));
    fc.assert(
      fc.property(points, points, points, (counts, prices, ranks) => {
        const histories = { countUsed: counts, priceUsed: prices, rank: ranks };
        assertSameVerdicts(productOf(histories), [0, keptDays]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('knows the last rank before the cutoff, whatever was absent after it', () => {
    const cutoff = nowMinute - 3 * yearMinutes - keptDays * dayMinutes;
    const dropMinute = nowMinute - 10 * dayMinutes;
    const product = productOf({
      countUsed: [
        [dropMinute - 60, 4],
        [dropMinute, 3],
      ],
      rank: [
        [cutoff - 3 * dayMinutes, 2],
        [cutoff - 2 * dayMinutes, 9],
        [cutoff - dayMinutes, undefined],
        [dropMinute + 60, 5],
      ],
    });
    assert.equal(judge({ product, priceType: 2, nowMs }).confirmed, 1);
    assertSameVerdicts(product, [0, keptDays]);
  });

  test('knows of a price from before the change of meaning that lies beyond the cutoff', () => {
    const boughtAtMinute = Date.UTC(2030, 0, 1) / minuteMs;
    const product = productOf({
      priceUsed: [
        [Date.UTC(2025, 0, 1) / minuteMs, 900],
        [Date.UTC(2026, 8, 1) / minuteMs, undefined],
        [Date.UTC(2026, 9, 1) / minuteMs, 800],
        [boughtAtMinute - dayMinutes, 700],
      ],
    });
    const boughtAtMs = boughtAtMinute * minuteMs;
    const judgement = judge({ product, priceType: 2, nowMs: boughtAtMs });
    assert.deepEqual(judgement.marks, ['mixed-price-basis']);
    assertSameVerdicts(product, [0, keptDays], boughtAtMs);
  });

  test('a point in the future of the purchase comes into force when its time comes', () => {
    const product = productOf({
      priceUsed: [
        [nowMinute - 10, 900],
        [nowMinute + 30 * dayMinutes, 400],
      ],
    });
    const kept = unpackEvidence(packEvidence(product, nowMs));
    const priceOn = (day: number) =>
      judge({ product: kept, priceType: 2, nowMs: nowMs + day * dayMs }).priceNowCents;
    assert.deepEqual([priceOn(0), priceOn(31)], [900, 400]);
  });

  test('a history that is absent stays absent, and an empty one empty', () => {
    const without = productOf(undefined);
    assert.equal(unpackEvidence(packEvidence(without, nowMs)).history, undefined);
    const empty = productOf({ rank: [] });
    assert.deepEqual(unpackEvidence(packEvidence(empty, nowMs)).history, empty.history);
  });

  test('everything but the series and the offers comes back as it was', () => {
    const product: Product = {
      ...productOf({}, { currentCents: 5_000, average365Cents: 4_999 }),
      title: 'Über Kühe \ud800 & "more"',
      productType: 5,
      updatedAtMs: nowMs,
      fees: { fbaPickAndPackCents: 345, referralPercent: 15.01, variableClosingCents: 0 },
    };
    const bought: Product = { ...product, offers: [], offersFresh: true, offersCut: true };
    assert.deepEqual(unpackEvidence(packEvidence(bought, nowMs)), product);
    const partial: Product = { ...product, amazon: { isPartial: true } };
    assert.deepEqual(unpackEvidence(packEvidence(partial, nowMs)), partial);
  });

  test('values that are no whole numbers are kept as they are', () => {
    const product = productOf({
      priceUsed: [
        [nowMinute - 2, 12.5],
        [nowMinute - 1, undefined],
        [nowMinute, 2 ** 60],
      ],
    });
    const kept = unpackEvidence(packEvidence(product, nowMs));
    assert.deepEqual(kept.history?.priceUsed, product.history?.priceUsed);
  });
});

describe('the size', () => {
  // Its ranks are drawn evenly, so nothing compresses them: recorded histories are far smaller.
  test('a ten-year history of 20,000 points is kept in at most 24 KB', () => {
    const sizes = [1, 2, 3, 4, 5].map((seed) => {
      const product = longProduct(seededRandom(seed), { nowMinute, points: 20_000 });
      return packEvidence(product, nowMs).length;
    });
    assert.ok(Math.max(...sizes) <= 24 * 1024, `${sizes.join(', ')} bytes`);
  });
});

describe('bytes that are no evidence', () => {
  const packed = packEvidence(longProduct(seededRandom(9), { nowMinute, points: 300 }), nowMs);

  test('are refused by name, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isVersioned) => {
        const garbage = isVersioned ? Uint8Array.of(1, ...bytes) : bytes;
        assert.throws(() => unpackEvidence(garbage), EvidenceError);
      }),
    );
  });

  test('no cut and no changed byte gives a product that is another', () => {
    for (let length = 0; length < packed.length; length += 7) {
      assert.throws(() => unpackEvidence(packed.subarray(0, length)), EvidenceError);
    }
    for (let at = 0; at < packed.length; at += 5) {
      const changed = packed.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      assert.throws(() => unpackEvidence(changed), EvidenceError, `byte ${at}`);
    }
  });

  test('another version is named', () => {
    const other = packed.slice();
    other[0] = 7;
    assert.throws(() => unpackEvidence(other), /evidence of version 7, this one reads 1/);
  });
});

const samples = join(import.meta.dirname, '../../../shared/samples/products');
const skip = existsSync(samples) ? false : `no recorded products at ${samples}`;

test('every recorded product is judged alike from what is kept of it', { skip }, () => {
  let judged = 0;
  for (const file of readdirSync(samples)) {
    const { products } = decodeProductDocument(readFileSync(join(samples, file), 'utf8'));
    for (const product of products) {
      const boughtAtMs = product.updatedAtMs ?? nowMs;
      assertSameVerdicts(product, [0, 1, 30, keptDays], boughtAtMs);
      judged += 1;
    }
  }
  assert.ok(judged >= 4, `${judged} products`);
});
