/**
 * Both doors into one simulated Keepa, and the faults they carry out.
 */
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { TransportError, type WireRequest } from '../../src/keepa/transport.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { type HttpKeepa, startHttpKeepa } from '../../src/simulator/http-door.ts';
import { createInProcessTransport } from '../../src/simulator/in-process.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';
import { ask, everyRow, richKeepa, startMs } from './asking.ts';

const page: WireRequest = {
  method: 'POST',
  path: '/deal',
  query: {},
  body: JSON.stringify({ ...everyRow, page: 0 }),
};

function inProcess(options: Parameters<typeof richKeepa>[0] = {}, fault?: Fault) {
  const core = richKeepa({ ratePerMinute: 5, key: 'secret', ...options });
  core.setFaults(fault === undefined ? undefined : () => fault);
  const clock = new VirtualClock(startMs);
  const transport = createInProcessTransport({ core, clock, key: 'secret' });
  const abort = new AbortController();
  const send = async (request: WireRequest, waitMs = 60_000) => {
    const sent = transport.send(request, abort.signal).then(
      (response) => ({ response, error: undefined }),
      (error: unknown) => ({ response: undefined, error }),
    );
    await clock.advanceBy(waitMs);
    return sent;
  };
  return { core, clock, transport, abort, send };
}

function offers(core: ReturnType<typeof richKeepa>, count = 1): WireRequest {
  const asin = core
    .liveRows(startMs)
    .slice(0, count)
    .map((row) => row.asin)
    .join(',');
  return { method: 'GET', path: '/product', query: { domain: '1', asin, offers: '20' } };
}

describe('in process', () => {
  test('an answer comes exactly when its processing is over', async () => {
    const { clock, core, transport, abort } = inProcess();
    let answeredAt = 0;
    const sent = transport.send(page, abort.signal).then((response) => {
      answeredAt = clock.now();
      return response;
    });
    await clock.advanceBy(60_000);
    const envelope: { timestamp: number; processingTimeInMs: number } = JSON.parse(
      (await sent).body,
    );
    assert.equal(envelope.timestamp, startMs);
    assert.ok(envelope.processingTimeInMs > 0);
    assert.equal(answeredAt, startMs + envelope.processingTimeInMs);
    assert.equal(core.requests.spentTokens.deal, 5);
  });

  test('whoever stops waiting is billed all the same', async () => {
    const { clock, core, transport, abort } = inProcess();
    const sent = transport.send(offers(core), abort.signal);
    const failed = assert.rejects(sent, (error) => error instanceof TransportError && error.sent);
    await clock.advanceBy(10);
    abort.abort();
    await failed;
    assert.equal(core.balance(clock.now()), 300);
    await clock.advanceBy(30_000);
    assert.ok(core.requests.spentTokens.product > 0);
    assert.equal(clock.pending, 0);
  });

  test('a request that was cancelled before it was sent reaches nobody', async () => {
    const { core, abort, send } = inProcess();
    abort.abort();
    const { error } = await send(page);
    assert.ok(error instanceof TransportError && !error.sent);
    assert.equal(core.requests.byEndpoint.deal, 0);
  });

  test('lumps that arrive during the processing are in the answer', async () => {
    const { core, send } = inProcess({ initialTokens: 10 });
    const { response } = await send(offers(core, 50), 120_000);
    const body: Record<string, number> = JSON.parse(response?.body ?? '{}');
    const endMs = (body.timestamp ?? 0) + (body.processingTimeInMs ?? 0);
    const left = body.tokensLeft ?? 0;
    const consumed = body.tokensConsumed ?? 0;
    assert.ok(endMs - startMs > 2_000);
    assert.equal((left + consumed - 10) % 5, 0);
    assert.equal(core.requests.lowestBalance, left);
  });
});

