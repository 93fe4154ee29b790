/**
 * Stored pages, for random rows: what a page does not carry stays, the counts add up, and storing a
 * page twice is as good as once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { dealStates, type FeedIdentity } from '../../src/store/ports.ts';
import { books, dealRow, judge, pageOf, passing, TestStore, toys } from './store-fixture.ts';

test('columns that a row does not carry stay as they are, whatever it carries', async () => {
  await using store = await TestStore.open();
  const lasting = ['title', 'imageName', 'parentAsin', 'rootCategory'] as const;
  const columns = ['title', 'image_name', 'parent_asin', 'root_category'] as const;
  const field = fc.constantFrom(...lasting);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(field), fc.nat(), fc.nat(), async (left, price, salt) => {
      const asin = `A${salt}`;
      await store.writer.storePage(pageOf(passing(dealRow(asin))));
      judge(store, asin, 'accepted');
      const [before] = store.outside(`select * from deals where asin = '${asin}'`);
      const carried: DealRow = dealRow(asin, {
        title: left.includes('title') ? '' : `title ${salt}`,
        imageName: left.includes('imageName') ? undefined : `image ${salt}`,
        parentAsin: left.includes('parentAsin') ? undefined : `P${salt}`,
        rootCategory: left.includes('rootCategory') ? undefined : salt,
        priceCents: price,
      });
      await store.writer.storePage(pageOf(passing(carried)));
      const [after] = store.outside(`select * from deals where asin = '${asin}'`);
      const changed = new Set<string>(columns.filter((_, i) => !left.includes(at(lasting, i))));
      assert.deepEqual(without(after, changed), without(before, changed));
      assert.equal(Reflect.get(Object(after), 'price_cents'), price);
    }),
    { numRuns: 60 },
  );
});

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  assert(item !== undefined);
  return item;
}

function without(row: unknown, columns: ReadonlySet<string>): unknown {
  const entries = Object.entries(Object(row));
  return entries.filter(([column]) => !columns.has(column) && column !== 'price_cents');
}

const anyAsin = fc.nat({ max: 12 }).map((n) => `A${n}`);
const anyRow = fc.record({
  asin: anyAsin,
  price: fc.option(fc.nat({ max: 3 })),
  rejectedFor: fc.option(fc.constantFrom('no-rank', 'no-price')),
});
/** A page, or a verdict on one row. */
const anyAct = fc.oneof(
  { weight: 4, arbitrary: fc.record({ listed: fc.array(anyRow, { maxLength: 6 }) }) },
  fc.record({ judged: anyAsin, state: fc.constantFrom(...dealStates) }),
);

test('total = the sum over the states, and doing a page twice is as good as once', async () => {
  await using store = await TestStore.open();
  await fc.assert(
    fc.asyncProperty(fc.array(anyAct, { maxLength: 12 }), fc.boolean(), async (acts, isToys) => {
      for (const act of acts) {
        if ('judged' in act) {
          const reason = /rejected|insufficient/.test(act.state) ? "'why'" : 'null';
          judge(store, act.judged, act.state, reason);
        } else {
          await storeTwice(store, { listed: act.listed, feed: isToys ? toys : books });
        }
        await checkTotals(store);
      }
    }),
    { numRuns: 25 },
  );
});

async function storeTwice(
  store: TestStore,
  {
    listed,
    feed,
  }: {
    listed: readonly (typeof anyRow extends fc.Arbitrary<infer T> ? T : never)[];
    feed: FeedIdentity;
  },
): Promise<void> {
  const rows = listed.map(({ asin, price, rejectedFor }) => ({
    row: dealRow(asin, { priceCents: price ?? undefined }),
    ...(rejectedFor === null ? {} : { rejectedFor }),
  }));
  const page = pageOf(rows, { feed });
  const first = await store.writer.storePage(page);
  assert.equal(first.rows, first.fresh + first.known);
  const before = store.outside('select * from deals order by id');
  const again = await store.writer.storePage(page);
  const nothing = { fresh: 0, repriced: 0, candidates: 0, rejected: 0 };
  assert.deepEqual(again, { ...nothing, rows: first.rows, known: first.rows });
  assert.deepEqual(store.outside('select * from deals order by id'), before);
}

async function checkTotals(store: TestStore): Promise<void> {
  const { total, ...states } = await store.reader.countByState();
  const listed = await store.reader.deals({ states: 'all' });
  assert.equal(listed.length, total);
  for (const state of dealStates) {
    assert.equal(listed.filter((deal) => deal.state === state).length, states[state]);
    assert.equal((await store.reader.deals({ states: [state] })).length, states[state]);
  }
}
