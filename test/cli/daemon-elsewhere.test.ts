/**
 * Goal: every command that a daemon could answer says one clear line at most, with its documented
 * exit code, when none is there and when one of another version is. Method: the real commands on a
 * real database, beside sockets that answer as those would.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { feed, fillStore, fullRow } from './filled-store.ts';
import { Place } from './run-cli.ts';

let place: Place;
let server: Server | undefined;
before(async () => {
  place = new Place();
  mkdirSync(place.path('data'), { mode: 0o700 });
  await fillStore(place.path('data/deals.sqlite'));
});
after(() => place.remove());
afterEach(async () => {
  const open = server;
  server = undefined;
  if (open !== undefined) await new Promise((resolve) => open.close(resolve));
});

/** Whoever asks there is answered with this, whatever the question. */
async function answerAll(reply: string): Promise<void> {
  const answering = createServer((socket) => {
    socket.once('error', () => undefined);
    socket.once('data', () => void socket.end(reply));
  });
  await new Promise<void>((resolve) => {
    answering.listen(place.path('data/control.sock'), resolve);
  });
  server = answering;
}

interface Case {
  readonly args: readonly string[];
  readonly code: number;
  /** On standard error: exactly one line of it, or nothing where it is absent. */
  readonly says?: RegExp;
}

const asin = fullRow.asin;
/** Names the price, as talk, before it asks anybody. */
const refresh = ['why', asin, '--refresh', '--yes'];
const priceLine = /^buying .* anew costs about/;
const alike: readonly Case[] = [
  { args: ['deals', '--format', 'json'], code: 0 },
  { args: ['why', asin], code: 0 },
  { args: ['tokens'], code: 0 },
  { args: ['plan', '--rate', '5'], code: 0 },
  { args: ['locks', 'list'], code: 0, says: /no locks are held/ },
  { args: ['locks', 'clear', 'none'], code: 1, says: /none is held/ },
  { args: ['checkpoints', 'list'], code: 0, says: /no progress is saved/ },
  { args: ['checkpoints', 'reset', 'nope', '--yes'], code: 1, says: /nope/ },
  { args: ['deals', 'confirm-held'], code: 0 },
];

const situations: readonly (readonly [string, string | undefined, readonly Case[]])[] = [
  [
    'no daemon',
    undefined,
    [
      { args: ['status'], code: 3 },
      { args: ['deals', 'rejudge'], code: 0 },
      { args: refresh, code: 69, says: /no daemon|does not run/ },
      ...alike,
    ],
  ],
  [
    'a daemon that knows none of the questions',
    'HTTP/1.0 404 Not Found\r\n\r\n{"error":"not found"}',
    [
      { args: ['status'], code: 69, says: /of another version: it does not know the question/ },
      { args: ['deals', 'rejudge'], code: 1, says: /of another version/ },
      { args: refresh, code: 69, says: /of another version/ },
      ...alike,
    ],
  ],
  [
    'a daemon whose report is of another schema',
    'HTTP/1.0 200 OK\r\n\r\n{"schema":2}',
    [
      { args: ['status', '--json'], code: 69, says: /of another version: .*schema 2/ },
      { args: ['deals', 'rejudge'], code: 1, says: /the daemon/ },
      { args: refresh, code: 69, says: /the daemon/ },
      ...alike,
    ],
  ],
];

for (const [name, reply, cases] of situations) {
  describe(`with ${name}`, () => {
    for (const { args, code, says } of cases) {
      test(args.join(' '), async () => {
        if (reply !== undefined) await answerAll(reply);
        const ended = await place.run([...args, '--data-dir', 'data']);
        assert.equal(ended.code, code, ended.stderr);
        const lines = ended.stderr
          .split('\n')
          .filter((line) => line !== '' && !priceLine.test(line));
        assert.equal(lines.length, says === undefined ? 0 : 1, ended.stderr);
        if (says !== undefined) assert.match(ended.stderr, says);
        assert.doesNotMatch(ended.stderr, /TypeError|\n\s+at |undefined/);
        if (code === 69) assert.equal(ended.stdout, '', 'nothing of an answer');
      });
    }
  });
}

test('a socket that is a plain file is nobody, and the database is read', async () => {
  writeFileSync(place.path('data/control.sock'), '');
  const { code, stdout } = await place.run(['status', '--json', '--data-dir', 'data']);
  assert.equal(code, 3);
  assert.equal(JSON.parse(stdout).feeds[0].name, feed.name);
});