describe('faults', () => {
  const cases: [Fault, { status?: number; sent?: boolean; costTokens: number }][] = [
    [{ kind: 'refused' }, { status: 429, costTokens: 0 }],
    [{ kind: 'error-json' }, { status: 500, costTokens: 0 }],
    [{ kind: 'error-html' }, { status: 500, costTokens: 0 }],
    [{ kind: 'reset-before' }, { sent: false, costTokens: 0 }],
    [{ kind: 'reset-after' }, { sent: true, costTokens: 5 }],
    [
      {
        kind: 'answer',
        response: { status: 402, contentType: 'application/json', body: '{}' },
      },
      { status: 402, costTokens: 0 },
    ],
    [
      { kind: 'short-page', rows: 0 },
      { status: 200, costTokens: 5 },
    ],
    [
      { kind: 'rate-blip', ratePerMinute: 60 },
      { status: 200, costTokens: 5 },
    ],
    [{ kind: 'zero-rate' }, { status: 200, costTokens: 5 }],
  ];
  for (const [fault, expected] of cases) {
    test(`${fault.kind} costs ${expected.costTokens}`, async () => {
      const { core, send } = inProcess({}, fault);
      const { response, error } = await send(page);
      assert.equal(response?.status, expected.status);
      if (expected.sent !== undefined) {
        assert.ok(error instanceof TransportError);
        assert.equal(error.sent, expected.sent);
      }
      assert.equal(core.requests.spentTokens.deal, expected.costTokens);
    });
  }

  test('what may not leave costs nothing', async () => {
    const { abort, core, transport } = inProcess();
    await assert.rejects(
      transport.send(page, abort.signal, () => false),
      (error) => error instanceof TransportError && !error.sent,
    );
    assert.equal(core.requests.spentTokens.deal, 0);
  });

  test('silence is billed and never answered', async () => {
    const { abort, clock, core, transport } = inProcess({}, { kind: 'silence' });
    let isOver = false;
    const over = transport.send(page, abort.signal).finally(() => {
      isOver = true;
    });
    await clock.advanceBy(3_600_000);
    assert.equal(isOver, false);
    assert.equal(core.requests.spentTokens.deal, 5);
    abort.abort();
    await assert.rejects(over, (error) => error instanceof TransportError && error.sent);
  });

  test('damaged payloads: items or history missing, order turned, page cut', () => {
    const keepa = richKeepa({ ratePerMinute: 20 });
    const asins = keepa
      .liveRows(startMs)
      .slice(0, 10)
      .map((row) => row.asin);
    const query = { domain: '1', asin: asins.join(',') };
    const productsWith = (fault: Fault): { asin: string; csv: unknown }[] => {
      keepa.setFaults(() => fault);
      const answer = ask(keepa, { path: '/product', query });
      assert.equal(answer.json.tokensConsumed, 10);
      const { products }: { products: { asin: string; csv: unknown }[] } = JSON.parse(answer.body);
      return products;
    };
    const rowsWith = (fault: Fault | undefined): string[] => {
      keepa.setFaults(() => fault);
      const { body } = ask(keepa, { path: '/deal', body: page.body ?? '' });
      const { deals }: { deals: { dr: { asin: string }[] } } = JSON.parse(body);
      return deals.dr.map((deal) => deal.asin);
    };
    const partial = productsWith({ kind: 'partial', every: 3 }).map((product) => product.asin);
    assert.deepEqual(
      partial,
      asins.filter((_, index) => (index + 1) % 3 !== 0),
    );
    assert.ok(productsWith({ kind: 'no-history' }).every((product) => product.csv === null));
    const whole = rowsWith(undefined);
    assert.deepEqual(rowsWith({ kind: 'unordered' }), whole.toReversed());
    assert.deepEqual(rowsWith({ kind: 'short-page', rows: 7 }), whole.slice(0, 7));
    keepa.setFaults(() => ({ kind: 'rate-blip', ratePerMinute: 60 }));
    assert.equal(ask(keepa, { path: '/token' }).json.refillRate, 60);
    keepa.setFaults(() => ({ kind: 'zero-rate' }));
    assert.equal(ask(keepa, { path: '/token' }).json.refillRate, 0);
    keepa.setFaults(undefined);
    assert.equal(ask(keepa, { path: '/token' }).json.refillRate, 20);
  });
});

