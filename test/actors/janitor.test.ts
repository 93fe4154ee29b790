/** The janitor: when it lets the store end rows, and what it tells about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGaps } from '../../src/actors/coverage.ts';
import { type Feed, identityOf } from '../../src/actors/feed.ts';
import { type FeedPart, partsOf, splitPart } from '../../src/actors/feed-parts.ts';
import { Janitor, type JanitorOptions } from '../../src/actors/janitor.ts';
import type { Stop } from '../../src/broker/request.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { recheck } from '../store/ending-fixture.ts';
import { sweepOf } from '../store/judging-fixture.ts';
import { asinOf, dayMs, hourMs, JudgingWorld } from './judging-world.ts';

const minuteMs = 60_000;
const feed: Feed = {
  name: 'books',
  query: parseDealQuery({}, { domainId: 1, priceType: 2 }),
  screen: {},
};
const identity = identityOf(feed);

function asins(count: number, from = 1): readonly string[] {
  return Array.from({ length: count }, (_, index) => asinOf(index + from));
}

async function openWorld(): Promise<JudgingWorld> {
  const world = await JudgingWorld.open();
  await world.store.writer.syncFeeds([identity], world.clock.now());
  return world;
}

function janitorOf(world: JudgingWorld, change: Partial<JanitorOptions> = {}): Janitor {
  return new Janitor({
    ...world.options,
    feeds: [feed],
    sweepIntervalMs: 5 * minuteMs,
    ttlMs: 72 * hourMs,
    purgeMs: 30 * dayMs,
    lastPausedAtMs: () => undefined,
    ...change,
  });
}

/** A sweep of ten minutes, planned for an hour, that ends now and lists these. */
async function sweepNow(world: JudgingWorld, list: readonly string[]): Promise<void> {
  const atMs = world.clock.now();
  await world.clock.advanceBy(10 * minuteMs);
  await sweepOf(world.store, list, { atMs, feed: identity });
}

function said({ log }: JudgingWorld, event: string) {
  return log.said.filter((line) => line.event === event).map(({ fields }) => fields);
}

test('what is due ends when a sweep has just been completed, and not before', async () => {
  await using world = await openWorld();
  const janitor = janitorOf(world);
  for (const list of [asins(20), asins(19), asins(19)]) {
    await sweepNow(world, list);
    await janitor.pass();
  }
  await recheck(world.store, { atMs: world.clock.now() });
  const idle = await janitor.pass();
  assert.deepEqual(idle.counts, { healthyMs: 0 });
  assert.deepEqual(said(world, 'ended'), []);
  await sweepNow(world, asins(19));
  const { counts } = await janitor.pass();
  assert.equal(counts.absent, 1);
  const [ended, ...others] = said(world, 'ended');
  assert.deepEqual(others, []);
  assert.deepEqual([ended?.asin, ended?.reason, ended?.feed], [asinOf(20), 'absent', 'books']);
  assert.equal(ended?.unseenMinutes, 39);
});

test('a process that starts ends nothing at its first look, whatever is due', async () => {
  await using world = await openWorld();
  for (const list of [asins(20), asins(19), asins(19)]) await sweepNow(world, list);
  await recheck(world.store, { atMs: world.clock.now() });
  const janitor = janitorOf(world);
  assert.deepEqual((await janitor.pass()).counts, { healthyMs: 0 });
  await sweepNow(world, asins(19));
  assert.equal((await janitor.pass()).counts.absent, 1);
});

test('more endings than fit lines of their own share one, each with its age', async () => {
  await using world = await openWorld();
  const janitor = janitorOf(world);
  await sweepNow(world, asins(400));
  await sweepNow(world, asins(340));
  await sweepNow(world, asins(340));
  for (let batch = 0; batch < 2; batch += 1) await recheck(world.store);
  await janitor.pass();
  await sweepNow(world, asins(340));
  assert.equal((await janitor.pass()).counts.absent, 60);
  assert.equal(said(world, 'ended').length, 50);
  const [more, ...others] = said(world, 'ended-more');
  assert.deepEqual(others, []);
  const endings = asins(10, 391).map((asin) => `${asin}:39`);
  assert.deepEqual([more?.rows, more?.asinsWithUnseenMinutes], [10, endings.join(' ')]);
});

/** The feed's parts, after it listed too much to be swept whole. */
async function divide(world: JudgingWorld): Promise<readonly FeedPart[]> {
  const { reader, writer } = world.store;
  await sweepOf(world.store, asins(9), { feed: identity, outcome: 'truncated' });
  const [whole] = await partsOf(reader, feed);
  assert.ok(whole !== undefined && (await splitPart(writer, whole)));
  return await partsOf(reader, feed);
}

test('a fall in supply of a feed swept in parts is reported, and ends nothing', async () => {
  await using world = await openWorld();
  const parts = await divide(world);
  assert.equal(parts.length, 2);
  const janitor = janitorOf(world);
  const sweepParts = async (...rows: readonly number[]): Promise<void> => {
    for (const [index, part] of parts.entries()) {
      const atMs = world.clock.now();
      await world.clock.advanceBy(5 * minuteMs);
      const options = { atMs, feed: part.identity, wireRows: rows[index] ?? 0 };
      await sweepOf(world.store, asins(8), options);
    }
    await janitor.pass();
  };
  for (let round = 0; round < 3; round += 1) await sweepParts(6_000, 4_000);
  assert.deepEqual(said(world, 'supply-fell'), []);
  const { asOfMs = world.clock.now() } = await world.store.reader.healthyTime();
  await world.store.writer.addHealthyTime({ ms: 99 * hourMs, asOfMs: asOfMs + 99 * hourMs });
  await sweepParts(1_000, 3_900);
  const why = 'the last sweeps of its parts list 4900 rows, the medians of a week are 10000';
  assert.deepEqual(said(world, 'supply-fell'), [{ feed: 'books', why }]);
  assert.equal(janitor.suspensions().get('books')?.why, why);
  assert.deepEqual(said(world, 'ended'), [], 'nor does its row whose time to live is over');
  await sweepParts(2_000, 3_900);
  assert.deepEqual(
    said(world, 'ended').map(({ asin, reason }) => [asin, reason]),
    [[asinOf(9), 'not-seen']],
    'a move from one part to the other, or half of all, is no fall',
  );
});

