/**
 * The transport over a real HTTP server on this machine: what arrives, what counts as sent, and
 * that the key appears in the request and nowhere else.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type Transport, TransportError, type WireRequest } from '../../src/keepa/transport.ts';
import { createUndiciTransport } from '../../src/keepa/undici-transport.ts';

const key = 'k3y-with+odd/characters=and&more';
const tokenRequest: WireRequest = { method: 'GET', path: '/token', query: {} };
const never = new AbortController().signal;

/** A server for one test and a transport to it; both are closed with the test. */
async function serve(t: TestContext, listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = transportTo(t, portOf(server.address()));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { transport, server };
}

function transportTo(t: TestContext, port: number): Transport {
  const baseUrl = `http://127.0.0.1:${port}`;
  const transport = createUndiciTransport({ baseUrl, key, userAgent: 'keepa-deals/test' });
  t.after(() => transport.close());
  return transport;
}

function portOf(address: AddressInfo | string | null): number {
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

/** A server of raw sockets, for what no HTTP server would do. */
async function serveRaw(t: TestContext, onRequest: (socket: Socket) => void) {
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => onRequest(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return transportTo(t, portOf(server.address()));
}

/** The error of a send that must fail; nothing of it may hold the key or the URL. */
async function failureOf(sending: Promise<unknown>): Promise<TransportError> {
  const error = await sending.then(
    () => assert.fail('an answer came'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransportError);
  const shown = `${inspect(error, { depth: 10, showHidden: true })} ${error.stack}`;
  for (const secret of [key, encodeURIComponent(key), 'key=', 'http://']) {
    assert.ok(!shown.includes(secret), `${shown} holds ${secret}`);
  }
  return error;
}

test('a GET carries its parameters and the key, each encoded once', async (t) => {
  const seen: IncomingMessage[] = [];
  const { transport } = await serve(t, (request, response) => {
    seen.push(request);
    response.setHeader('content-type', 'application/json;charset=UTF-8').end('{"a":1}');
  });
  const query = { domain: '1', asin: 'B000000001,B000000002', 'only-live-offers': '1' };
  const answer = await transport.send({ method: 'GET', path: '/product', query }, never);
  assert.deepEqual(answer, {
    status: 200,
    contentType: 'application/json;charset=utf-8',
    body: '{"a":1}',
  });
  const [request] = seen;
  const url = new URL(request?.url ?? '', 'http://host');
  assert.equal(url.pathname, '/product');
  assert.deepEqual(Object.fromEntries(url.searchParams), { ...query, key });
  assert.equal(request?.headers['accept-encoding'], 'gzip, deflate, br');
  assert.equal(request?.headers['user-agent'], 'keepa-deals/test');
});

test('a POST carries its JSON body, and the key stays in the URL', async (t) => {
  const seen: string[] = [];
  const { transport } = await serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push(request.method ?? '', request.headers['content-type'] ?? '', body);
    assert.equal(new URL(request.url ?? '', 'http://host').searchParams.get('key'), key);
    response.end('{}');
  });
  const body = '{"title":"Ümlaut"}';
  await transport.send({ method: 'POST', path: '/deal', query: {}, body }, never);
  assert.deepEqual(seen, ['POST', 'application/json; charset=UTF-8', body]);
});

test('gzip, deflate with and without header, br and plain all arrive as text', async (t) => {
  const text = JSON.stringify({ title: 'Verlängerungskabel', list: Array(5000).fill(-1) });
  const bodies: [string, Buffer][] = [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
  ];
  let next = 0;
  const { transport } = await serve(t, (_request, response) => {
    const [encoding, body] = bodies[next] ?? ['', Buffer.alloc(0)];
    next += 1;
    response.setHeader('content-encoding', encoding).end(body);
  });
  for (const [encoding] of bodies) {
    assert.equal((await transport.send(tokenRequest, never)).body, text, encoding);
  }
});

test('one connection serves one request after another', async (t) => {
  let connections = 0;
  const { transport, server } = await serve(t, (_request, response) => response.end('{}'));
  server.on('connection', () => {
    connections += 1;
  });
  for (let request = 0; request < 5; request += 1) await transport.send(tokenRequest, never);
  assert.equal(connections, 1);
});

test('every status comes back as it is, with an empty body or an HTML one', async (t) => {
  const { transport } = await serve(t, (request, response) => {
    const status = Number(new URL(request.url ?? '', 'http://host').searchParams.get('status'));
    response.writeHead(status, { 'content-type': 'text/html', location: '/elsewhere' });
    response.end(status === 500 ? '<h1>Oops</h1>' : '');
  });
  for (const status of [500, 503, 404, 302, 429]) {
    const answer = await transport.send({ ...tokenRequest, query: { status: `${status}` } }, never);
    assert.equal(answer.status, status);
    assert.equal(answer.contentType, 'text/html');
    assert.equal(answer.body, status === 500 ? '<h1>Oops</h1>' : '');
  }
});

test('an answer that quotes the key comes back without it', async (t) => {
  const { transport } = await serve(t, (request, response) => {
    response.statusCode = 400;
    response.end(JSON.stringify({ error: { message: `bad key ${key} in ${request.url}` } }));
  });
  const { body } = await transport.send(tokenRequest, never);
  assert.ok(!body.includes(key) && !body.includes(encodeURIComponent(key)), body);
  assert.match(JSON.parse(body).error.message, /^bad key .* in \/token/);
});

test('a refused connection and an unknown host never left', async (t) => {
  const server = createSocketServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  server.close();
  await once(server, 'close');
  const refused = await failureOf(transportTo(t, port).send(tokenRequest, never));
  assert.equal(refused.sent, false);
  assert.equal(refused.message, 'connection refused (ECONNREFUSED)');

  // RFC 6761: a name that no resolver may know.
  const baseUrl = 'http://keepa.invalid';
  const nowhere = createUndiciTransport({ baseUrl, key, userAgent: 'keepa-deals/test' });
  t.after(() => nowhere.close());
  assert.equal((await failureOf(nowhere.send(tokenRequest, never))).sent, false);
});

test('a TLS handshake that fails never left', async (t) => {
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('this is not TLS'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const baseUrl = `https://127.0.0.1:${portOf(server.address())}`;
  const transport = createUndiciTransport({ baseUrl, key, userAgent: 'keepa-deals/test' });
  t.after(() => transport.close());
  assert.equal((await failureOf(transport.send(tokenRequest, never))).sent, false);
});

test('a connection closed before, within or after the headers was sent', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  const cuts: [string, (socket: Socket) => void][] = [
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
    ['cut headers', (socket) => socket.end(head)],
    ['cut body', (socket) => socket.end(`${head}content-length: 100\r\n\r\n{"deals":`)],
    [
      'cut chunks',
      (socket) => socket.end(`${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n`),
    ],
    [
      'cut gzip',
      (socket) => {
        const half = gzipSync('x'.repeat(1000)).subarray(0, 15);
        socket.write(`${head}content-encoding: gzip\r\ncontent-length: 15\r\n\r\n`);
        socket.end(half);
      },
    ],
    ['no HTTP', (socket) => socket.end('hello\r\n\r\n')],
  ];
  for (const [name, cut] of cuts) {
    const transport = await serveRaw(t, cut);
    assert.equal((await failureOf(transport.send(tokenRequest, never))).sent, true, name);
  }
});

test('an abort while Keepa works ends the wait: sent', async (t) => {
  const controller = new AbortController();
  const { transport } = await serve(t, () => controller.abort());
  const error = await failureOf(transport.send(tokenRequest, controller.signal));
  assert.equal(error.sent, true);
});

test('an abort in the middle of the body ends the wait: sent', async (t) => {
  const controller = new AbortController();
  const { transport } = await serve(t, (_request, response) => {
    response.writeHead(200);
    response.write('{"deals":', () => controller.abort());
  });
  const error = await failureOf(transport.send(tokenRequest, controller.signal));
  assert.equal(error.sent, true);
});

test('an abort before the connection stands: not sent, and nothing arrives later', async (t) => {
  let requests = 0;
  const { transport, server } = await serve(t, (_request, response) => {
    requests += 1;
    response.end('{}');
  });
  const early = await failureOf(transport.send(tokenRequest, AbortSignal.abort()));
  assert.equal(early.sent, false);
  const controller = new AbortController();
  const connected = once(server, 'connection');
  const sending = failureOf(transport.send(tokenRequest, controller.signal));
  controller.abort();
  assert.equal((await sending).sent, false);
  await connected;
  // The connection is there by now; the next request shows that it still serves, and who came.
  await transport.send(tokenRequest, never);
  assert.equal(requests, 1);
});

test('what may leave no longer when the connection stands is not sent', async (t) => {
  let requests = 0;
  const { transport } = await serve(t, (_request, response) => {
    requests += 1;
    response.end('{}');
  });
  let asked = 0;
  const mayLeave = (): boolean => {
    asked += 1;
    return false;
  };
  const error = await failureOf(transport.send(tokenRequest, never, mayLeave));
  assert.deepEqual([error.sent, asked], [false, 1]);
  await transport.send(tokenRequest, never, () => true);
  // Now over the connection that is kept.
  assert.equal((await failureOf(transport.send(tokenRequest, never, mayLeave))).sent, false);
  await transport.send(tokenRequest, never);
  assert.equal(requests, 2);
});

test('an answer beyond 64 MiB is given up, on the wire and when it unfolds', async (t) => {
  const mebibyte = Buffer.alloc(2 ** 20, 'x');
  const { transport: plain } = await serve(t, (_request, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write(mebibyte));
      if (!response.destroyed) response.once('drain', pour);
    };
    response.on('error', () => undefined);
    pour();
  });
  const onWire = await failureOf(plain.send(tokenRequest, never));
  assert.deepEqual([onWire.sent, onWire.message], [true, 'the answer is too large (TOO_LARGE)']);

  const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20));
  const { transport: folded } = await serve(t, (_request, response) => {
    response.setHeader('content-encoding', 'gzip').end(bomb);
  });
  const unfolded = await failureOf(folded.send(tokenRequest, never));
  assert.equal(unfolded.sent, true);
  assert.match(unfolded.message, /^the answer is too large/);
});

test('an unknown compression was sent and cannot be read', async (t) => {
  const { transport } = await serve(t, (_request, response) => {
    response.setHeader('content-encoding', 'lzma').end('x');
  });
  assert.equal((await failureOf(transport.send(tokenRequest, never))).sent, true);
});

test('closing ends a request under way', async (t) => {
  let transport: Transport | undefined;
  const server = await serve(t, () => void transport?.close());
  transport = server.transport;
  assert.equal((await failureOf(transport.send(tokenRequest, never))).sent, true);
});

test('a base URL that is none is refused without being quoted', () => {
  assert.throws(
    () => createUndiciTransport({ baseUrl: 'not a url', key, userAgent: '' }),
    (error) => error instanceof TypeError && !error.message.includes('not a url'),
  );
});
