/**
 * Three days on the smallest plan there is, in which there is always more to do than can be paid.
 *
 * The whole daemon in virtual time, at a token a minute, with a hundred listed rows that come, go
 * and change their prices, and a time to live of six hours. One run, measured from its steady
 * state on; each test reads one failure mode of `docs/failure-modes.md` off it. Truth is the
 * simulated market's.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { before, test } from 'node:test';
import type { WireRequest } from '../../../src/keepa/transport.ts';
import type { StatusReport } from '../../../src/status/report-fields.ts';
import type { Deal, LedgerGroup } from '../../../src/store/ports.ts';
import { bargains, WrongEndings } from '../outage.ts';
import { Simulation, type SimulationOptions, simulationStartMs } from '../simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const settlingHours = 8;
const measuredHours = 72;
const ttlHours = 6;

const plan: SimulationOptions = {
  seed: 3,
  ratePerMinute: 1,
  rows: 100,
  feeds: [bargains()],
  config: { sweepIntervalMs: 30 * minuteMs, retention: { ttlHours, purgeDays: 30 } },
};

/** What is true at the end of one hour. */
interface Hour {
  readonly status: StatusReport;
  readonly refilledTokens: number;
  readonly spentTokens: number;
  /** Histories that were bought so far. */
  readonly histories: number;
  /** The longest that a listed row has not been seen. */
  readonly oldestSightMs: number;
  /** Listed for two hours by now, and not in the table. */
  readonly unknownRows: number;
  readonly openFiles: number;
  readonly timers: number;
}

interface Run {
  readonly hours: readonly Hour[];
  readonly endedWrongly: number;
  readonly ended: number;
  /** How often each product's history was bought, and each seller looked up. */
  readonly histories: ReadonlyMap<string, number>;
  readonly sellers: ReadonlyMap<string, number>;
  readonly ledger: readonly LedgerGroup[];
  readonly sweeps: number;
  readonly refusals: number;
  readonly lowestBalance: number;
}

let run: Run;
before(async () => {
  run = await threeDays();
});

