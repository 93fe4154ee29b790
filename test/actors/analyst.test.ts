/**
 * The analysts on the real store and the real broker: what becomes of a candidate, in which order,
 * at what cost, and when it is looked at again.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unpackEvidence } from '../../src/analysis/evidence.ts';
import type { Product } from '../../src/keepa/product.ts';
import {
  asinOf,
  dayMs,
  hourMs,
  JudgingWorld,
  listed,
  listedWorld,
  offerAt,
  refuse,
  sellingProduct,
  withOffers,
} from './judging-world.ts';

const asin = asinOf(1);

describe('a candidate', () => {
  test('is judged for one token, verified, its seller looked up, and then left alone', async () => {
    const offer = offerAt(1_200, 399);
    await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers(offer)));
    const seller = { sellerId: offer.sellerId, ratingPercent: 97, ratingCount: 900 };
    world.keepa.shelf.sellers.set(offer.sellerId, seller);
    const rounds = await world.work();
    assert.deepEqual(
      rounds.map(({ stage, tokens }) => [stage, tokens]),
      [
        ['fresh', 1],
        ['verify', 7],
        ['sellers', 1],
      ],
    );
    const deal = await world.deal(asin);
    assert.equal(deal.state, 'accepted');
    assert.equal(deal.listAtCents, 5_000);
    assert.equal(deal.verifiedCents, 1_599);
    // 5000 - 15 % - 400 - 1599: the landed price was judged, and not the listed one.
    assert.equal(deal.profitCents, 2_251);
    assert.equal(deal.sellerId, offer.sellerId);
    assert.ok((deal.sellerTrust ?? 0) > 0.9);
    assert.deepEqual(await world.work(), []);
  });

  test('asks the history with statistics, and for the offers only live ones', async () => {
    await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers()));
    await world.work();
    const [history, offers] = world.keepa.productCalls;
    assert.deepEqual(history, {
      endpoint: 'product',
      domainId: 1,
      asins: [asin],
      history: true,
      statsDays: 365,
    });
    assert.deepEqual(offers, { ...history, offers: 20, onlyLiveOffers: true });
  });

  test('keeps the evidence that it was judged by, and new evidence with the offers', async () => {
    await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers(offerAt(900, 0))));
    await world.pass();
    const first = await world.store.reader.evidence({ domainId: 1, asin });
    assert.ok(first !== undefined && unpackEvidence(first.packed).history !== undefined);
    await world.pass();
    const second = await world.store.reader.evidence({ domainId: 1, asin });
    assert.ok((second?.boughtAtMs ?? 0) > first.boughtAtMs);
  });

  test('that the rules reject costs no offers', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    const rounds = await world.work();
    assert.deepEqual(
      rounds.map(({ stage, rejected }) => [stage, rejected]),
      [['fresh', 1]],
    );
    assert.equal((await world.deal(asin)).reason, 'below-margin');
  });

  test('of more promise goes first, and a batch holds a hundred', async () => {
    await using world = await JudgingWorld.open();
    const numbers = Array.from({ length: 130 }, (_, number) => number);
    await world.list(...numbers.map((n) => ({ row: listed(asinOf(n)), promise: n })));
    await world.pass();
    const [call] = world.keepa.productCalls;
    assert.equal(call?.asins.length, 100);
    assert.equal(call?.asins[0], asinOf(129));
  });

  test('older than a day belongs to the backlog, a younger one does not', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    assert.deepEqual(await world.work(world.backlog), []);
    await world.clock.advanceBy(25 * hourMs);
    assert.deepEqual(await world.work(), []);
    const [round] = await world.work(world.backlog);
    assert.deepEqual([round?.stage, round?.rejected], ['backlog', 1]);
  });
});

describe('what the offers decide', () => {
  const outcomes: readonly (readonly [string, Partial<Product>, string, string | undefined])[] = [
    [
      'none of the kind',
      withOffers(offerAt(900, 0, { condition: 1 })),
      'rejected',
      'no-live-offer',
    ],
    ['one that is gone', withOffers(offerAt(9, 0, { isLive: false })), 'rejected', 'no-live-offer'],
    ['one at too dear a price', withOffers(offerAt(4_000, 0)), 'rejected', 'below-margin'],
    ['one too dear by its shipping', withOffers(offerAt(900, 3_000)), 'rejected', 'below-margin'],
    [
      'one whose shipping is unknown',
      withOffers(offerAt(9, undefined)),
      'insufficient',
      'no-price-now',
    ],
    ['one that earns', withOffers(offerAt(900, 399)), 'accepted', undefined],
  ];
  for (const [name, change, state, reason] of outcomes) {
    test(`${name}: ${state}`, async () => {
      await using world = await listedWorld(sellingProduct(asin, 5_000, change));
      await world.work();
      const deal = await world.deal(asin);
      assert.deepEqual([deal.state, deal.reason], [state, reason]);
      // Decided once and for all: nothing is bought a second time.
      assert.equal(world.keepa.productCalls.length, 2);
    });
  }
});

describe('a stage in trouble', () => {
  test('steps back, and the others go on', async () => {
    const offer = offerAt(900, 0);
    await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers(offer)));
    world.keepa.mishap = (call) => (call.endpoint === 'seller' ? refuse(call) : undefined);
    await world.work();
    const fresh = asinOf(2);
    world.keepa.shelf.products.set(fresh, sellingProduct(fresh, 1_300));
    await world.list({ row: listed(fresh) });
    await world.work();
    assert.equal((await world.deal(fresh)).state, 'rejected');
    assert.equal(world.keepa.calls.filter(({ endpoint }) => endpoint === 'seller').length, 1);
    await world.clock.advanceBy(hourMs);
    world.keepa.mishap = undefined;
    const [sellers] = await world.work();
    assert.equal(sellers?.stage, 'sellers');
  });

  test('asks for no more than its class can ever pay', async () => {
    await using world = await JudgingWorld.open({ ratePerMinute: 1 });
    const numbers = Array.from({ length: 60 }, (_, number) => number);
    for (const n of numbers) {
      world.keepa.shelf.products.set(asinOf(n), sellingProduct(asinOf(n), 1_300));
    }
    await world.list(...numbers.map((n) => ({ row: listed(asinOf(n)) })));
    await world.work();
    // 45 % of the 60 tokens that the bucket of this plan holds.
    assert.ok(world.keepa.productCalls.every(({ asins }) => asins.length <= 27));
    assert.equal((await world.store.reader.judgingTotals()).processed, 60);
  });
});

describe('judging again', () => {
  test('a re-priced row is judged for nothing, and verified again if it survives', async () => {
    await using world = await listedWorld(
      sellingProduct(asin, 5_000, withOffers(offerAt(1_200, 0))),
    );
    await world.work();
    const { spent } = world.keepa;
    await world.clock.advanceBy(hourMs);
    await world.list({ row: listed(asin, 4_500) });
    const rounds = await world.work();
    assert.deepEqual(
      rounds.map(({ stage }) => stage),
      ['rejudge'],
    );
    assert.equal(world.keepa.spent, spent);
    assert.equal((await world.deal(asin)).reason, 'below-margin');
    await world.list({ row: listed(asin, 800) });
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['rejudge', 'verify-again'],
    );
  });

  test('a known offer is looked at again only when no fresh candidate waits', async () => {
    await using world = await listedWorld(
      sellingProduct(asin, 5_000, withOffers(offerAt(1_200, 0))),
    );
    await world.work();
    await world.clock.advanceBy(hourMs);
    const fresh = asinOf(2);
    world.keepa.shelf.products.set(fresh, sellingProduct(fresh, 5_000, withOffers(offerAt(9, 0))));
    await world.list({ row: listed(asin, 800) }, { row: listed(fresh) });
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['rejudge', 'fresh', 'verify', 'verify-again'],
    );
  });

  test('a row that lost its price has none, whatever its history ends with', async () => {
    await using world = await listedWorld(
      sellingProduct(asin, 5_000, withOffers(offerAt(1_200, 0))),
    );
    await world.work();
    await world.clock.advanceBy(hourMs);
    await world.list({ row: listed(asin, 1_200, { priceCents: undefined }) });
    await world.work();
    assert.equal((await world.deal(asin)).reason, 'no-price-now');
  });

  test('with evidence of eight days it is at once, and the history bought anew, once', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    await world.work();
    await world.clock.advanceBy(8 * dayMs);
    await world.list({ row: listed(asin, 900) });
    const { spent } = world.keepa;
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['rejudge'],
    );
    assert.equal(world.keepa.spent, spent);
    const { judgedAtMs, percentDown } = await world.deal(asin);
    assert.ok((judgedAtMs ?? 0) > world.clock.now() - hourMs, 'its verdict is about its price');
    assert.equal(percentDown, (1_300 - 900) / 1_300);
    const rounds = await world.work(world.backlog);
    assert.deepEqual(
      rounds.map(({ stage, tokens }) => [stage, tokens]),
      [['backlog', 1]],
    );
    assert.deepEqual([...(await world.work()), ...(await world.work(world.backlog))], []);
  });

  test('from aged evidence a survivor has its offers looked at after its history', async () => {
    await using world = await listedWorld(
      sellingProduct(asin, 5_000, withOffers(offerAt(1_200, 0))),
    );
    await world.work();
    await world.clock.advanceBy(8 * dayMs);
    await world.list({ row: listed(asin, 900) });
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['rejudge'],
    );
    const [history] = await world.work(world.backlog);
    assert.equal(history?.tokens, 1);
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['verify-again'],
    );
  });

  test('a row without a live offer is looked at again after what nobody looked at', async () => {
    await using world = await listedWorld(sellingProduct(asin, 5_000, withOffers()));
    await world.work();
    assert.equal((await world.deal(asin)).reason, 'no-live-offer');
    await world.clock.advanceBy(hourMs);
    const fresh = asinOf(2);
    world.keepa.shelf.products.set(fresh, sellingProduct(fresh, 5_000, withOffers(offerAt(9, 0))));
    await world.list({ row: listed(asin, 800) }, { row: listed(fresh) });
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['rejudge', 'fresh', 'verify', 'sellers', 'sellers', 'verify-again'],
    );
  });

  test('a list that was cut is looked at again after what nobody looked at', async () => {
    const cut = { ...withOffers(offerAt(900, 0, { condition: 1 })), offersCut: true } as const;
    await using world = await listedWorld(sellingProduct(asin, 5_000, cut));
    await world.work();
    await world.clock.advanceBy(dayMs);
    const fresh = asinOf(2);
    world.keepa.shelf.products.set(fresh, sellingProduct(fresh, 5_000, withOffers()));
    await world.list({ row: listed(asin) }, { row: listed(fresh) });
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['fresh', 'verify', 'verify-again'],
    );
  });

  test('what is bought in vain is bought no oftener when the price moves every hour', async () => {
    const spentIn2Days = async (later: Product, isRepriced: boolean) => {
      const offers = withOffers(offerAt(900, 0));
      await using world = await listedWorld(sellingProduct(asin, 5_000, offers));
      await world.work();
      world.keepa.shelf.products.set(asin, later);
      const { spent } = world.keepa;
      for (let hours = 0; hours < 48; hours += 1) {
        await world.list({ row: listed(asin, isRepriced ? 1_201 + (hours % 7) : 1_201) });
        await world.work();
        await world.clock.advanceBy(hourMs);
      }
      return world.keepa.spent - spent;
    };
    const { history: _, ...lost } = sellingProduct(asin, 5_000, withOffers(offerAt(900, 0)));
    assert.equal(await spentIn2Days(lost, true), await spentIn2Days(lost, false));
    const cut = { ...withOffers(offerAt(900, 0, { condition: 1 })), offersCut: true } as const;
    assert.equal(await spentIn2Days(sellingProduct(asin, 5_000, cut), true), 14, 'a look a day');
  });

  test('aged evidence that cannot be replaced keeps no row from being verified', async () => {
    const product = sellingProduct(asin, 5_000, withOffers(offerAt(900, 0)));
    await using world = await listedWorld(product);
    await world.work();
    await world.clock.advanceBy(8 * dayMs);
    const { history: _, ...lost } = product;
    world.keepa.shelf.products.set(asin, lost);
    await world.list({ row: listed(asin, 1_100) });
    await world.work();
    const [history] = await world.work(world.backlog);
    assert.equal(history?.retry, 1);
    world.keepa.shelf.products.set(asin, product);
    await world.clock.advanceBy(dayMs);
    assert.deepEqual(
      (await world.work()).map(({ stage }) => stage),
      ['verify-again'],
    );
    assert.equal((await world.deal(asin)).verifiedCents, 900);
    assert.deepEqual(await world.work(world.backlog), [], 'the offers brought a history along');
  });

  test('unreadable evidence of a product that Keepa lacks is bought ever more rarely', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    await world.work();
    world.store.outside("update evidence set packed = x'07'");
    await world.list({ row: listed(asin, 900) });
    world.keepa.shelf.products.clear();
    const asked = world.keepa.productCalls.length;
    const rejudged: unknown[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      rejudged.push(...(await world.work()));
      await world.work(world.backlog);
      await world.clock.advanceBy(60_000);
    }
    assert.equal(rejudged.length, 1, 'it is found unreadable once');
    // After 5, 10 and 20 minutes.
    assert.equal(world.keepa.productCalls.length - asked, 4);
  });

  test('evidence that cannot be read is bought anew; until then the verdict stays', async () => {
    await using world = await listedWorld(sellingProduct(asin, 1_300));
    await world.work();
    world.store.outside("update evidence set packed = x'07'");
    await world.list({ row: listed(asin, 900) });
    const [round] = await world.work();
    assert.deepEqual([round?.stage, round?.retry], ['rejudge', 1]);
    assert.equal((await world.deal(asin)).state, 'rejected');
    const [bought] = await world.work(world.backlog);
    assert.deepEqual([bought?.stage, bought?.rejected], ['backlog', 1]);
    assert.deepEqual([...(await world.work()), ...(await world.work(world.backlog))], []);
  });
});
