/**
 * Goal: nobody gets in over TCP who should not, and nobody can keep others from asking. Method:
 * the control server on real sockets; where HTTP clients are too well-behaved, bytes by hand.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Secret } from '../../src/config-key.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { ControlActions } from '../../src/status/actions.ts';
import { isLoopback } from '../../src/status/control-doors.ts';
import {
  type ControlServer,
  startControlServer,
  type TcpOptions,
} from '../../src/status/control-server.ts';
import { emptyReport } from '../../src/status/silent-report.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { type Answer, ask } from './asking.ts';

const limits = { timeout: 60_000 };
const tokenText = 'a-token-of-twenty-four-x';
const token = new Secret(tokenText);
const acted: string[] = [];
const acting = async (): Promise<never> => {
  acted.push('something');
  throw new Error('no action is to be reached');
};
const actions: ControlActions = {
  rejudge: acting,
  confirmHeld: acting,
  refresh: acting,
  pause: acting,
  resume: acting,
};

let directory: string;
let log: RecordedLog;
const open: ControlServer[] = [];
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-doors-'));
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  assert.deepEqual(acted, []);
});
after(() => rmSync(directory, { recursive: true }));

async function serve(http: Partial<TcpOptions> = {}, requestMs?: number): Promise<number> {
  log = new RecordedLog();
  const server = await startControlServer({
    answers: {
      report: async () => emptyReport({ nowMs: 0, dataDir: directory, hangs: undefined }),
      health: () => ({ frozen: [], unreadyWhy: undefined }),
      metrics: () => Promise.reject(new Error(`secret detail ${tokenText}`)),
    },
    actions,
    socketPath: join(directory, 'control.sock'),
    http: { host: '127.0.0.1', port: 0, ...http },
    clock: systemClock(),
    log,
    ...(requestMs === undefined ? {} : { requestMs }),
  });
  open.push(server);
  return Number(new URL(server.url() ?? '').port);
}

function get(port: number, headers: Record<string, string> = {}, path = '/status') {
  return ask({ host: '127.0.0.1', port, path, headers });
}

const paths = ['/status', '/healthz', '/readyz', '/metrics', '/nothing', '/actions/pause'];

describe('by which name it is called', limits, () => {
  test('one that only resolves to this machine is refused, whatever it asks', async () => {
    const port = await serve();
    const strange = [
      'attacker.example',
      '127.0.0.1.attacker.example',
      '192.168.0.1',
      'x@127.0.0.1',
    ];
    for (const host of [...strange, '[::ffff:1.2.3.4]', '0.0.0.0']) {
      for (const path of paths) {
        const { status } = await get(port, { host }, path);
        // What is no host at all is not even HTTP.
        assert.equal(status, host.includes('@') ? 400 : 403, `${host} ${path}`);
      }
    }
  });

  test('without a name nobody is served', async () => {
    const port = await serve();
    for (const head of ['HTTP/1.0', 'HTTP/1.1\r\nHost:\r\nConnection: close', 'HTTP/1.1']) {
      const said = await exchange(port, `GET /status ${head}\r\n\r\n`);
      assert.match(said, /^HTTP\/1\.1 40[03] /, head);
    }
  });

  test('names of this machine are served with any port, and without CORS', async () => {
    const port = await serve();
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1:80', '[::1]:1']) {
      const { status, headers } = await get(port, { host, origin: 'http://attacker.example' });
      assert.equal(status, 200, host);
      assertClosedToPages({ status, headers, body: '' });
    }
  });

  test('a name from the configuration is served, and no other', async () => {
    const port = await serve({ names: ['deals.example'] });
    assert.equal((await get(port, { host: 'deals.example:8080' })).status, 200);
    assert.equal((await get(port, { host: 'more.deals.example' })).status, 403);
  });

  test('only loopback addresses count as this machine', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) assert.ok(isLoopback(host));
    for (const host of ['0.0.0.0', '::', '192.168.1.1', '127.0.0.1.x.example', '']) {
      assert.ok(!isLoopback(host), host);
    }
  });
});

function assertClosedToPages({ headers }: Answer): void {
  const names = Object.keys(headers).filter((name) => name.startsWith('access-control-'));
  assert.deepEqual(names, []);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
}

test(
  'a preflight gets no leave, and no method but GET changes or tells anything',
  limits,
  async () => {
    const port = await serve();
    for (const method of ['OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH']) {
      for (const path of paths) {
        const headers = {
          origin: 'http://attacker.example',
          'access-control-request-method': 'POST',
        };
        const answer = await ask({ host: '127.0.0.1', port, path, method, headers });
        assert.equal(answer.status, 405, `${method} ${path}`);
        assertClosedToPages(answer);
      }
    }
    assert.equal((await get(port, {}, '/actions/pause')).status, 404, 'no action over TCP');
  },
);

test('an error leaks nothing, and its answer is as closed as any other', limits, async () => {
  const port = await serve();
  const answer = await get(port, {}, '/metrics');
  assert.deepEqual([answer.status, answer.body], [500, '{"error":"internal error"}']);
  assertClosedToPages(answer);
  assert.match(JSON.stringify(log.said), /secret detail/);
});

describe('a token', limits, () => {
  test('without one nobody listens beyond this machine', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1']) {
      await assert.rejects(serve({ host }), /token/, host);
    }
  });

  test('is needed by everybody over TCP, for everything, and nearly right is wrong', async () => {
    const port = await serve({ host: '0.0.0.0', token });
    const wrong = [
      '',
      tokenText,
      `Basic ${tokenText}`,
      `Bearer ${tokenText}x`,
      `Bearer ${tokenText.slice(1)}`,
      `Bearer ${tokenText.toUpperCase()}`,
      'Bearer ',
      'Bearer [secret]',
      `Bearer ${'x'.repeat(4_000)}`,
    ];
    for (const path of paths) {
      for (const authorization of wrong) {
        const { status, headers, body } = await get(port, { authorization }, path);
        assert.equal(status, 401, `${path} ${authorization.slice(0, 40)}`);
        assert.match(headers['www-authenticate'] ?? '', /^Bearer /);
        assert.ok(!body.includes(tokenText));
      }
    }
    const authorization = `Bearer ${tokenText}`;
    assert.equal((await get(port, { authorization })).status, 200);
    assert.equal((await get(port, { authorization }, '/actions/pause')).status, 404);
    const address = { authorization, host: `192.168.7.7:${port}` };
    assert.equal((await get(port, address)).status, 200, 'an address is no name');
    assert.equal((await get(port, { ...address, host: 'attacker.example' })).status, 403);
  });

  test('the socket in the data directory needs none', async () => {
    await serve({ token });
    const socketPath = join(directory, 'control.sock');
    assert.equal((await ask({ socketPath, path: '/status' })).status, 200);
  });
});

describe('how much one may ask', limits, () => {
  const large = async (port: number, options: Record<string, string>): Promise<number> =>
    (await get(port, options)).status;

  test('large headers and long paths are refused', async () => {
    const port = await serve();
    assert.equal(await large(port, { 'x-large': 'x'.repeat(9_000) }), 431);
    assert.equal((await get(port, {}, `/status?${'x'.repeat(9_000)}`)).status, 431);
    assert.equal((await get(port)).status, 200);
  });

  test('a body is refused unread, declared or chunked, and its connection closed', async () => {
    const port = await serve();
    for (const head of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
      for (const method of ['POST', 'GET']) {
        const said = await exchange(
          port,
          `${method} /status HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`,
        );
        assert.match(said, /^HTTP\/1\.1 413 /, `${method} ${head}`);
        assert.match(said, /^connection: close\r$/im);
      }
    }
  });

  // Node itself would look after half a minute.
  const soon = { timeout: 20_000 };
  test('who sends slowly, or nothing, is let go; others are served meanwhile', soon, async () => {
    const port = await serve({}, 300);
    const silent = connect(port, '127.0.0.1');
    const slow = connect(port, '127.0.0.1');
    slow.write('GET /status HTTP/1.1\r\nHost: localhost\r\nX-Drip: ');
    const [silentEnd, slowEnd] = [ended(silent), ended(slow)];
    await once(slow, 'connect');
    assert.equal((await get(port)).status, 200);
    assert.match(await slowEnd, /^HTTP\/1\.1 408 /);
    assert.match(await silentEnd, /^(?:HTTP\/1\.1 408 |$)/);
  });

  test('a connection that lies idle after its answer is closed', async () => {
    const port = await serve({}, 300);
    const said = await exchange(port, 'GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match(said, /^HTTP\/1\.1 200 /);
  });

  test('connections beyond the limit are dropped; the socket is not one of them', async () => {
    const port = await serve();
    const held = Array.from({ length: 60 }, () => connect(port, '127.0.0.1'));
    const ends = held.map(ended);
    const dropped = await Promise.race(ends);
    assert.equal(dropped, '', 'dropped without a word');
    const socketPath = join(directory, 'control.sock');
    assert.equal((await ask({ socketPath, path: '/status' })).status, 200);
    for (const socket of held) socket.destroy();
    await Promise.all(ends);
    for (;;) {
      const answer = await get(port).catch(() => undefined);
      if (answer?.status === 200) return;
    }
  });

  test('what is no HTTP gets a short refusal', async () => {
    const port = await serve();
    const said = await exchange(port, '\u0016\u0003\u0001 hello\r\n\r\n');
    assert.match(said, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.ok(said.length < 200);
  });
});

/** All that is answered to these bytes, until the other side closes. */
function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return ended(socket);
}

function ended(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A side that has closed resets what is still sent to it.
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}
