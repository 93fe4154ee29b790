/**
 * Goal: whoever floods the daemon's own socket (a script in a loop, a client that hangs) neither
 * kills nor blocks it: it works on, answers over TCP meanwhile, and over the socket again by itself
 * while every connection of the flood is still held. Method: a real daemon, and bytes by hand.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { socketPath } from '../../src/cli/data-dir.ts';
import { ask } from '../status/asking.ts';
import { Place, type Running } from './run-cli.ts';
import { smallMarket, toml } from './small-market.ts';

const limits = { timeout: 300_000 };
const connections = 500;
const bodyBytes = 64 * 2 ** 20;

let place: Place;
let daemon: Running;
let port: number;
let held: Socket[];
beforeEach(async () => {
  place = new Place();
  place.write('keepa-deals.toml', toml);
  held = [];
  daemon = place.start(['start', '--json', '--http', '127.0.0.1:0'], await smallMarket(place));
  const [, found = ''] = await daemon.until(/"event":"listening".*"url":"http:[^"]*:(\d+)"/);
  port = Number(found);
  await daemon.until(/"scope":"backfiller","event":"pass","outcome":"done","feed"/);
});
afterEach(async () => {
  for (const socket of held) socket.destroy();
  await place.remove();
});

interface Held {
  readonly socket: Socket;
  /** What the daemon said until it closed the connection. */
  readonly said: Promise<string>;
}

/** A connection on which these bytes are sent, and which is not closed from here. */
function hold(bytes: string): Held {
  const socket = connect(socketPath(place.path('data')));
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const said = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  if (bytes !== '') socket.write(bytes);
  held.push(socket);
  return { socket, said };
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

async function assertAtWork(): Promise<void> {
  const { status, body } = await ask({ host: '127.0.0.1', port, path: '/healthz' });
  assert.equal(status, 200, body);
}

/** The command line, asked until it is let in. */
async function untilAnswered(): Promise<void> {
  for (;;) {
    const { code, stdout } = await place.run(['status', '--json']);
    if (code === 0 && JSON.parse(stdout).pid === daemon.child.pid) return;
    assert.equal(daemon.child.exitCode, null, 'the daemon has ended');
  }
}

describe('the socket of the data directory', limits, () => {
  const floods: Readonly<Record<string, string>> = {
    'that say nothing': '',
    'that never come to an end of what they say': 'GET /status HTTP/1.1\r\nHost: x\r\nX-A: ',
    'that post and never send the body': [
      'POST /actions/pause HTTP/1.1',
      'Host: x',
      'Content-Length: 9',
      '\r\n',
    ].join('\r\n'),
  };
  for (const [which, bytes] of Object.entries(floods)) {
    test(`survives ${connections} connections ${which}`, async () => {
      const before = residentBytes();
      const closed = Array.from({ length: connections }, () => hold(bytes).said);
      await assertAtWork();
      await untilAnswered();
      // None is held for longer than a request may take to arrive.
      await Promise.all(closed);
      await assertAtWork();
      assert.ok(residentBytes() - before < 64 * 2 ** 20, 'and its memory is its own');
      daemon.child.kill('SIGTERM');
      const { code, stderr } = await daemon.ended;
      assert.equal(code, 0, stderr);
    });
  }

  test('refuses any body, and does not do what the request asks for', async () => {
    const path = socketPath(place.path('data'));
    const asked = { socketPath: path, path: '/actions/pause', method: 'POST' };
    assert.equal((await ask(asked, 'x')).status, 413);
    const { stdout } = await place.run(['status', '--json']);
    assert.notEqual(JSON.parse(stdout).state, 'paused');
  });

  for (const how of ['Content-Length', 'chunked'] as const) {
    test(`reads nothing of a large body, ${how}`, async () => {
      const before = residentBytes();
      const isLong = how === 'Content-Length';
      const head = isLong ? `Content-Length: ${bodyBytes}` : 'Transfer-Encoding: chunked';
      const { socket, said } = hold(`POST /actions/pause HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
      const piece = Buffer.alloc(2 ** 20, 'x');
      for (let sent = 0; sent < bodyBytes && !socket.destroyed; sent += piece.length) {
        if (isLong) socket.write(piece);
        else socket.write(Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]));
      }
      assert.match(await said, /^HTTP\/1\.1 413 |^$/, 'refused, or cut before that could be read');
      await assertAtWork();
      await untilAnswered();
      assert.ok(residentBytes() - before < bodyBytes, `${residentBytes() - before} bytes more`);
    });
  }
});
