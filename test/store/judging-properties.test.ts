/**
 * The whole life of rows under random pages, verdicts, sweeps, re-checks, runs of the janitor and
 * purges: whatever the order, the sums hold and no row ends before its time.
 *
 * Method: every act goes through the port. A plain model remembers who saw which row when, which
 * sweeps completed and what re-checks said; each ending is held against it, and after every act the
 * file is looked at from outside.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ending } from '../../src/store/judging-ports.ts';
import { dealStates, type FeedIdentity } from '../../src/store/ports.ts';
import {
  batchOf,
  endingRules,
  hourMs,
  judgedDeal,
  keyOf,
  offerOf,
  rejectedDeal,
  retryOf,
  sweepOf,
} from './judging-fixture.ts';
import { books, dealRow, pageOf, passing, startMs, TestStore, toys } from './store-fixture.ts';

const ttlHours = 20;
const anyAsin = fc.nat({ max: 9 }).map((n) => `A${n}`);
const asins = fc.uniqueArray(anyAsin, { maxLength: 10 });
const feed = fc.constantFrom(books, toys);
/** Mostly few rows, so that most are missing. */
const swept = fc.uniqueArray(anyAsin, { maxLength: 5 });
const outcome = fc.oneof(
  { weight: 12, arbitrary: fc.constant('complete' as const) },
  fc.constantFrom('slow' as const, 'truncated' as const),
);
const verdict = fc.constantFrom('accepted', 'rejected', 'insufficient', 'retry');

