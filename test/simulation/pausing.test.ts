/**
 * Goal: while it is paused the daemon spends not one token, whatever is queued, through restarts,
 * and goes on by itself at the end; nothing that is stored suffers, and nobody takes it for stuck.
 * Method: the whole daemon in virtual time; the simulated Keepa counts what is asked of it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemdReports } from '../../src/cli/systemd-reports.ts';
import type { Notification } from '../../src/runtime/notify-socket.ts';
import { frozenLoops } from '../../src/runtime/pulse.ts';
import { ActionRefusedError } from '../../src/status/actions.ts';
import { endedRows } from './outage.ts';
import { type Simulation, simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const plan = { seed: 11, ratePerMinute: 20, rows: 300 };

/** Tokens that Keepa has taken, and requests of any kind that it has seen. */
function asked({ keepa }: Simulation): { readonly tokens: number; readonly requests: number } {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  return {
    tokens: sum(keepa.requests.spentTokens),
    requests: sum(keepa.requests.byEndpoint),
  };
}

/** Pauses, lets what was under way end, and returns what Keepa had been asked by then. */
async function pauseFor(simulation: Simulation, spanMs: number | undefined) {
  const { clock, daemon } = simulation;
  const untilMs = spanMs === undefined ? undefined : clock.now() + spanMs;
  const order = { reason: 'a trip', ...(untilMs === undefined ? {} : { untilMs }) };
  const paused = daemon.actions.pause(order);
  await clock.advanceBy(minuteMs);
  await paused;
  return asked(simulation);
}

test('nothing is asked of Keepa while it is paused, over restarts, until its end', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    const before = await pauseFor(simulation, 6 * hourMs);
    await simulation.clock.advanceBy(hourMs);
    assert.deepEqual(asked(simulation), before);
    for (let life = 0; life < 3; life += 1) {
      await simulation.stop();
      const daemon = await simulation.start();
      await daemon.readied;
      await simulation.clock.advanceBy(hourMs);
      assert.deepEqual(asked(simulation), before, `life ${life} after the pause`);
      const { state, reason, pause } = await simulation.status();
      assert.equal(state, 'paused');
      assert.match(reason, /^paused until 2026-06-01T06:20:01.000Z: a trip$/);
      assert.equal(pause?.reason, 'a trip');
    }
    await simulation.clock.advanceBy(3 * hourMs);
    assert.equal((await simulation.status()).pause, null);
    assert.ok(asked(simulation).tokens > before.tokens + 500, 'it went on by itself');
    assert.equal(simulation.keepa.requests.refused, 0);
    assert.equal(await simulation.store.reader.pause(0), undefined, 'it is struck out');
  });
});

test('it goes on at the instant of the end, and at once when somebody resumes', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(20 * minuteMs);
    const before = await pauseFor(simulation, hourMs);
    await simulation.clock.advanceBy(59 * minuteMs - 1);
    assert.deepEqual(asked(simulation), before, 'a millisecond before the end');
    await simulation.clock.advanceBy(10_000);
    const after = asked(simulation);
    assert.ok(after.tokens > before.tokens, 'ten seconds after it');
    const again = await pauseFor(simulation, undefined);
    await simulation.clock.advanceBy(6 * hourMs);
    assert.deepEqual(asked(simulation), again);
    const ended = simulation.daemon.actions.resume();
    await simulation.clock.advanceBy(10_000);
    assert.equal((await ended)?.reason, 'a trip');
    assert.ok(asked(simulation).tokens > again.tokens, 'ten seconds after resume');
    const { state, reason } = await simulation.status();
    assert.match(state, /^(running|waiting)$/, reason);
  });
});

