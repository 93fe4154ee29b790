/** Alive and ready: told from the loops and from what there is to work with, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BrokerSnapshot, StopCause } from '../../src/broker/request.ts';
import { healthOf } from '../../src/status/health.ts';
import type { Phase } from '../../src/status/sources.ts';
import { broker, nowMs } from './situations.ts';

const clock = { monotonic: () => 1_000 };

function health(change: {
  readonly phase?: Phase['name'];
  readonly broker?: BrokerSnapshot | undefined;
  readonly aliveUntilMs?: Readonly<Record<string, number>>;
}) {
  const { phase = 'active', aliveUntilMs = {} } = change;
  return healthOf({
    clock,
    phase: () => ({ name: phase, why: `because ${phase}`, sinceMs: nowMs }),
    broker: () => ('broker' in change ? change.broker : broker()),
    progress: () =>
      Object.entries(aliveUntilMs).map(([name, until]) => ({ name, aliveUntilMs: until })),
  });
}

test('a loop past its time is named, the longest silent first; one that waits is not', () => {
  const aliveUntilMs = {
    lease: 999,
    broker: 1_000,
    channel: 5,
    backfiller: Number.POSITIVE_INFINITY,
  };
  assert.deepEqual(health({ aliveUntilMs }).frozen, ['channel', 'lease']);
});

describe('ready', () => {
  const stopped = (cause: StopCause) =>
    broker({ stopped: { cause, why: `because ${cause}`, sinceMs: nowMs } });

  test('when it works or is paused, and knows its balance', () => {
    assert.equal(health({}).unreadyWhy, undefined);
    assert.equal(health({ phase: 'paused', broker: stopped('paused') }).unreadyWhy, undefined);
  });

  test('also while Keepa will not serve it: a restart changes nothing', () => {
    for (const cause of ['invalid-key', 'payment-required'] as const) {
      assert.equal(health({ broker: stopped(cause) }).unreadyWhy, undefined);
    }
  });

  test('not without a lease, a store or a balance, nor while it starts, stands by or ends', () => {
    assert.match(health({ broker: stopped('gate') }).unreadyWhy ?? '', /because gate/);
    assert.match(health({ broker: stopped('store') }).unreadyWhy ?? '', /because store/);
    assert.match(health({ broker: undefined }).unreadyWhy ?? '', /balance is not known/);
    const unread = broker({ balance: undefined });
    assert.match(health({ broker: unread }).unreadyWhy ?? '', /balance is not known/);
    assert.match(health({ phase: 'paused', broker: unread }).unreadyWhy ?? '', /because paused/);
    for (const phase of ['starting', 'blocked', 'standby', 'stopping'] as const) {
      assert.match(health({ phase }).unreadyWhy ?? '', new RegExp(`because ${phase}`));
    }
  });
});
