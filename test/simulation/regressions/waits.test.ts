/**
 * Ways in which a wait for tokens became a wait for ever, a storm of questions, or a blind one.
 *
 * Over three virtual days a stranger empties the balance of a saturated broker into a debt, every
 * six hours; the minutes in between are watched against the true bucket. What must be so is in
 * `docs/failure-modes.md` under the numbers of the tests.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tickMs } from '../../../src/simulator/bucket.ts';
import { BrokerWorld, dealCall, hourMs, productCall } from '../../broker/broker-world.ts';

const minuteMs = 60_000;
const rate = 5;
const episodeCount = 12;

/** What was seen of one debt that a stranger made. */
interface Episode {
  readonly takenTokens: number;
  readonly takenAtMs: number;
  readonly refusals: number;
  /** Until the report of tokens that nobody of ours spent. */
  readonly reportedAfterMs: number | undefined;
  /** The wake times that were named while it was waited. */
  readonly wakesAtMs: readonly number[];
  readonly firstAnswerAtMs: number;
  /** As long as the debt is known and nothing is under way. */
  readonly offTokensMax: number;
}

interface Watched {
  readonly episodes: readonly Episode[];
  /** The largest difference of any minute between what is believed and what is true. */
  readonly offTokensMax: number;
  readonly world: BrokerWorld;
}

let watched: Promise<Watched> | undefined;
function threeDaysOfDebts(): Promise<Watched> {
  watched ??= watch();
  return watched;
}

async function watch(): Promise<Watched> {
  const world = new BrokerWorld({ rate, balance: 120 });
  world.broker.start();
  world.saturate('upsert', productCall(10, 20));
  world.saturate('backfill', dealCall);
  world.every(12 * tickMs, 'head', dealCall);
  await world.run(6 * hourMs);
  const episodes: Episode[] = [];
  let offTokensMax = 0;
  for (let number = 0; number < episodeCount; number += 1) {
    await world.run(number * 7_000);
    const episode = await sufferDebt(world);
    episodes.push(episode);
    const endMs = episode.takenAtMs + 6 * hourMs;
    while (world.clock.now() < endMs) {
      await world.run(minuteMs);
      const { balance = 0, inFlight } = world.broker.snapshot();
      if (inFlight === undefined) {
        offTokensMax = Math.max(offTokensMax, Math.abs(balance - world.keepa.balance));
      }
    }
  }
  await world.end();
  return { episodes, offTokensMax, world };
}

/** From the drain to the first answer that our tokens bought again. */
async function sufferDebt(world: BrokerWorld): Promise<Episode> {
  const { keepa, clock, broker } = world;
  const [takenAtMs, refusals] = [clock.now(), keepa.refusals];
  const before = broker.snapshot().unexplainedTokens;
  const takenTokens = keepa.balance + 100;
  keepa.drain(takenTokens);
  const wakesAtMs: number[] = [];
  let offTokensMax = 0;
  let reportedAfterMs: number | undefined;
  let firstAnswerAtMs: number | undefined;
  while (firstAnswerAtMs === undefined && clock.now() < takenAtMs + 6 * hourMs) {
    await world.run(10_000);
    const { unexplainedTokens, inFlight, nextAdmissionAtMs, balance = 1 } = broker.snapshot();
    if (unexplainedTokens >= before + takenTokens - rate) {
      reportedAfterMs ??= clock.now() - takenAtMs;
    }
    if (balance < 0 && inFlight === undefined && nextAdmissionAtMs !== undefined) {
      wakesAtMs.push(nextAdmissionAtMs);
      offTokensMax = Math.max(offTokensMax, Math.abs(balance - keepa.balance));
    }
    firstAnswerAtMs = world.ledger.find(
      ({ atMs, outcome, spendClass, costTokens }) =>
        atMs > takenAtMs && outcome === 'answered' && spendClass !== 'status' && costTokens > 0,
    )?.atMs;
  }
  assert.ok(firstAnswerAtMs !== undefined, 'nothing was bought in six hours');
  const seen = keepa.refusals - refusals;
  return {
    takenTokens,
    takenAtMs,
    refusals: seen,
    reportedAfterMs,
    wakesAtMs,
    firstAnswerAtMs,
    offTokensMax,
  };
}