async function threeDays(): Promise<Run> {
  const simulation = new Simulation(plan);
  const histories = new Map<string, number>();
  const sellers = new Map<string, number>();
  simulation.keepa.setFaults((request) => {
    countAsked(request, { histories, sellers });
    return undefined;
  });
  try {
    await simulation.start();
    const wrong = new WrongEndings(simulation);
    await wrong.advance(settlingHours * hourMs);
    const hours: Hour[] = [];
    let listed = listedNow(simulation);
    let listedBefore = listed;
    for (let hour = 0; hour < measuredHours; hour += 1) {
      await wrong.advance(hourMs);
      const bought = [...histories.values()].reduce((sum, times) => sum + times, 0);
      hours.push({ ...(await look(simulation, listedBefore)), histories: bought });
      [listedBefore, listed] = [listed, listedNow(simulation)];
    }
    const { reader } = simulation.store;
    const { ended } = await reader.countByState();
    const { refused: refusals, lowestBalance } = simulation.keepa.requests;
    const ledger = await reader.ledgerGroups(simulationStartMs);
    const sweeps = (await reader.completeSweeps({ feed: 'used', sinceMs: 0 })).length;
    const asked = { histories, sellers, ledger, sweeps };
    return { hours, endedWrongly: wrong.count, ended, ...asked, refusals, lowestBalance };
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

function countAsked(
  { path, query }: WireRequest,
  { histories, sellers }: { histories: Map<string, number>; sellers: Map<string, number> },
): void {
  const count = (into: Map<string, number>, names = ''): void => {
    for (const name of names.split(',')) into.set(name, (into.get(name) ?? 0) + 1);
  };
  if (path === '/seller') count(sellers, query.seller);
  if (path === '/product' && query.offers === undefined && query.history !== '0') {
    count(histories, query.asin);
  }
}

function listedNow({ keepa, clock }: Simulation): ReadonlySet<string> {
  return new Set(keepa.liveRows(clock.now()).map(({ asin }) => asin));
}

async function look(
  simulation: Simulation,
  listedBefore: ReadonlySet<string>,
): Promise<Omit<Hour, 'histories'>> {
  const { clock, keepa, store } = simulation;
  const deals = await store.reader.deals({ states: 'all', withHeld: true });
  const known = new Map<string, Deal>(deals.map((deal) => [deal.asin, deal]));
  const listed = listedNow(simulation);
  const sights = [...listed].flatMap((asin) => known.get(asin)?.lastSeenAtMs ?? []);
  const { refilledTokens, spentTokens } = keepa.requests;
  return {
    status: await simulation.status(),
    refilledTokens,
    spentTokens: Object.values(spentTokens).reduce((sum, tokens) => sum + tokens, 0),
    oldestSightMs: clock.now() - Math.min(...sights),
    unknownRows: [...listed].filter((asin) => listedBefore.has(asin) && !known.has(asin)).length,
    openFiles: readdirSync('/proc/self/fd').length,
    timers: clock.pending,
  };
}

/** Answered requests of one purpose. */
function boughtFor(purpose: string) {
  const groups = run.ledger.filter((it) => it.purpose === purpose && it.outcome === 'answered');
  const sum = (of: (group: LedgerGroup) => number): number =>
    groups.reduce((total, group) => total + of(group), 0);
  return { tokens: sum((it) => it.tokens), items: sum((it) => it.items) };
}

/** What grew over every `span` hours, first to last. */
function growths(of: (hour: Hour) => number, span: number): number[] {
  return run.hours.slice(span).map((hour, at) => of(hour) - of(run.hours[at] ?? hour));
}

test('FM-05: no wait is for more than the bucket holds, and none lasts', () => {
  for (const { status } of run.hours) {
    const { needed, capacity } = status.tokens;
    assert.ok((needed ?? 0) <= (capacity ?? 0), `${needed} tokens of ${capacity}`);
  }
  const least = Math.min(...growths(({ spentTokens }) => spentTokens, 6));
  assert.ok(least >= 0.8 * 6 * 59, `${least} tokens in some six hours`);
  assert.equal(run.refusals, 0);
  assert.ok(run.lowestBalance >= 0, `lowest balance ${run.lowestBalance}`);
});

test('FM-10: asking what is new takes no more than its share of the income', () => {
  const { tokens } = boughtFor('head-poll');
  const income = run.hours.at(-1)?.refilledTokens ?? 0;
  // The full bucket at the start was dealt by share as well.
  assert.ok(tokens > 0 && tokens <= 0.1 * (income + 60), `${tokens} of ${income}`);
});

test('FM-22: no seller is looked up twice, and none of whom no verified offer told', () => {
  const times = [...run.sellers.values()];
  assert.equal(Math.max(...times), 1);
  assert.ok(times.length > 20, `${times.length} sellers`);
  assert.ok(times.length <= boughtFor('verify').items, `${times.length} sellers`);
});

test('FM-23: the first stage costs less than a quarter of the second', () => {
  const [history, verify] = [boughtFor('history'), boughtFor('verify')];
  const [first, second] = [history.tokens / history.items, verify.tokens / verify.items];
  assert.ok(first <= 0.25 * second, `${first} against ${second} tokens`);
  assert.ok(history.items > 100 && verify.items > 100, `${history.items}, ${verify.items}`);
});

test('FM-33: whatever has been on the list for two hours is in the table', () => {
  assert.equal(Math.max(...run.hours.map(({ unknownRows }) => unknownRows)), 0);
});

test('FM-35: in every six hours something new is judged, however poor the plan', () => {
  const least = Math.min(...growths(({ status }) => status.judging.processed, 6));
  assert.ok(least > 0, `${least} verdicts in some six hours`);
  // Verdicts on a new price from kept evidence are free; where candidates wait, some are bought.
  const bought = growths(({ histories }) => histories, 6);
  const starved = bought.filter((histories, from) => {
    const looks = run.hours.slice(from, from + 7);
    return histories === 0 && looks.every(({ status }) => status.deals.candidate > 0);
  });
  assert.deepEqual(starved, []);
});

test('FM-40: of a list of one page one page is asked for, sweep by sweep', () => {
  // The last one may be under way.
  assert.ok(boughtFor('sweep').items <= run.sweeps + 1, `${boughtFor('sweep').items} pages`);
  assert.ok(run.sweeps > 40, `${run.sweeps} sweeps`);
});

test('FM-41: that Keepa looked at a product again buys no history a second time', () => {
  const { items } = boughtFor('history');
  assert.ok(items > 100, `${items} histories`);
  // Those of re-checks before an end are counted on one side only.
  assert.ok(items <= run.histories.size, `${items} for ${run.histories.size} products`);
  const often = [...run.histories].filter(([, times]) => times > 4);
  assert.deepEqual(often, []);
});

test('FM-45: unchanged rows are seen again within a third of their time to live', () => {
  const oldestMs = Math.max(...run.hours.map(({ oldestSightMs }) => oldestSightMs));
  assert.ok(oldestMs <= (ttlHours * hourMs) / 3, `unseen for ${oldestMs / minuteMs} minutes`);
});

test('FM-47: more rows than can be paid for let none of those die that are listed', () => {
  assert.equal(run.endedWrongly, 0);
  assert.ok(run.ended > 20, `${run.ended} rows ended`);
  const waiting = Math.min(...run.hours.map(({ status }) => status.deals.total));
  assert.ok(waiting >= plan.rows * 0.8, `${waiting} rows in the table`);
});

test('FM-62, FM-64: files and timers are as many after three days as before them', () => {
  for (const count of [({ openFiles }: Hour) => openFiles, ({ timers }: Hour) => timers]) {
    const [first, last] = [run.hours.slice(0, 12), run.hours.slice(-12)].map((some) =>
      Math.max(...some.map(count)),
    );
    assert.ok((last ?? 0) <= (first ?? 0) + 1, `${last} after ${first}`);
  }
});

test('FM-73: every hour says what it does, and of a wait when it ends', () => {
  const states = new Set(run.hours.map(({ status }) => status.state));
  assert.ok(!states.has('stalled') && states.has('waiting'), [...states].join(', '));
  for (const { status } of run.hours) {
    if (status.state !== 'waiting') continue;
    const waitMs = Date.parse(status.nextActionAt ?? '') - Date.parse(status.at);
    assert.ok(waitMs > 0 && waitMs <= hourMs, `${waitMs} ms: ${status.reason}`);
  }
});

test('FM-74: rows and verdicts add up in every report', () => {
  for (const { status } of run.hours) {
    const { total, held: _, ...states } = status.deals;
    assert.equal(sumOf(states), total);
    const { processed, accepted, retries, rejected, insufficient } = status.judging;
    assert.equal(accepted + retries + sumOf(rejected) + sumOf(insufficient), processed);
  }
});

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
