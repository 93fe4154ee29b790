/** A feed in trouble is left alone for a while, and takes nobody else's turn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feed } from '../../src/actors/feed.ts';
import { FeedBlocks } from '../../src/actors/feed-blocks.ts';
import { tickMs } from '../../src/broker/token-bucket.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';

const hourMs = 3_600_000;
const query = parseDealQuery({}, { domainId: 1, priceType: 2 });
const [books, toys]: readonly [Feed, Feed] = [
  { name: 'books', query, screen: {} },
  { name: 'toys', query, screen: {} },
];
const feeds = [books, toys];

test('a block ends after a tick, a hopeless one after an hour', async () => {
  const clock = new VirtualClock(0);
  const blocks = new FeedBlocks(clock);
  blocks.block(books, { isHopeless: false });
  blocks.block(toys, { isHopeless: true });
  assert.deepEqual(blocks.open(feeds), []);
  assert.equal(blocks.nextOpeningMs(feeds), tickMs);
  await clock.advanceBy(tickMs);
  assert.deepEqual(blocks.open(feeds), [books]);
  assert.equal(blocks.nextOpeningMs(feeds), hourMs - tickMs);
  await clock.advanceBy(hourMs - tickMs);
  assert.deepEqual(blocks.open(feeds), feeds);
  assert.equal(blocks.nextOpeningMs(feeds), Number.POSITIVE_INFINITY);
});

test('a wall clock that is put right does not prolong a block', async () => {
  const clock = new VirtualClock(10 * 365 * 24 * hourMs);
  const blocks = new FeedBlocks(clock);
  blocks.block(books, { isHopeless: true });
  clock.stepWall(-365 * 24 * hourMs);
  await clock.advanceBy(hourMs);
  assert.deepEqual(blocks.open(feeds), feeds);
});