describe('http', async () => {
  const open: HttpKeepa[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  after(async () => {
    agent.destroy();
    await Promise.all(open.map((door) => door.close()));
  });

  async function serve(core: ReturnType<typeof richKeepa>): Promise<string> {
    const clock = { ...systemClock(), now: () => startMs };
    const door = await startHttpKeepa({ core, clock, host: '127.0.0.1', port: 0 });
    open.push(door);
    return door.url;
  }

  function get(url: string, body?: string) {
    return new Promise<{
      status: number | undefined;
      headers: NodeJS.Dict<string | string[]>;
      raw: Buffer;
      wasReused: boolean;
    }>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const request = httpRequest(url, { agent, method }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            raw: Buffer.concat(chunks),
            wasReused: request.reusedSocket,
          }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  const textOf = (raw: Buffer): string => gunzipSync(raw).toString('utf8');
  const core = richKeepa({ key: 'secret' });
  const url = await serve(core);

  test('a query encoded once in GET and one in the body of POST give the same rows', async () => {
    const selection = encodeURIComponent(page.body ?? '');
    const byGet = await get(`${url}/deal?key=secret&selection=${selection}`);
    const byPost = await get(`${url}/deal?key=secret`, page.body);
    const rows = (raw: Buffer) => JSON.stringify(JSON.parse(textOf(raw)).deals);
    assert.equal(byGet.status, 200);
    assert.equal(rows(byGet.raw), rows(byPost.raw));
  });

  test('a query encoded twice is missing or invalid', async () => {
    const twice = encodeURIComponent(encodeURIComponent(page.body ?? ''));
    const answer = await get(`${url}/deal?key=secret&selection=${twice}`);
    assert.equal(answer.status, 400);
    assert.match(textOf(answer.raw), /The queryJSON is missing or invalid\./);
  });

  test('every answer is gzipped and carries the recorded headers, and none of tokens', async () => {
    for (const path of ['/token?key=secret', '/token?key=wrong', '/deals?key=secret']) {
      const { headers, raw } = await get(url + path);
      assert.equal(headers['content-encoding'], 'gzip');
      assert.equal(headers.server, 'Keepa.com/2.0');
      assert.equal(headers['keep-alive'], 'timeout=900, max=10000');
      assert.equal(headers['cache-control'], 'no-store, match-revalidate');
      assert.equal(headers['content-uncompressed-length'], String(gunzipSync(raw).length));
      const names = Object.keys(headers).join(' ');
      assert.doesNotMatch(names, /token|rate|retry/);
    }
    const { headers } = await get(`${url}/deals?key=secret`);
    assert.equal(headers['content-type'], 'text/plain');
  });

  test('a connection is kept for the next request', async () => {
    await get(`${url}/token?key=secret`);
    assert.equal((await get(`${url}/token?key=secret`)).wasReused, true);
  });

  test('a wrong or missing key is refused without touching the bucket', async () => {
    for (const query of ['?key=wrong', '']) {
      const answer = await get(`${url}/token${query}`);
      assert.equal(answer.status, 400);
      assert.match(textOf(answer.raw), /"tokensLeft":0\}$/);
    }
  });

  test('resets break the connection, before the work unbilled and after it billed', async () => {
    const broken = richKeepa();
    const brokenUrl = await serve(broken);
    broken.setFaults(() => ({ kind: 'reset-before' }));
    await assert.rejects(get(`${brokenUrl}/deal?key=k`, page.body));
    assert.equal(broken.requests.spentTokens.deal, 0);
    broken.setFaults(() => ({ kind: 'reset-after' }));
    await assert.rejects(get(`${brokenUrl}/deal?key=k`, page.body));
    assert.equal(broken.requests.spentTokens.deal, 5);
  });

  test('a port that is taken is an error, and a closed door lets go of it', async () => {
    const port = Number(new URL(url).port);
    const again = { core, clock: systemClock(), host: '127.0.0.1', port };
    await assert.rejects(startHttpKeepa(again), { code: 'EADDRINUSE' });
    const passing = await startHttpKeepa({ ...again, port: 0 });
    const freed = Number(new URL(passing.url).port);
    await passing.close();
    const next = await startHttpKeepa({ ...again, port: freed });
    await next.close();
  });
});
