/**
 * Asking the daemon, against real sockets that behave as daemons do in their worst moments.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { askDaemon, type DaemonAnswer } from '../../src/cli/status-client.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { emptyReport } from '../../src/status/silent-report.ts';

let directory: string;
let path: string;
let server: Server;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-ask-'));
  path = join(directory, 'control.sock');
});
afterEach(() => {
  server?.close();
  rmSync(directory, { recursive: true });
});

/** What the caller learns from somebody who treats its connection like this. */
async function learned(
  treat: (socket: Socket) => void,
  clock: Clock = new VirtualClock(0),
): Promise<DaemonAnswer> {
  server = createServer((socket) => void socket.once('data', () => treat(socket)));
  server.listen(path);
  await once(server, 'listening');
  return askDaemon(path, clock);
}

const report = emptyReport({ nowMs: 0, dataDir: '/data', hangs: undefined });
const answering = (body: unknown) => (socket: Socket) =>
  void socket.end(`HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(body)}`);

test('an answer is the report in it, with whatever a later version adds', async () => {
  const later = { ...report, added: { since: 'then' } };
  assert.deepEqual(await learned(answering(later)), { kind: 'answered', report: later });
});

const foreign: readonly (readonly [string, unknown, string])[] = [
  ['of another schema', { ...report, schema: 2 }, 'its report is of schema 2'],
  ['without a part', { ...report, tokens: undefined }, 'its report lacks tokens'],
  ['with a part of another kind', { ...report, feeds: {} }, 'its report lacks feeds'],
  ['that is a list', [report], 'its report is of schema undefined'],
  ['that is nothing', null, 'its answer is no report'],
];
for (const [name, body, why] of foreign) {
  test(`an answer ${name} is of another version`, async () => {
    assert.deepEqual(await learned(answering(body)), { kind: 'foreign', why });
  });
}

test('one who does not know the question is of another version', async () => {
  const answer = await learned((socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n{}'));
  assert.deepEqual(answer, { kind: 'foreign', why: 'it does not know the question' });
});

test('nobody there is absent, and so is one who hangs up while leaving', async () => {
  assert.deepEqual(await askDaemon(path, new VirtualClock(0)), { kind: 'absent' });
  const leaving = (socket: Socket) => {
    server.close();
    socket.end();
  };
  assert.deepEqual(await learned(leaving, systemClock()), { kind: 'absent' });
});

test('one who hangs up on everybody is there', async () => {
  const why = 'it takes calls and hangs up';
  assert.deepEqual(await learned((socket) => socket.end(), systemClock()), { kind: 'silent', why });
});

test('an error inside the daemon is not taken for its absence', async () => {
  const answer = await learned((socket) => socket.end('HTTP/1.1 500 Oops\r\n\r\n{}'));
  assert.deepEqual(answer, { kind: 'silent', why: 'it answered with status 500' });
});

test('half an answer is no report', async () => {
  const answer = await learned((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"schema":'));
  assert.deepEqual(answer, { kind: 'silent', why: 'its answer is not JSON' });
});

test('one who takes the call and says nothing is silent after two seconds', async () => {
  const clock = new VirtualClock(0);
  const taken = Promise.withResolvers<Socket>();
  server = createServer((socket) => void socket.once('data', () => taken.resolve(socket)));
  server.listen(path);
  await once(server, 'listening');
  let answer: DaemonAnswer | undefined;
  const asking = askDaemon(path, clock).then((given) => {
    answer = given;
  });
  const socket = await taken.promise;
  await clock.advanceBy(1_999);
  assert.equal(answer, undefined);
  await clock.advanceBy(1);
  await asking;
  assert.deepEqual(answer, { kind: 'silent', why: 'no answer in 2000 ms' });
  socket.destroy();
});
