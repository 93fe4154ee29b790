/**
 * Goal: every metric is there in a running daemon, passes the lint, and says what is so. Method:
 * the whole daemon in virtual time, its exposition read at many moments and held against what the
 * simulated Keepa and the store say themselves; and against what the shipped alerts and the
 * dashboard ask for.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Exposition } from '../../src/status/exposition.ts';
import { healthOf } from '../../src/status/health.ts';
import { gatherFacts } from '../../src/status/metric-facts.ts';
import type { DealWriter } from '../../src/store/ports.ts';
import { type Exposed, lint, readExposition } from '../status/exposition-lint.ts';
import { type Outside, type Simulation, simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const plan = { seed: 5, ratePerMinute: 20, rows: 300 };
const lag = { p50Seconds: 0.001, p99Seconds: 0.02, maxSeconds: 0.3 };

/** Reads the metrics of a simulation, each time with the lint. */
class Scraper {
  readonly seen = new Set<string>();
  readonly known = new Set<string>();
  readonly #simulation: Simulation;
  readonly #exposition = new Exposition();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  async scrape(): Promise<Exposed> {
    const sources = this.#simulation.daemon.sources();
    const text = await this.#exposition.render(await gatherFacts(sources, () => lag));
    assert.deepEqual(lint(text), []);
    const exposed = readExposition(text);
    for (const { name } of exposed.series) this.seen.add(name);
    for (const name of exposed.types.keys()) this.known.add(name);
    return exposed;
  }
}

type Labels = Readonly<Record<string, string>>;

function figureIn({ series }: Exposed, name: string, labels: Labels = {}): number | undefined {
  const found = series.filter((each) => {
    const isMeant = Object.entries(labels).every(([label, value]) => each.labels[label] === value);
    return each.name === `keepa_deals_${name}` && isMeant;
  });
  assert.ok(found.length <= 1, `${found.length} series of ${name}`);
  return found[0]?.value;
}

function sumOf({ series }: Exposed, name: string): number {
  const own = series.filter((each) => each.name === `keepa_deals_${name}`);
  assert.ok(own.length > 0, name);
  return own.reduce((sum, { value }) => sum + value, 0);
}

test('spent, balance, rows and verdicts are what Keepa and the store say, each hour', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    const { keepa, store, clock, daemon } = simulation;
    const scraper = new Scraper(simulation);
    let before = await scraper.scrape();
    for (let hour = 1; hour <= 5; hour += 1) {
      await clock.advanceBy(hourMs);
      const now = await scraper.scrape();
      const { tokens, byClass } = await store.reader.spentSince(0);
      assert.equal(sumOf(now, 'spent_tokens_total'), tokens);
      const taken = Object.values(keepa.requests.spentTokens).reduce((sum, part) => sum + part, 0);
      // What is under way is settled with its answer.
      if (daemon.sources().broker()?.inFlight === undefined) assert.equal(tokens, taken);
      assert.equal(figureIn(now, 'spent_tokens_total', { class: 'head' }), byClass.head);
      assert.ok(sumOf(now, 'held_tokens_total') >= tokens, 'holds are the worst plausible cost');
      assert.ok(tokens > sumOf(before, 'spent_tokens_total'));
      assert.equal(figureIn(now, 'balance_tokens'), daemon.sources().broker()?.balance);
      const { total, ...states } = await store.reader.countByState();
      assert.equal(sumOf(now, 'deals'), total);
      for (const [state, rows] of Object.entries(states)) {
        assert.equal(figureIn(now, 'deals', { state }), rows);
      }
      const { rejected, accepted, retries } = await store.reader.judgingTotals();
      const rejections = Object.values(rejected).reduce((sum, count) => sum + count, 0);
      assert.equal(sumOf(now, 'rejections_total'), rejections);
      assert.equal(figureIn(now, 'acceptances_total'), accepted);
      assert.equal(figureIn(now, 'judging_retries_total'), retries);
      before = now;
    }
    assert.ok(sumOf(before, 'rejections_total') > 20, 'something was rejected');
    const sweeps = figureIn(before, 'sweeps_total', { feed: 'used', outcome: 'complete' });
    const last = await store.reader.completeSweeps({ feed: 'used', sinceMs: 0 });
    assert.equal(sweeps, last.length);
    const polledAt = figureIn(before, 'feed_last_poll_timestamp_seconds', { feed: 'used' }) ?? 0;
    assert.ok(clock.now() / 1_000 - polledAt < 1_800, 'polled within half an hour');
    assert.equal(figureIn(before, 'leases_held'), 2);
    assert.ok((figureIn(before, 'database_bytes') ?? 0) > 100_000);
  });
});

