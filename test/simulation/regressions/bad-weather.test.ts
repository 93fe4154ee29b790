/**
 * Three days in which two of five requests go wrong, some products never yield anything, and the
 * listing comes in no order.
 *
 * The whole daemon in virtual time, from a steady state on. Every eighth product is poisoned: an
 * answer to a request that names one holds no product at all, so that a batch is worth nothing
 * until the poison in it has been found. Then the weather clears for some hours. Each test reads
 * one failure mode of `docs/failure-modes.md` off the one run.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Random, seededRandom } from '../../../src/runtime/random.ts';
import type { Fault, FaultHook } from '../../../src/simulator/faults.ts';
import type { StatusReport } from '../../../src/status/report-fields.ts';
import type { Deal, LedgerRecord } from '../../../src/store/ports.ts';
import { bargains } from '../outage.ts';
import { Simulation, type SimulationOptions } from '../simulated-daemon.ts';
import { WrittenLog } from '../written-log.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const settlingHours = 6;
const stormyHours = 72;
const clearHours = 4;
const oneInPoisoned = 8;

const plan: SimulationOptions = {
  seed: 21,
  ratePerMinute: 2,
  rows: 60,
  feeds: [bargains()],
  config: { sweepIntervalMs: 40 * minuteMs, retention: { ttlHours: 24, purgeDays: 30 } },
};

const troubles: readonly Fault[] = [
  { kind: 'refused' },
  { kind: 'error-json' },
  { kind: 'error-html' },
  { kind: 'reset-before' },
  { kind: 'reset-after' },
  { kind: 'hang' },
  { kind: 'partial', every: 2 },
  { kind: 'no-history' },
];

interface Hour {
  readonly status: StatusReport;
  readonly deals: ReadonlyMap<string, Deal>;
}

interface Run {
  readonly hours: readonly Hour[];
  readonly ledger: readonly LedgerRecord[];
  /** How often a request named each poisoned product. */
  readonly poisonAsked: ReadonlyMap<string, number>;
  /** On the list for two hours, in the end. */
  readonly listed: readonly string[];
  readonly logBytes: number;
  readonly logText: string;
}

