/**
 * `tokens` on a real ledger, as a child process, without a daemon.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import type { LedgerRecord } from '../../src/store/ports.ts';
import { fillStore, request } from './filled-store.ts';
import { Place } from './run-cli.ts';

const hourMs = 3_600_000;
const nowMs = Date.now();
const line = { ...request, atMs: nowMs - hourMs };

/** One of everything within the last two hours, and one long ago (which the fixture adds). */
const lines: readonly LedgerRecord[] = [
  {
    ...line,
    spendClass: 'upsert',
    purpose: 'history',
    shape: 'product',
    items: 10,
    costTokens: 10,
  },
  { ...line, spendClass: 'upsert', purpose: 'verify', shape: 'product+offers20', costTokens: 7.5 },
  { ...line, spendClass: 'head', purpose: 'head-poll' },
  { ...line, outcome: 'unavailable', costTokens: 0, why: 'status 503', balanceAfter: undefined },
  { ...line, attempt: 2 },
  { ...line, outcome: 'refused', costTokens: 0, balanceAfter: -3 },
  { ...line, spendClass: 'status', purpose: 'balance', shape: 'token', items: 0, costTokens: 0 },
];

let place: Place;
before(async () => {
  place = new Place();
  await fillStore(place.path('deals.sqlite'), async (writer) => {
    for (const one of lines) await writer.recordRequest(one);
  });
});
after(() => place.remove());

const tokens = (...args: string[]) => place.run(['tokens', '--data-dir', '.', ...args]);

test('json says who spent what: by class, by purpose, by shape, by outcome', async () => {
  const { code, stdout, stderr } = await tokens('--hours', '2', '--json');
  assert.equal(code, 0, stderr);
  const record = JSON.parse(stdout);
  assert.equal(record.spentTokens, 27.5);
  assert.equal(record.requests, 7);
  assert.deepEqual(record.classes.upsert, {
    requests: 2,
    tokens: 17.5,
    configuredPercent: 45,
    percentOfSpent: 63.6,
    percentOfIncome: null,
  });
  assert.equal(record.classes.interactive.tokens, 0);
  const [dearest] = record.purposes;
  assert.deepEqual([dearest.purpose, dearest.tokens], ['history', 10]);
  assert.deepEqual(record.outcomes, { answered: 5, unavailable: 1, refused: 1 });
  assert.equal(record.refusals, 1);
  assert.deepEqual(record.retries, { answered: 1 });
  const shapes = new Map(record.shapes.map((one: { shape: string }) => [one.shape, one]));
  const offers = { samples: 1, meanTokens: 7.5, p95Tokens: 7.5, maxTokens: 7.5 };
  const shape = 'product+offers20';
  assert.deepEqual(shapes.get(shape), { shape, ...offers, documentedTokens: 12 });
  // Nobody but a running daemon knows these.
  assert.deepEqual([record.refillRate, record.unexplainedTokens], [null, null]);
  assert.equal(record.whyUntold, 'no daemon runs');
  assert.equal(record.last.length, 8);
  const [latest] = record.last;
  assert.deepEqual([latest.purpose, latest.why], ['balance', null]);
});

test('the window and the list are as long as asked for', async () => {
  const { stdout } = await tokens('--hours', '10000', '--last', '2', '--json');
  const record = JSON.parse(stdout);
  assert.equal(record.requests, 8, 'the old line as well');
  assert.equal(record.last.length, 2);
  const none = JSON.parse((await tokens('--last', '0', '--json')).stdout);
  assert.deepEqual(none.last, []);
});

test('the text has the same, and a dash for what nobody knows', async () => {
  const { stdout } = await tokens('--hours', '2');
  assert.match(stdout, /^27\.5 tokens spent in 2 h 00 min, in 7 requests\n/);
  assert.match(stdout, /no daemon runs, so what others spent is not known here/);
  assert.match(stdout, /\nupsert +2 +17\.5 +63\.6 % +- +45 %\n/);
  assert.match(stdout, /\nproduct\+offers20 +7\.5 +7\.5 +7\.5 +12 +1\n/);
  assert.match(stdout, /requests: 5 answered.*1 refused.*; retries: 1 answered/);
  assert.match(stdout, /unavailable: status 503\n/);
  assert.match(stdout, /answered \(try 2\)\n/);
});

test('a daemon that is there and says nothing of use is told apart from none', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.0 404 Not Found\r\n\r\n'));
  server.listen(place.path('control.sock'));
  await once(server, 'listening');
  const { code, stdout } = await tokens();
  server.close();
  assert.equal(code, 0);
  assert.match(stdout, /\nthe daemon that runs is of another version, so what others spent/);
});

test('an empty window is an answer', async () => {
  const empty = new Place();
  await fillStore(empty.path('deals.sqlite'));
  const { code, stdout } = await empty.run(['tokens', '--data-dir', '.', '--hours', '1']);
  await empty.remove();
  assert.equal(code, 0);
  assert.match(stdout, /^nothing was asked of Keepa in 60 min\n/);
});
