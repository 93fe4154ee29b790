/**
 * The control server over real sockets, with a report made to order.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { ActionRefusedError, type ControlActions } from '../../src/status/actions.ts';
import { type ControlServer, startControlServer } from '../../src/status/control-server.ts';
import type { Health } from '../../src/status/health.ts';
import type { StatusReport } from '../../src/status/report-fields.ts';
import { emptyReport } from '../../src/status/silent-report.ts';
import { type Answer, ask } from './asking.ts';

const logged: string[] = [];
const note = (event: string, fields?: object): void => {
  logged.push(`${event} ${JSON.stringify(fields)}`);
};
const log: Log = { debug: note, info: note, warn: note, error: note, scoped: () => log };

let directory: string;
let socketPath: string;
const open: { close(): unknown }[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-control-'));
  socketPath = join(directory, 'control.sock');
  logged.length = 0;
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  rmSync(directory, { recursive: true });
});

function reportIn(state: StatusReport['state']): StatusReport {
  const empty = emptyReport({ nowMs: 0, dataDir: directory, hangs: undefined });
  return { ...empty, state, reason: `because ${state}` };
}

async function serve(
  report: () => Promise<StatusReport> = async () => reportIn('running'),
  options: {
    readonly port?: number;
    readonly path?: string;
    readonly clock?: Clock;
    readonly actions?: ControlActions;
    readonly health?: Health;
  } = {},
): Promise<ControlServer> {
  const server = await startControlServer({
    answers: {
      report,
      health: () => options.health ?? { frozen: [], unreadyWhy: undefined },
      metrics: async () => ({ text: 'a_metric 1\n', contentType: 'text/plain; version=0.0.4' }),
    },
    ...(options.actions === undefined ? {} : { actions: options.actions }),
    socketPath: options.path ?? socketPath,
    ...(options.port === undefined ? {} : { http: { host: '127.0.0.1', port: options.port } }),
    clock: options.clock ?? systemClock(),
    log,
  });
  open.push(server);
  return server;
}

const overSocket = (path: string, options: RequestOptions = {}) =>
  ask({ socketPath, path, ...options });

describe('what it answers', () => {
  test('GET /status is the report', async () => {
    await serve();
    const { status, headers, body } = await overSocket('/status');
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.deepEqual(JSON.parse(body), reportIn('running'));
  });

  test('alive means that no loop is frozen, whatever state it is in', async () => {
    for (const state of ['degraded', 'stalled', 'paused', 'standby', 'starting'] as const) {
      const path = join(directory, `${state}.sock`);
      await serve(async () => reportIn(state), { path });
      const { status, body } = await ask({ socketPath: path, path: '/healthz' });
      assert.equal(status, 200, state);
      const { freshness } = reportIn(state);
      const how = { state, reason: `because ${state}`, freshness };
      assert.deepEqual(JSON.parse(body), { alive: true, frozen: [], ...how });
    }
    const health = { frozen: ['channel', 'lease'], unreadyWhy: undefined };
    await serve(undefined, { health });
    const { status, body } = await overSocket('/healthz');
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body).frozen, ['channel', 'lease']);
  });

  test('ready is what has a store, a lease and a balance; else it says what lacks', async () => {
    await serve();
    const ready = await overSocket('/readyz');
    assert.deepEqual([ready.status, JSON.parse(ready.body).why], [200, null]);
    const path = join(directory, 'other.sock');
    await serve(undefined, { path, health: { frozen: [], unreadyWhy: 'no balance yet' } });
    const unready = await ask({ socketPath: path, path: '/readyz' });
    assert.equal(unready.status, 503);
    assert.equal(JSON.parse(unready.body).why, 'no balance yet');
  });

  test('a store that cannot be read makes nothing dead or unready', async () => {
    await serve(() => Promise.reject(new Error('secret detail')));
    for (const path of ['/healthz', '/readyz']) {
      const { status, body } = await overSocket(path);
      assert.equal(status, 200, path);
      assert.equal(JSON.parse(body).freshness, null);
      assert.doesNotMatch(body, /secret/);
    }
    assert.match(logged.join('\n'), /secret detail/);
  });

  test('GET /metrics is the exposition, in the type that Prometheus reads', async () => {
    await serve();
    const { status, headers, body } = await overSocket('/metrics');
    assert.deepEqual([status, body], [200, 'a_metric 1\n']);
    assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  });

  test('an error inside says nothing outside, and goes to the log', async () => {
    await serve(() => Promise.reject(new Error('secret detail')));
    const { status, body } = await overSocket('/status');
    assert.equal(status, 500);
    assert.equal(body, '{"error":"internal error"}');
    assert.match(logged.join('\n'), /secret detail/);
  });

  test('anything but GET is refused, anywhere', async () => {
    await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal((await overSocket('/status', { method })).status, 405, method);
    }
    assert.equal((await overSocket('/nothing')).status, 404);
  });
});

describe('what it can be asked to do', () => {
  const asked: string[] = [];
  beforeEach(() => {
    asked.length = 0;
  });
  const outcome = { judged: 2, unreadable: 0, changes: [], isComplete: true };
  const actions: ControlActions = {
    rejudge: async (onProgress) => {
      asked.push('rejudge');
      onProgress(1);
      return outcome;
    },
    confirmHeld: async () => asked.push('confirm'),
    refresh: async (order, onQueued) => {
      asked.push(JSON.stringify(order));
      onQueued(5_000);
      return { costTokens: 7, why: null };
    },
    pause: async (order) => {
      asked.push(JSON.stringify(order));
      return { pause: { sinceMs: 1, ...order }, underWay: null };
    },
    resume: async () => {
      asked.push('resume');
      return undefined;
    },
  };
  const post = (path: string) => overSocket(path, { method: 'POST' });
  const linesOf = ({ body }: Answer): unknown[] =>
    body.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

  test('an answer is a line for every step, and a last one with the result', async () => {
    await serve(undefined, { actions });
    assert.deepEqual(linesOf(await post('/actions/rejudge')), [
      { event: 'progress', judged: 1 },
      { event: 'rejudged', outcome },
    ]);
    const order = '/actions/refresh?domain=3&asin=B000000001&verify=1';
    assert.deepEqual(linesOf(await post(order)), [
      { event: 'queued', waitBoundMs: 5_000 },
      { event: 'refreshed', result: { costTokens: 7, why: null } },
    ]);
    assert.equal(asked[1], '{"domainId":3,"asin":"B000000001","isVerifying":true}');
    assert.deepEqual(linesOf(await post('/actions/confirm-held')), [
      { event: 'confirmed', rows: 3 },
    ]);
  });

  test('nothing is done by GET, nor by any other method', async () => {
    await serve(undefined, { actions });
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of ['rejudge', 'confirm-held', 'refresh', 'pause', 'resume']) {
        const { status, headers } = await overSocket(`/actions/${path}`, { method });
        assert.equal(status, 405, `${method} ${path}`);
        assert.equal(headers.allow, 'POST');
      }
    }
    assert.deepEqual(asked, []);
  });

  test('over TCP there are no actions, whatever the method', async () => {
    const { url } = await serve(undefined, { actions, port: 0 });
    const { port } = new URL(url() ?? '');
    for (const method of ['POST', 'GET']) {
      const { status } = await ask({ host: '127.0.0.1', port, path: '/actions/rejudge', method });
      assert.ok(status === 404 || status === 405, `${method}: ${status}`);
    }
    assert.deepEqual(asked, []);
  });

  test('a pause is asked for by its end and its reason, and a resumption by nothing', async () => {
    await serve(undefined, { actions });
    assert.deepEqual(linesOf(await post('/actions/pause?until=5&reason=a%20trip')), [
      {
        event: 'paused',
        result: { pause: { sinceMs: 1, untilMs: 5, reason: 'a trip' }, underWay: null },
      },
    ]);
    assert.deepEqual(linesOf(await post('/actions/resume')), [{ event: 'resumed', pause: null }]);
    asked.length = 0;
    for (const query of ['until=soon', 'until=-1', 'reason=', 'reason=a%0Ab', 'reason=%1b[31m']) {
      const [line] = linesOf(await post(`/actions/pause?${query}`));
      assert.equal(Reflect.get(Object(line), 'event'), 'failed', query);
    }
    assert.deepEqual(asked, []);
  });

  test('what is no product is refused, and nothing is bought', async () => {
    await serve(undefined, { actions });
    const orders = ['', '?domain=3', '?domain=7&asin=B000000001', '?domain=1&asin=b1', '?asin=x'];
    for (const order of orders) {
      const lines = linesOf(await post(`/actions/refresh${order}`));
      assert.deepEqual(lines, [{ event: 'failed', why: 'no such product' }], order);
    }
    assert.deepEqual(asked, []);
  });

  test('a refusal says why; a fault says nothing outside and goes to the log', async () => {
    const failing = (error: Error): ControlActions => ({
      ...actions,
      rejudge: () => Promise.reject(error),
    });
    await serve(undefined, { actions: failing(new ActionRefusedError('it stands by')) });
    assert.deepEqual(linesOf(await post('/actions/rejudge')), [
      { event: 'failed', why: 'it stands by' },
    ]);
    const path = join(directory, 'other.sock');
    await serve(undefined, { actions: failing(new Error('secret detail')), path });
    const { body } = await ask({ socketPath: path, path: '/actions/rejudge', method: 'POST' });
    assert.doesNotMatch(body, /secret/);
    assert.match(body, /internal error/);
    assert.match(logged.join('\n'), /secret detail/);
  });

  test('who hangs up does not stop the work', async () => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const slow: ControlActions = {
      ...actions,
      rejudge: async (onProgress) => {
        started.resolve();
        await release.promise;
        onProgress(1);
        ended.resolve();
        return outcome;
      },
    };
    await serve(undefined, { actions: slow });
    const asking = request({ socketPath, path: '/actions/rejudge', method: 'POST' });
    asking.on('error', () => undefined);
    asking.end();
    await started.promise;
    asking.destroy();
    release.resolve();
    await ended.promise;
    assert.equal((await overSocket('/status')).status, 200);
  });
});

test('a port that is taken is an error to whoever starts it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  open.push(other);
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  assert.ok(port !== undefined);
  await assert.rejects(serve(undefined, { port }), { code: 'EADDRINUSE' });
});

describe('the socket', () => {
  test('is for its user alone, and gone after the end', async () => {
    const server = await serve();
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    await server.close();
    assert.ok(!existsSync(socketPath));
  });

  test('one that a killed process left behind is replaced, and so is any other file', async () => {
    const dead = await listenOn(socketPath);
    const left = join(directory, 'left.sock');
    // Closing unlinks it; a killed process would have had no time to.
    renameSync(socketPath, left);
    await new Promise((resolve) => dead.close(resolve));
    renameSync(left, socketPath);
    await serve();
    assert.equal((await overSocket('/status')).status, 200);
    const file = join(directory, 'file.sock');
    writeFileSync(file, 'garbage');
    await serve(undefined, { path: file });
    assert.equal((await ask({ socketPath: file, path: '/status' })).status, 200);
  });

  test('one that a live daemon has is left alone, and taken over when it ends', async () => {
    const clock = new VirtualClock(0);
    const first = await serve(async () => reportIn('running'));
    const second = await serve(async () => reportIn('standby'), { clock });
    assert.equal(JSON.parse((await overSocket('/status')).body).state, 'running');
    await first.close();
    await clock.advanceBy(1_000);
    await untilAnswered('standby');
    await second.close();
    assert.ok(!existsSync(socketPath));
  });

  test('the port goes the same way: from the live one to its standby', async () => {
    const clock = new VirtualClock(0);
    const first = await serve(async () => reportIn('running'), { port: 0 });
    const url = first.url() ?? '';
    const port = Number(new URL(url).port);
    const second = await serve(async () => reportIn('standby'), { clock, port });
    assert.equal(second.url(), undefined);
    await first.close();
    await clock.advanceBy(1_000);
    await untilAnswered('standby');
    while (second.url() === undefined) await clock.advanceBy(1_000);
    assert.equal(second.url(), url);
    const answer = await ask({ host: '127.0.0.1', port, path: '/status' });
    assert.equal(JSON.parse(answer.body).state, 'standby');
  });

  /** The retry has been set off and does its work on a real socket: asks until that is done. */
  async function untilAnswered(state: string): Promise<void> {
    for (;;) {
      const answer = await overSocket('/status').catch(() => undefined);
      if (answer !== undefined && JSON.parse(answer.body).state === state) return;
    }
  }
});

function listenOn(path: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => void server.listen(path, () => resolve(server)));
}