test('a paused daemon is neither stalled nor frozen, and the watchdog is fed', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    const { clock, log } = simulation;
    const sent: { readonly atMs: number; readonly message: Notification }[] = [];
    const notify = {
      send: (message: Notification) => void sent.push({ atMs: clock.now(), message }),
      flush: async () => undefined,
    };
    const { daemon } = simulation;
    const reports = new SystemdReports({ daemon, notify, watchdogMs: 180_000, clock, log });
    reports.start();
    await clock.advanceBy(10 * minuteMs);
    await pauseFor(simulation, 5 * hourMs);
    const fromMs = clock.now();
    for (let at = 0; at < 28; at += 1) {
      await clock.advanceBy(10 * minuteMs);
      assert.equal((await simulation.status()).state, 'paused');
      assert.deepEqual(frozenLoops(daemon.progress(), clock), []);
    }
    reports.stopping('the end of the test');
    const fed = sent.filter(({ atMs, message }) => atMs >= fromMs && 'WATCHDOG' in message);
    const gaps = fed.slice(1).map(({ atMs }, i) => atMs - (fed[i]?.atMs ?? 0));
    assert.ok(fed.length > 100 && Math.max(...gaps) <= 90_000, `${Math.max(...gaps)} ms unfed`);
    const status = sent.findLast(({ message }) => 'STATUS' in message && !('STOPPING' in message));
    assert.match(String(status?.message.STATUS), /^paused: paused until .*: a trip; .*next at/);
    const events = log.said.filter(({ fields }) => fields.cause === 'paused');
    assert.deepEqual(
      events.map(({ level, event }) => `${level} ${event}`),
      ['info spending-stopped'],
    );
  });
});

test('a pause ages no row: after hours of it nothing has ended that is listed', async () => {
  const config = { retention: { ttlHours: 4, purgeDays: 30 } };
  await simulate({ ...plan, config }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(3 * hourMs);
    const healthy = async () => (await simulation.store.reader.healthyTime()).totalMs;
    await pauseFor(simulation, 12 * hourMs);
    const [atMs, endings] = [await healthy(), endedRows(simulation)];
    await simulation.clock.advanceBy(11 * hourMs);
    assert.equal(await healthy(), atMs);
    assert.equal(endedRows(simulation), endings, 'nothing ends in a pause');
    await simulation.clock.advanceBy(3 * hourMs);
    const grownMs = (await healthy()) - atMs;
    assert.ok(grownMs > 0 && grownMs <= 2 * hourMs + minuteMs, `${grownMs} ms after two hours`);
    const listed = simulation.keepa.liveRows(simulation.clock.now());
    const live = new Set(listed.map(({ asin }) => asin));
    const deals = await simulation.store.reader.deals({ states: ['ended'], withHeld: true });
    assert.deepEqual(
      deals.filter(({ asin }) => live.has(asin)),
      [],
    );
  });
});

test('a pause of seconds between two looks of the janitor is left out as well', async () => {
  await simulate({ ...plan, ratePerMinute: 60 }, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(hourMs);
    const healthy = async () => (await simulation.store.reader.healthyTime()).totalMs;
    const fromMs = await healthy();
    // One minute in five: what is left of the hour cannot be more than four fifths of it.
    for (let at = 0; at < 12; at += 1) {
      const pausing = simulation.daemon.actions.pause({});
      await simulation.clock.advanceBy(30_000);
      await pausing;
      const resuming = simulation.daemon.actions.resume();
      await simulation.clock.advanceBy(4 * minuteMs + 30_000);
      await resuming;
    }
    const grownMs = (await healthy()) - fromMs;
    assert.ok(grownMs <= 54 * minuteMs, `${grownMs} ms of 54 minutes`);
  });
});

test('what a person asks for is refused while it is paused, and says until when', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(10 * minuteMs);
    await pauseFor(simulation, hourMs);
    const order = { domainId: 1, asin: 'B000000001', isVerifying: false } as const;
    await assert.rejects(
      simulation.daemon.actions.refresh(order, () => undefined),
      (error) => error instanceof ActionRefusedError && /paused until 2026/.test(error.message),
    );
    await assert.rejects(
      simulation.daemon.actions.pause({ untilMs: simulation.clock.now() }),
      /in the past/,
    );
  });
});