test('trouble shows: retries, a degraded Keepa that is ready, and a pause', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    const { keepa, clock, daemon } = simulation;
    const scraper = new Scraper(simulation);
    await clock.advanceBy(hourMs);
    keepa.setFaults(() => ({ kind: 'error-html' }));
    await clock.advanceBy(10 * minuteMs);
    const failing = await scraper.scrape();
    assert.ok((figureIn(failing, 'request_retries_total', { outcome: 'unavailable' }) ?? 0) > 0);
    assert.equal(figureIn(failing, 'state', { state: 'degraded' }), 1);
    assert.equal(figureIn(failing, 'ready'), 1, 'a degraded Keepa makes nothing unready');
    assert.equal(sumOf(failing, 'loop_frozen'), 0);
    keepa.setFaults(undefined);
    await clock.advanceBy(30 * minuteMs);
    const untilMs = clock.now() + 3 * hourMs;
    const pausing = daemon.actions.pause({ untilMs });
    await clock.advanceBy(2 * hourMs);
    await pausing;
    const paused = await scraper.scrape();
    assert.equal(figureIn(paused, 'paused'), 1);
    assert.equal(figureIn(paused, 'pause_end_timestamp_seconds'), untilMs / 1_000);
    assert.equal(figureIn(paused, 'spending_stopped', { reason: 'paused' }), 1);
    assert.equal(sumOf(paused, 'spending_stopped'), 1);
    assert.equal(sumOf(paused, 'state'), 1, 'one state at a time');
    await clock.advanceBy(hourMs + minuteMs);
    const resumed = await scraper.scrape();
    assert.equal(figureIn(resumed, 'paused'), 0);
    assert.equal(figureIn(resumed, 'pause_end_timestamp_seconds'), undefined);
  });
});

test('a write that hangs is a frozen channel, for the metrics and for /healthz', async () => {
  let hangs = false;
  const hung = Promise.withResolvers<void>();
  const wrap = ({ store, ...outside }: Outside): Outside => {
    const writer = (fence: number): DealWriter => {
      const real = store.writer(fence);
      return {
        ...real,
        recordRequest: (...line) => (hangs ? hung.promise : real.recordRequest(...line)),
      };
    };
    return { ...outside, store: { ...store, writer } };
  };
  await simulate({ ...plan, wrap }, async (simulation) => {
    await simulation.start();
    const scraper = new Scraper(simulation);
    await simulation.clock.advanceBy(30 * minuteMs);
    assert.equal(sumOf(await scraper.scrape(), 'loop_frozen'), 0);
    hangs = true;
    await simulation.clock.advanceBy(30 * minuteMs);
    const hanging = await scraper.scrape();
    assert.equal(figureIn(hanging, 'loop_frozen', { loop: 'channel' }), 1);
    assert.equal(figureIn(hanging, 'state', { state: 'stalled' }), 1);
    assert.ok(healthOf(simulation.daemon.sources()).frozen.includes('channel'));
    // Else the daemon could not end.
    hung.resolve();
  });
});

test('every metric has a series, and the alerts and the dashboard name no other', async () => {
  await simulate({ ...plan, ratePerMinute: 5 }, async (simulation) => {
    await simulation.start();
    const { clock, daemon } = simulation;
    const scraper = new Scraper(simulation);
    for (let at = 0; at < 12; at += 1) {
      await clock.advanceBy(10 * minuteMs + 7_000);
      await scraper.scrape();
    }
    const untilMs = clock.now() + 30 * hourMs;
    const pausing = daemon.actions.pause({ untilMs });
    await clock.advanceBy(26 * hourMs);
    await pausing;
    await scraper.scrape();
    const silent = [...scraper.known].filter((name) => !scraper.seen.has(name));
    assert.deepEqual(silent, [], 'without a series at any time');
    for (const path of ['systemd/keepa-deals.alerts.yml', 'systemd/keepa-deals.grafana.json']) {
      const named = readFileSync(path, 'utf8').match(/\bkeepa_deals_[a-z0-9_]+/g) ?? [];
      assert.ok(named.length > 8, `${named.length} names in ${path}`);
      assert.deepEqual(
        [...new Set(named)].filter((name) => !scraper.seen.has(name)),
        [],
        path,
      );
    }
  });
});
