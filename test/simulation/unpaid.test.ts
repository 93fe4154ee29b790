/**
 * Goal: a plan that is not paid stops all spending for as long as it is not paid, and no longer.
 * Method: the whole daemon in virtual time; Keepa answers 402 and some hours later as ever.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../src/simulator/faults.ts';
import { ActionRefusedError } from '../../src/status/actions.ts';
import { type Simulation, simulate } from './simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const plan = { seed: 7, ratePerMinute: 5, rows: 400 };

const unpaid: Fault = {
  kind: 'answer',
  response: {
    status: 402,
    contentType: 'application/json',
    body: JSON.stringify({ error: { type: 'PAYMENT_REQUIRED', message: 'not paid' } }),
  },
};

function spentTokens({ keepa }: Simulation): number {
  return Object.values(keepa.requests.spentTokens).reduce((sum, tokens) => sum + tokens, 0);
}

/** Rows that were sent back because of an answer that was none. */
function retriedRows({ log }: Simulation): number {
  return log.said.reduce((sum, { fields }) => sum + Number(fields.retry ?? 0), 0);
}

test('a first start on an unpaid plan is ready and at work once it was paid', async () => {
  await simulate(plan, async (simulation) => {
    simulation.keepa.setFaults(() => unpaid);
    await simulation.start();
    let isReady = false;
    void simulation.daemon.readied.then(() => {
      isReady = true;
    });
    await simulation.clock.advanceBy(5 * hourMs);
    const waiting = await simulation.status();
    assert.equal(waiting.state, 'degraded');
    assert.match(waiting.reason, /402.*goes on by itself/);
    const inMs = Date.parse(waiting.nextActionAt ?? '') - simulation.clock.now();
    assert.ok(inMs > 0 && inMs <= 10 * minuteMs, `tried again in ${inMs} ms`);
    assert.equal(isReady, false);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(11 * minuteMs);
    assert.equal(isReady, true);
    const { state } = await simulation.status();
    assert.ok(state === 'running' || state === 'waiting', state);
    assert.ok(spentTokens(simulation) > 0);
  });
});

test('a plan that was unpaid for a night sends no row back and ends none', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(3 * hourMs);
    const [before, retries] = [await simulation.status(), retriedRows(simulation)];
    const spent = spentTokens(simulation);
    simulation.keepa.setFaults(({ path }) => (path.startsWith('/token') ? undefined : unpaid));
    await simulation.clock.advanceBy(10 * hourMs);
    assert.equal(spentTokens(simulation), spent);
    assert.equal(retriedRows(simulation), retries);
    const order = { domainId: 1, asin: 'B000000001', isVerifying: false } as const;
    const refresh = simulation.daemon.actions.refresh(order, () => undefined);
    await assert.rejects(
      refresh,
      (error) =>
        error instanceof ActionRefusedError && /no token is spent: .*402/.test(error.message),
    );
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(11 * minuteMs);
    const after = await simulation.status();
    assert.ok(after.state === 'running' || after.state === 'waiting', after.reason);
    assert.ok(spentTokens(simulation) > spent);
    assert.equal(after.deals.ended, before.deals.ended);
    for (const [name, { longestWaitMs }] of Object.entries(after.classes)) {
      assert.ok((longestWaitMs ?? 0) < 5 * hourMs, `${name} waited ${longestWaitMs} ms`);
    }
  });
});

test('a person who asks as the plan turns out to be unpaid is told, and no row is', async () => {
  await simulate(plan, async (simulation) => {
    await simulation.start();
    await simulation.clock.advanceBy(3 * hourMs);
    const [deal] = await simulation.store.reader.deals({ states: ['accepted'], limit: 1 });
    assert.ok(deal !== undefined);
    const retries = async () =>
      (await simulation.store.reader.past({ domainId: 1, asin: deal.asin })).filter(
        ({ kind }) => kind === 'retry',
      ).length;
    const before = await retries();
    simulation.keepa.setFaults(({ path }) => (path.startsWith('/product') ? unpaid : undefined));
    const order = { domainId: 1, asin: deal.asin, isVerifying: false } as const;
    let told = '';
    void simulation.daemon.actions
      .refresh(order, () => undefined)
      .then(({ why }) => {
        told = why ?? '';
      });
    await simulation.clock.advanceBy(10 * minuteMs);
    assert.match(told, /Keepa refuses it: .*402/);
    assert.equal(await retries(), before);
  });
});