test('FM-13: a wait names its end, never puts it off, and ends by then', async () => {
  for (const { wakesAtMs, firstAnswerAtMs } of (await threeDaysOfDebts()).episodes) {
    assert.ok(wakesAtMs.length > 60, `${wakesAtMs.length} looks at the wait`);
    const [namedFirst = 0] = wakesAtMs;
    const putOffMs = Math.max(...wakesAtMs) - namedFirst;
    assert.ok(putOffMs <= 1_000, `put off by ${putOffMs} ms`);
    const lateMs = firstAnswerAtMs - namedFirst;
    // The answer takes its time as well.
    assert.ok(lateMs <= 30_000, `${lateMs} ms after the end that was named`);
  }
});

test('FM-16: what is believed of the balance is never off by more than one refill', async () => {
  const { offTokensMax, episodes } = await threeDaysOfDebts();
  assert.ok(offTokensMax <= rate, `off by ${offTokensMax} tokens while work went on`);
  for (const { offTokensMax: inDebt } of episodes) {
    assert.ok(inDebt <= rate, `off by ${inDebt} tokens in a debt`);
  }
});

test('FM-18: waits are slept out: two reads of the balance each, twelve in any hour', async () => {
  const { world, episodes } = await threeDaysOfDebts();
  const reads = world.ledger.filter(({ spendClass }) => spendClass === 'status');
  for (const { atMs } of reads) {
    const within = reads.filter((read) => read.atMs >= atMs && read.atMs < atMs + hourMs);
    assert.ok(within.length <= 12, `${within.length} reads within an hour`);
  }
  for (const { takenAtMs, firstAnswerAtMs } of episodes) {
    const inWait = reads.filter(({ atMs }) => atMs >= takenAtMs && atMs <= firstAnswerAtMs);
    assert.ok(inWait.length <= 2, `${inWait.length} reads in one wait`);
  }
});

test('FM-24: tokens that somebody else took are reported within ten minutes', async () => {
  for (const { reportedAfterMs = Number.NaN, takenTokens } of (await threeDaysOfDebts()).episodes) {
    assert.ok(reportedAfterMs <= 10 * minuteMs, `${takenTokens}: after ${reportedAfterMs} ms`);
  }
});

test('FM-28: a debt costs one 429 at most, and nothing is sent until it is paid', async () => {
  const { episodes, world } = await threeDaysOfDebts();
  assert.ok(world.keepa.refusals > 0, 'the strangers were noticed the hard way at least once');
  for (const { refusals, takenAtMs, firstAnswerAtMs } of episodes) {
    assert.ok(refusals <= 1, `${refusals} refusals`);
    const sent = world.ledger.filter(
      ({ atMs, spendClass }) =>
        atMs > takenAtMs && atMs < firstAnswerAtMs && spendClass !== 'status',
    );
    assert.ok(sent.length <= 1, `${sent.length} requests into the debt`);
  }
});

test('FM-15: while nobody can tell the balance, no token of it is spent', async () => {
  const world = new BrokerWorld({
    rate,
    balance: 300,
    mishap: (_call, number) => (number <= 30 ? 'unavailable' : undefined),
  });
  world.broker.start();
  world.saturate('backfill', dealCall);
  await world.run(hourMs);
  assert.equal(world.broker.snapshot().balance, undefined);
  assert.ok(world.keepa.calls.every(({ endpoint }) => endpoint === 'token'));
  // Ever longer waits from two seconds on: 16 before they are ten minutes, were all of them short.
  assert.ok(world.keepa.calls.length <= 20, `${world.keepa.calls.length} reads in an hour`);
  await world.run(6 * hourMs);
  assert.ok(world.keepa.spent > 0);
  await world.end();
});
