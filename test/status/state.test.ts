/**
 * Goal: the state is right in every situation that a person could mistake for another. Method: a
 * table of situations, each told apart from a healthy daemon by one or two facts.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decideState, type Situation, type StateName } from '../../src/status/state.ts';
import { broker, loop, nowMs, queuedClass, situation } from './situations.ts';

interface Case {
  readonly name: string;
  readonly situation: Situation;
  readonly state: StateName;
  readonly reason: RegExp;
  readonly nextActionAtMs?: number;
}

const minute = 60_000;
const tick = 60_200;
const failure = { outcome: 'unavailable', why: 'connection refused', atMs: nowMs } as const;
const flight = {
  spendClass: 'head',
  purpose: 'head-poll',
  sinceMs: nowMs - 150_000,
  forMs: 150_000,
} as const;
const answer = { outcome: 'answered', why: undefined, atMs: nowMs } as const;

const cases: readonly Case[] = [
  {
    name: 'nothing queued and a pass planned',
    situation: situation(),
    state: 'running',
    reason: /nothing is due/,
    nextActionAtMs: nowMs + minute,
  },
  {
    name: 'a request under way',
    situation: situation({
      broker: broker({
        inFlight: {
          spendClass: 'backfill',
          purpose: 'sweep',
          sinceMs: nowMs - 1_000,
          forMs: 1_000,
        },
      }),
    }),
    state: 'running',
    reason: /sweep \(backfill\) under way/,
    nextActionAtMs: nowMs,
  },
  {
    name: 'work that will be affordable at a known time',
    situation: situation({
      broker: broker(
        { balance: 3, commons: 0, nextAdmissionAtMs: nowMs + 41_000, tokensNeeded: 5 },
        { backfill: queuedClass({ credit: 3, oldestWaitMs: 20 * minute }) },
      ),
    }),
    state: 'waiting',
    reason: /backfill: waiting for 5 tokens, the balance is 3/,
    nextActionAtMs: nowMs + 41_000,
  },
  {
    name: 'a long wait in debt that somebody else caused',
    situation: situation({
      broker: broker(
        {
          balance: -150,
          commons: -200,
          nextAdmissionAtMs: nowMs + 31 * minute,
          tokensNeeded: 5,
          lastAnswerAtMs: nowMs - 30 * minute,
        },
        { head: queuedClass({ oldestWaitMs: 30 * minute }) },
      ),
    }),
    state: 'waiting',
    reason: /the balance is -150/,
    nextActionAtMs: nowMs + 31 * minute,
  },
  {
    name: 'a head in backoff that is admissible and planned for later',
    situation: situation({
      broker: broker(
        { nextAdmissionAtMs: nowMs + 20_000, lastAnswerAtMs: nowMs - 10 * minute },
        { head: queuedClass({ oldestWaitMs: 10 * minute }) },
      ),
    }),
    state: 'waiting',
    reason: /waiting to try again/,
    nextActionAtMs: nowMs + 20_000,
  },
  {
    name: 'work that could have been started two ticks ago',
    situation: situation({
      broker: broker(
        { startableForMs: 2 * tick, nextAdmissionAtMs: nowMs },
        { head: queuedClass() },
      ),
    }),
    state: 'running',
    reason: /head at work/,
  },
  {
    name: 'work that could have been started more than two ticks ago',
    situation: situation({
      broker: broker(
        { startableForMs: 2 * tick + 1, nextAdmissionAtMs: nowMs + 5 },
        { head: queuedClass() },
      ),
    }),
    state: 'stalled',
    reason: /head: could have been started (2 min|120 s) ago and was not/,
  },
  {
    name: 'a balance that nobody reads',
    situation: situation({ broker: broker({ balance: undefined, startableForMs: 3 * minute }) }),
    state: 'stalled',
    reason: /reading the balance: could have been started 3 min ago/,
  },
  {
    name: 'queued work that no income will ever pay',
    situation: situation({
      broker: broker({ netRate: 0, balance: 3 }, { refresh: queuedClass() }),
    }),
    state: 'degraded',
    reason: /refresh: not affordable within 10 hours, the balance is 3 and 0 tokens/,
  },
  {
    name: 'a clock that was set back by years',
    situation: situation({ broker: broker({ clockOffsetMs: 7 * 365 * 24 * 60 * minute }) }),
    state: 'degraded',
    reason: /clock of this machine is 7 years behind Keepa's; set it right/,
  },
  {
    name: 'a clock that is minutes ahead',
    situation: situation({ broker: broker({ clockOffsetMs: -6 * minute }) }),
    state: 'degraded',
    reason: /clock of this machine is 6 min ahead of Keepa's/,
  },
  {
    name: 'a clock that is off by no more than an answer may take',
    situation: situation({ broker: broker({ clockOffsetMs: 5 * minute }) }),
    state: 'running',
    reason: /nothing is due yet/,
  },
  {
    name: 'a request within its time limits, whatever the wall clock says',
    situation: situation({ broker: broker({ inFlight: { ...flight, sinceMs: 0 } }) }),
    state: 'running',
    reason: /head-poll \(head\) under way/,
  },
  {
    name: 'a request that outlived every time limit',
    situation: situation({ broker: broker({ inFlight: { ...flight, forMs: 4 * minute } }) }),
    state: 'stalled',
    reason: /head-poll\) has been under way for 4 min/,
  },
  {
    name: 'a loop without progress beyond its deadline',
    situation: situation({
      loops: [loop(), loop({ name: 'upserter', progressDueInMs: -1, lastError: 'boom' })],
    }),
    state: 'stalled',
    reason: /upserter made no progress.*boom/,
  },
  {
    name: 'Keepa refusing the key',
    situation: situation({
      broker: broker({ stopped: { why: 'Keepa refused the key', sinceMs: nowMs } }),
    }),
    state: 'degraded',
    reason: /no token is spent: Keepa refused the key/,
  },
  {
    name: 'a stop that also leaves work overdue',
    situation: situation({
      broker: broker(
        { stopped: { why: 'the store cannot write', sinceMs: nowMs }, nextAdmissionAtMs: 0 },
        { head: queuedClass() },
      ),
    }),
    state: 'degraded',
    reason: /the store cannot write/,
  },
  {
    name: 'three requests in a row that failed',
    situation: situation({ recentRequests: [failure, failure, failure, answer] }),
    state: 'degraded',
    reason: /the last 3 requests failed: connection refused/,
  },
  {
    name: 'two that failed after one that did not',
    situation: situation({ recentRequests: [failure, failure, answer, failure] }),
    state: 'running',
    reason: /nothing is due/,
  },
  {
    name: 'refusals by Keepa, which are a wait and no failure',
    situation: situation({
      recentRequests: [
        { ...failure, outcome: 'refused' },
        { ...failure, outcome: 'refused' },
        { ...failure, outcome: 'refused' },
      ],
    }),
    state: 'running',
    reason: /nothing is due/,
  },
  {
    name: "a tenth of the hour's refill spent by somebody else",
    situation: situation({ broker: broker({ unexplainedTokens: 30 }) }),
    state: 'running',
    reason: /nothing is due/,
  },
  {
    name: 'more than a tenth of it',
    situation: situation({ broker: broker({ unexplainedTokens: 30.01 }) }),
    state: 'degraded',
    reason: /30 tokens of the last hour were spent by somebody else/,
  },
  {
    name: 'the same drain on a plan ten times as rich',
    situation: situation({ broker: broker({ unexplainedTokens: 31, refillRate: 50 }) }),
    state: 'running',
    reason: /nothing is due/,
  },
  {
    name: 'the first seconds',
    situation: situation({
      phase: { name: 'starting', why: 'opening', sinceMs: nowMs },
      broker: undefined,
      loops: [],
    }),
    state: 'starting',
    reason: /opening/,
  },
  {
    name: 'a balance that is not known yet',
    situation: situation({
      phase: { name: 'active', why: 'working', sinceMs: nowMs - 5_000 },
      broker: broker({ balance: undefined, refillRate: undefined, lastAnswerAtMs: undefined }),
    }),
    state: 'starting',
    reason: /asking Keepa for the balance/,
  },
  {
    name: 'a balance that does not come',
    situation: situation({
      phase: { name: 'active', why: 'working', sinceMs: nowMs - 10 * minute },
      broker: broker({ balance: undefined, refillRate: undefined, lastAnswerAtMs: undefined }),
    }),
    state: 'degraded',
    reason: /no answer from Keepa for 10 min/,
  },
  {
    name: 'a standby',
    situation: situation({
      phase: { name: 'standby', why: 'waiting for process 4 to end', sinceMs: nowMs },
      broker: undefined,
    }),
    state: 'standby',
    reason: /process 4/,
  },
  {
    name: 'a pause, also with work overdue',
    situation: situation({
      phase: { name: 'paused', why: 'paused by hand', sinceMs: nowMs, untilMs: nowMs + 9 },
      broker: broker(
        { stopped: { why: 'paused by hand', cause: 'paused', sinceMs: nowMs } },
        { head: queuedClass() },
      ),
    }),
    state: 'paused',
    reason: /by hand/,
    nextActionAtMs: nowMs + 9,
  },
  {
    name: 'a pause with a loop that hangs',
    situation: situation({
      phase: { name: 'paused', why: 'paused by hand', sinceMs: nowMs },
      loops: [loop({ progressDueInMs: -1_000 })],
    }),
    state: 'stalled',
    reason: /backfiller made no progress/,
  },
  {
    name: 'a pause of a daemon whose plan is unpaid',
    situation: situation({
      phase: { name: 'paused', why: 'paused by hand', sinceMs: nowMs },
      broker: broker({ stopped: { why: '402', cause: 'payment-required', sinceMs: nowMs } }),
    }),
    state: 'degraded',
    reason: /^no token is spent: 402$/,
  },
  {
    name: 'the last seconds',
    situation: situation({ phase: { name: 'stopping', why: 'SIGTERM', sinceMs: nowMs } }),
    state: 'stopped',
    reason: /SIGTERM/,
  },
];

describe('one situation, one state', () => {
  for (const { name, situation: given, state, reason, nextActionAtMs } of cases) {
    test(`${name}: ${state}`, () => {
      const judgement = decideState(given);
      assert.equal(judgement.state, state, judgement.reason);
      assert.match(judgement.reason, reason);
      if (nextActionAtMs !== undefined) assert.equal(judgement.nextActionAtMs, nextActionAtMs);
    });
  }
});

test('whatever the figures, waiting has a time that lies ahead, and every state a reason', () => {
  const ms = fc.integer({ min: -4 * minute, max: 4 * minute }).map((ahead) => nowMs + ahead);
  const facts = fc.record({
    balance: fc.option(fc.integer({ min: -300, max: 300 }), { nil: undefined }),
    commons: fc.integer({ min: -300, max: 300 }),
    nextAdmissionAtMs: fc.option(ms, { nil: undefined }),
    lastAnswerAtMs: fc.option(ms, { nil: undefined }),
    unexplainedTokens: fc.integer({ min: 0, max: 60 }),
  });
  const waits = fc.record({
    credit: fc.integer({ min: -50, max: 50 }),
    oldestWaitMs: fc.integer({ min: 0, max: 10 * minute }),
  });
  fc.assert(
    fc.property(facts, waits, fc.option(ms, { nil: undefined }), (changes, wait, due) => {
      const judgement = decideState(
        situation({
          broker: broker(changes, { upsert: queuedClass(wait) }),
          loops: [loop({ progressDueInMs: due === undefined ? undefined : due - nowMs })],
        }),
      );
      assert.notEqual(judgement.reason, '');
      if (judgement.state !== 'waiting') return;
      assert.ok(judgement.nextActionAtMs !== undefined && judgement.nextActionAtMs > nowMs);
    }),
  );
});