let run: Run;
async function threeDays(): Promise<Run> {
  const simulation = new Simulation(plan);
  const poisonAsked = new Map<string, number>();
  const poison: FaultHook = ({ path, query }) => {
    const poisoned = path === '/product' ? (query.asin ?? '').split(',').filter(isPoisoned) : [];
    for (const asin of poisoned) poisonAsked.set(asin, (poisonAsked.get(asin) ?? 0) + 1);
    return poisoned.length > 0 ? { kind: 'payload', fields: { products: [] } } : undefined;
  };
  const written = new WrittenLog(simulation);
  const hours: Hour[] = [];
  const pass = async (count: number): Promise<void> => {
    for (let hour = 0; hour < count; hour += 1) {
      for (let minute = 0; minute < 60; minute += 1) {
        await simulation.clock.advanceBy(minuteMs);
      }
      hours.push(await look(simulation));
    }
  };
  try {
    simulation.keepa.setFaults(poison);
    await simulation.start();
    await simulation.clock.advanceBy(settlingHours * hourMs);
    simulation.keepa.setFaults(stormWith(poison, seededRandom(plan.seed).fork('storm')));
    await pass(stormyHours);
    simulation.keepa.setFaults(poison);
    await pass(clearHours - 2);
    const listed = new Set(asinsListed(simulation));
    await pass(2);
    const ledger = await simulation.store.reader.recentRequests(100_000);
    return {
      hours,
      ledger: ledger.toReversed(),
      poisonAsked,
      listed: asinsListed(simulation).filter((asin) => listed.has(asin)),
      logBytes: written.bytes,
      logText: written.text,
    };
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

function isPoisoned(asin: string): boolean {
  const sum = [...asin].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return sum % oneInPoisoned === 0;
}

function stormWith(poison: FaultHook, random: Random): FaultHook {
  return (request, nowMs) => {
    const poisoned = poison(request, nowMs);
    if (random.next() < 0.4) {
      const trouble = troubles[random.integer(0, troubles.length - 1)];
      const isAnswer = trouble?.kind === 'partial' || trouble?.kind === 'no-history';
      return isAnswer ? (poisoned ?? trouble) : trouble;
    }
    return poisoned ?? (request.path === '/deal' ? { kind: 'unordered' } : undefined);
  };
}

function asinsListed({ keepa, clock }: Simulation): string[] {
  return keepa.liveRows(clock.now()).map(({ asin }) => asin);
}

async function look(simulation: Simulation): Promise<Hour> {
  const deals = await simulation.store.reader.deals({ states: 'all', withHeld: true });
  return {
    status: await simulation.status(),
    deals: new Map(deals.map((deal) => [deal.asin, deal])),
  };
}

before(async () => {
  run = await threeDays();
});

function lastHour(): Hour {
  const hour = run.hours.at(-1);
  assert.ok(hour !== undefined);
  return hour;
}

test('FM-26: no answer that failed ends a listing early: what is listed is in the table', () => {
  const { deals } = lastHour();
  const outcomes = new Set(run.ledger.map(({ outcome }) => outcome));
  for (const outcome of ['refused', 'unavailable', 'maybe-billed'] as const) {
    assert.ok(outcomes.has(outcome), `nothing was ${outcome}`);
  }
  assert.ok(run.listed.length > 40, `${run.listed.length} rows`);
  assert.deepEqual(
    run.listed.filter((asin) => !deals.has(asin)),
    [],
  );
});

test('FM-27: of a product that no whole answer told of there is no verdict', () => {
  const poisoned = [...lastHour().deals.values()].filter(({ asin }) => isPoisoned(asin));
  assert.ok(poisoned.length > 4, `${poisoned.length} poisoned rows`);
  const judged = poisoned.filter(({ judgedAtMs }) => judgedAtMs !== undefined);
  assert.deepEqual(judged, []);
});

test('FM-28: after a 429 the next request is a read of the balance, every time', () => {
  const next = run.ledger.flatMap(({ outcome, spendClass }, at) =>
    outcome === 'refused' && spendClass !== 'status' ? (run.ledger[at + 1] ?? []) : [],
  );
  assert.ok(next.length > 20, `${next.length} refusals`);
  assert.deepEqual([...new Set(next.map(({ spendClass }) => spendClass))], ['status']);
});

test('FM-30: what is known of an accepted row outlives every answer that says less', () => {
  let kept = 0;
  for (const [at, { deals }] of run.hours.slice(1).entries()) {
    for (const earlier of run.hours[at]?.deals.values() ?? []) {
      const now = deals.get(earlier.asin);
      if (earlier.state !== 'accepted' || now === undefined) continue;
      kept += 1;
      // What was accepted had a history with sales: only an answer without them could deny it.
      const isKept = now.state !== 'candidate' && now.state !== 'insufficient';
      assert.ok(isKept, `${now.asin} is ${now.state} now: ${now.reason}`);
      assert.ok((now.judgedAtMs ?? 0) >= (earlier.judgedAtMs ?? 0));
      if (now.state === 'accepted') assert.ok(now.avg1yCents !== undefined, now.asin);
    }
  }
  assert.ok(kept > 500, `${kept} looks at accepted rows`);
});

test('FM-31: nothing that is asked for is left without an answer or an end', () => {
  for (const { status } of run.hours) {
    for (const [name, { oldestWaitMs }] of Object.entries(status.classes)) {
      assert.ok((oldestWaitMs ?? 0) <= 2 * hourMs, `${name} waits for ${oldestWaitMs} ms`);
    }
  }
});

test('FM-48: rows that never yield anything hold up none of the others', () => {
  const { deals, status } = lastHour();
  const freshSinceMs = Date.parse(status.at) - 2 * hourMs;
  const waiting = [...deals.values()].filter(
    ({ asin, state, firstSeenAtMs }) =>
      state === 'candidate' && !isPoisoned(asin) && firstSeenAtMs < freshSinceMs,
  );
  assert.deepEqual(
    waiting.map(({ asin }) => asin),
    [],
  );
});

test('FM-49: what never yields anything is asked for ever more rarely', () => {
  const times = [...run.poisonAsked.values()];
  assert.ok(times.length > 4, `${times.length} products`);
  assert.ok(Math.max(...times) <= 20, `asked ${Math.max(...times)} times in three days`);
});

test('FM-55, FM-72: every loop goes on hour after hour, and the state is never stalled', () => {
  for (const [at, { status }] of run.hours.slice(3).entries()) {
    const earlier = run.hours[at]?.status.loops ?? [];
    for (const { name, passes, failures } of status.loops) {
      const before = earlier.find((loop) => loop.name === name);
      assert.ok(before !== undefined && passes > before.passes, `${name} stands still`);
      assert.equal(failures, 0);
    }
    assert.ok(['running', 'waiting'].includes(status.state), `${status.state}: ${status.reason}`);
  }
});

test('FM-75: three days of failures are a few hundred kilobytes of log, without the key', () => {
  const perDay = run.logBytes / ((stormyHours + clearHours) / 24);
  assert.ok(perDay > 10_000 && perDay < 340_000, `${perDay} bytes a day`);
  assert.ok(!run.logText.includes('simulated-key'));
});