const anyAct = fc.oneof(
  fc.record({ kind: fc.constant('poll'), feed, asins, priceCents: fc.nat({ max: 2 }) }),
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('sweep'), feed, asins: swept, outcome }),
  },
  fc.record({ kind: fc.constant('judge'), asins, verdict, isOffered: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('recheck'),
      most: fc.constantFrom(2, 99),
      passes: fc.constantFrom(true, false, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('healthy'), hours: fc.nat({ max: 15 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('end'),
      endedPartMax: fc.constantFrom(0.2, 0.2, 1),
      suspendedFeeds: fc.constantFrom([], [], [], ['toys']),
    }),
  },
  fc.record({ kind: fc.constant('confirm') }),
  fc.record({ kind: fc.constant('purge') }),
);
type Act = typeof anyAct extends fc.Arbitrary<infer T> ? T : never;

interface Row {
  /** By the name of the feed: when it saw the row last. */
  readonly seenAtMs: Map<string, number>;
  healthyHours: number;
  failedRecheck: boolean;
}

/** What the acts so far allow to be true. */
class Model {
  readonly rows = new Map<string, Row>();
  readonly ended = new Set<string>();
  readonly told = { absent: 0, 'not-seen': 0, held: 0 };
  /** By the name of the feed: when its complete sweeps began; and whether it is partial. */
  readonly completeFromMs = new Map<string, number[]>();
  readonly isPartial = new Map<string, boolean>();
  healthyHours = 0;
  processed = 0;

  see({ name }: FeedIdentity, names: readonly string[], atMs: number): void {
    for (const asin of names) {
      this.ended.delete(asin);
      const seenAtMs = this.rows.get(asin)?.seenAtMs ?? new Map<string, number>();
      seenAtMs.set(name, atMs);
      this.rows.set(asin, {
        seenAtMs,
        healthyHours: this.healthyHours,
        failedRecheck: false,
      });
    }
  }

  swept({ name }: FeedIdentity, fromMs: number, how: string): void {
    if (how === 'complete') {
      this.completeFromMs.set(name, [...(this.completeFromMs.get(name) ?? []), fromMs]);
    }
    if (how !== 'slow') this.isPartial.set(name, how === 'truncated');
  }

  rechecked(names: readonly string[], passes: boolean): void {
    for (const asin of names) {
      const row = this.rows.get(asin);
      if (row === undefined) continue;
      row.failedRecheck = !passes;
      if (passes) row.healthyHours = this.healthyHours;
    }
  }

  /** How many complete sweeps each feed that lists the row has begun since it saw it, at least. */
  sweepsLacking(asin: string): number {
    const seen = [...(this.rows.get(asin)?.seenAtMs ?? [])];
    const counts = seen.map(([name, atMs]) =>
      this.isPartial.get(name) === true
        ? 0
        : (this.completeFromMs.get(name) ?? []).filter((fromMs) => fromMs > atMs).length,
    );
    return Math.min(...counts);
  }

  checkEnding({ asin, reason, feed: name }: Ending, suspended: readonly string[]): void {
    const row = this.rows.get(asin);
    assert(row !== undefined && !this.ended.has(asin), `${asin} ended twice`);
    assert(row.seenAtMs.has(name));
    for (const each of suspended) assert(!row.seenAtMs.has(each), `${asin} of a suspended feed`);
    if (reason === 'absent') {
      assert(this.sweepsLacking(asin) >= 2, `${asin} ended after too few complete sweeps`);
    } else {
      assert(this.healthyHours - row.healthyHours > ttlHours, `${asin} ended too young`);
    }
    this.ended.add(asin);
    this.told[reason] += 1;
  }
}

async function perform(store: TestStore, model: Model, act: Act, atMs: number): Promise<void> {
  const { writer, reader } = store;
  switch (act.kind) {
    case 'poll': {
      const rows = act.asins.map((asin) => dealRow(asin, { priceCents: act.priceCents }));
      await writer.storePage(pageOf(passing(...rows), { feed: act.feed, seenAtMs: atMs }));
      return model.see(act.feed, act.asins, atMs);
    }
    case 'sweep':
      await sweepOf(store, act.asins, { atMs, feed: act.feed, outcome: act.outcome });
      model.swept(act.feed, atMs, act.outcome);
      return model.see(act.feed, act.asins, atMs + 60_000);
    case 'judge':
      await judge(store, act, atMs);
      model.processed += act.asins.filter((asin) => model.rows.has(asin)).length;
      return;
    case 'recheck': {
      const due = await reader.recheckDue({ nowMs: Number.MAX_SAFE_INTEGER, limit: act.most });
      const names = due.map(({ asin }) => asin);
      const rows = names.map((asin) => ({ ...keyOf(asin), passes: act.passes }));
      await writer.storeRechecks({ atMs, rows, retries: [] });
      return model.rechecked(names, act.passes);
    }
    case 'healthy':
      await writer.addHealthyTime({ ms: act.hours * hourMs, asOfMs: atMs });
      model.healthyHours += act.hours;
      return;
    case 'end':
      return await end(store, model, act, atMs);
    case 'confirm':
      assert.equal(await writer.confirmHeld(), await reader.heldRows());
      return;
    case 'purge':
      await purge(store, model, atMs);
  }
}

async function judge(
  { writer }: TestStore,
  act: { asins: readonly string[]; verdict: string; isOffered: boolean },
  atMs: number,
): Promise<void> {
  const because = act.isOffered ? ({ because: 'verified', listedCents: 1_200 } as const) : {};
  const deals = act.asins.map((asin) => {
    if (act.verdict === 'accepted') return judgedDeal(asin, because);
    const verdict = act.verdict === 'rejected' ? 'rejected' : 'insufficient';
    return rejectedDeal(asin, { ...because, verdict });
  });
  const isRetry = act.verdict === 'retry';
  const batch = batchOf(isRetry ? [] : deals, {
    atMs,
    retries: isRetry ? act.asins.map((asin) => retryOf(asin)) : [],
    verified: act.isOffered && !isRetry ? act.asins.map((asin) => offerOf(asin)) : [],
  });
  await writer.storeJudgements(batch);
  await writer.storeJudgements(batch);
}

async function end(
  { writer, reader }: TestStore,
  model: Model,
  act: { endedPartMax: number; suspendedFeeds: readonly string[] },
  atMs: number,
): Promise<void> {
  const before = await reader.countByState();
  const live = before.total - before.ended;
  const held = await reader.heldRows();
  const ttlHealthyMs = ttlHours * hourMs;
  const { endings, counts } = await writer.endRows(endingRules({ ...act, atMs, ttlHealthyMs }));
  for (const ending of endings) {
    model.checkEnding(ending, act.suspendedFeeds);
    const isForgiven = ending.reason === 'not-seen' || held > 0;
    const { failedRecheck = false } = model.rows.get(ending.asin) ?? {};
    assert(isForgiven || failedRecheck, `${ending.asin} ended without a failed re-check`);
  }
  // What was held before may end as well, once it was agreed to.
  const isOverPart = endings.length > act.endedPartMax * live;
  assert(!isOverPart || endings.length <= held, 'too many rows ended at once');
  assert.equal(counts.held, await reader.heldRows());
  model.told.held += counts.held;
}

async function purge({ writer }: TestStore, model: Model, atMs: number): Promise<void> {
  const suspendedFeeds = ['books', 'toys'];
  const rules = endingRules({ atMs, suspendedFeeds, retentionMs: -1 });
  const { counts } = await writer.endRows(rules);
  assert.equal(counts.purged, model.ended.size);
  for (const asin of model.ended) model.rows.delete(asin);
  model.ended.clear();
}

/** Facts of the file that hold at any time. Each query returns what breaks one. */
const violations: readonly string[] = [
  `select d.asin from deals d left join evidence e on e.asin = d.asin and e.domain_id = d.domain_id
    where d.evidence_at_ms is distinct from e.bought_at_ms`,
  `select asin from evidence where asin not in (select asin from deals)`,
  `select asin from past where asin not in (select asin from deals)`,
  `select asin from deals where (state = 'candidate') <> (candidate_since_ms is not null)`,
  `select asin from deals where (state = 'ended') <> (ended_at_ms is not null)`,
  `select asin from deals where state = 'ended' and (attempts > 0 or held_at_ms is not null)`,
  `select asin from deals where seen_healthy_ms > (select total_ms from healthy_time)`,
  `select asin from deals where state = 'accepted' and judged_at_ms is null`,
];

async function check(store: TestStore, model: Model): Promise<void> {
  const { reader } = store;
  const { total, ...states } = await reader.countByState();
  assert.equal(total, model.rows.size);
  assert.equal(states.ended, model.ended.size);
  assert.equal(
    total,
    dealStates.reduce((sum, state) => sum + states[state], 0),
  );
  const shown = await reader.deals({ states: 'all' });
  assert.equal(shown.length + (await reader.heldRows()), total, 'what is held is hidden');
  const totals = await reader.judgingTotals();
  const { accepted, rejected, insufficient, retries } = totals;
  const sum = [rejected, insufficient].flatMap((counts) => Object.values(counts));
  assert.equal(
    totals.processed,
    sum.reduce((a, b) => a + b, accepted + retries),
  );
  assert.equal(totals.processed, model.processed);
  for (const query of violations) assert.deepEqual(store.outside(query), [], query);
}

test('under any acts the sums hold and no row ends before its time (seed 20260213)', async () => {
  const told = { absent: 0, 'not-seen': 0, held: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyAct, { minLength: 20, maxLength: 60 }), async (acts) => {
      await using store = await TestStore.open();
      const model = new Model();
      const asins = Array.from({ length: 10 }, (_, at) => `A${at}`);
      const all = { kind: 'sweep', feed: books, asins, outcome: 'complete' } as const;
      for (const [at, act] of [all, ...acts].entries()) {
        await perform(store, model, act, startMs + at * hourMs);
        await check(store, model);
      }
      told.absent += model.told.absent;
      told['not-seen'] += model.told['not-seen'];
      told.held += model.told.held;
    }),
    { numRuns: 30, seed: 20260213 },
  );
  for (const [what, rows] of Object.entries(told)) {
    assert(rows >= 20, `${what}: only ${rows} rows, so the acts prove nothing`);
  }
});