test('healthy time is counted into the store from the start of the process on', async () => {
  await using world = await openWorld();
  await sweepNow(world, asins(3));
  const janitor = janitorOf(world);
  await sweepNow(world, asins(3));
  await world.clock.advanceBy(9 * minuteMs);
  await sweepNow(world, asins(3));
  await janitor.pass();
  await janitor.pass();
  // The sweeps end a minute after they begin; between them nine minutes, and nine and ten.
  assert.equal((await world.store.reader.healthyTime()).totalMs, 20 * minuteMs);
});

test('while no token is spent no time is healthy and nothing ends', async () => {
  await using world = await openWorld();
  let stopped: Stop | undefined;
  const broker = { snapshot: () => ({ ...world.broker.snapshot(), stopped }) };
  const janitor = janitorOf(world, { broker });
  for (const list of [asins(20), asins(19), asins(19)]) {
    await sweepNow(world, list);
    await janitor.pass();
  }
  await recheck(world.store, { atMs: world.clock.now() });
  const { totalMs } = await world.store.reader.healthyTime();
  stopped = { why: 'the plan is not paid', sinceMs: world.clock.now() };
  await sweepNow(world, asins(19));
  assert.equal((await janitor.pass()).counts.absent, 0);
  assert.equal((await world.store.reader.healthyTime()).totalMs, totalMs);
  const why = janitor.suspensions().get('books')?.why;
  assert.equal(why, 'no token is spent: the plan is not paid');
});

test('a wall clock that jumps ages nothing', async () => {
  await using world = await openWorld();
  const janitor = janitorOf(world);
  await sweepNow(world, asins(3));
  await janitor.pass();
  const { totalMs } = await world.store.reader.healthyTime();
  world.clock.stepWall(10 * dayMs);
  await sweepNow(world, asins(3));
  await janitor.pass();
  assert.equal((await world.store.reader.healthyTime()).totalMs, totalMs);
});

test('a gap opens once, and closes with a complete sweep that began after it', async () => {
  await using world = await openWorld();
  const janitor = janitorOf(world);
  await sweepNow(world, asins(3));
  await sweepNow(world, asins(3));
  await janitor.pass();
  const [known] = await world.store.reader.feeds();
  const fromMs = known?.lastSweepAtMs ?? Number.NaN;
  await world.clock.advanceTo(fromMs + 24 * hourMs);
  await janitor.pass();
  assert.deepEqual(await world.store.reader.gaps(), [], 'the feed remembers a day');
  await world.clock.advanceBy(minuteMs);
  await janitor.pass();
  await janitor.pass();
  assert.deepEqual(await world.store.reader.gaps(), [{ feed: 'books', fromMs }]);
  assert.deepEqual(said(world, 'coverage-gap'), [{ feed: 'books', hours: 24 }]);
  await world.list();
  await janitor.pass();
  assert.equal((await world.store.reader.gaps())[0]?.closedAtMs, undefined, 'a poll is no sweep');
  await sweepNow(world, asins(3));
  await janitor.pass();
  const closedAtMs = (await world.store.reader.feeds())[0]?.lastSweepAtMs;
  assert.deepEqual(await world.store.reader.gaps(), [{ feed: 'books', fromMs, closedAtMs }]);
});

test('a process that was down longer than a feed remembers starts with a gap', async () => {
  await using world = await openWorld();
  await sweepNow(world, asins(3));
  await world.clock.advanceBy(3 * dayMs);
  const { reader, writer } = world.store;
  const options = { reader, writer, log: world.log };
  const nowMs = world.clock.now();
  await writer.syncFeeds([], nowMs);
  await openGaps(options, { feeds: await reader.feeds(), nowMs });
  assert.deepEqual(await reader.gaps(), [], 'nobody misses a feed that was removed');
  await writer.syncFeeds([identity], nowMs);
  await openGaps(options, { feeds: await reader.feeds(), nowMs });
  assert.equal((await reader.gaps()).length, 1);
});

test('rows of a removed feed age, and end only while another feed is in order', async () => {
  await using world = await openWorld();
  const other: Feed = { ...feed, name: 'toys' };
  await world.store.writer.syncFeeds([identity, identityOf(other)], world.clock.now());
  await sweepOf(world.store, ['A1'], { atMs: world.clock.now(), feed: identityOf(other) });
  await world.store.writer.syncFeeds([identity], world.clock.now());
  await sweepNow(world, asins(9));
  const asOfMs = world.clock.now() + 99 * hourMs;
  await world.store.writer.addHealthyTime({ ms: 99 * hourMs, asOfMs });
  const janitor = janitorOf(world);
  await janitor.pass();
  await sweepNow(world, asins(9));
  assert.equal((await janitor.pass()).counts['not-seen'], 1);
  assert.deepEqual(
    said(world, 'ended').map(({ asin }) => asin),
    ['A1'],
  );
});
