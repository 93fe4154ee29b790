/**
 * The HTTP door: the simulated Keepa as a server on a real socket, for people and for real clients.
 *
 * Answers carry the recorded headers and are always gzipped, errors as well, as Keepa's are; no
 * header tells of tokens. A client that hangs up during the work is billed all the same.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { WireResponse } from '../keepa/transport.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KeyedRequest, SimulatedKeepa } from './simulated-keepa.ts';

/** A query of 500 categories has about 8 KB. */
const bodyBytesMax = 1_000_000;
const idleMs = 900_000;
const requestsPerSocketMax = 10_000;

export interface HttpKeepa {
  /** Without a trailing slash. */
  readonly url: string;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/**
 * Listens on `host:port` (port 0: any free one).
 *
 * @throws the listen error, for example EADDRINUSE.
 */
export async function startHttpKeepa(options: {
  readonly core: Pick<SimulatedKeepa, 'begin'>;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
}): Promise<HttpKeepa> {
  const { core, clock, host, port } = options;
  const server = createServer((request, response) => {
    readRequest(request).then(
      (asked) => serve(core, clock, asked, response),
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = idleMs;
  server.maxRequestsPerSocket = requestsPerSocketMax;
  await listen(server, host, port);
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serve(
  core: Pick<SimulatedKeepa, 'begin'>,
  clock: Clock,
  asked: KeyedRequest,
  response: ServerResponse,
): void {
  const exchange = core.begin(asked, clock.now());
  if (exchange.delivery === 'reset-before') {
    response.destroy();
    return;
  }
  clock.after(exchange.processingMs, () => {
    const answer = exchange.finish();
    if (exchange.delivery === 'reset-after') response.destroy();
    else if (exchange.delivery === 'answer') write(response, answer, clock.now());
  });
}

function write(response: ServerResponse, answer: WireResponse, nowMs: number): void {
  const text = Buffer.from(answer.body);
  const zipped = gzipSync(text, { level: 4 });
  response.writeHead(answer.status, {
    'strict-transport-security': 'max-age=31536000;includeSubDomains;preload',
    server: 'Keepa.com/2.0',
    'content-encoding': 'gzip',
    connection: 'keep-alive',
    'keep-alive': `timeout=${idleMs / 1_000}, max=${requestsPerSocketMax}`,
    'cache-control': 'no-store, match-revalidate',
    'content-type': answer.contentType,
    'content-uncompressed-length': text.length,
    'content-length': zipped.length,
    'last-modified': new Date(nowMs).toUTCString(),
  });
  response.end(zipped);
}

/** @throws when the body is too large or the client hangs up while sending it. */
async function readRequest(request: IncomingMessage): Promise<KeyedRequest> {
  const url = new URL(request.url ?? '/', 'http://keepa.invalid');
  const { key = '', ...query } = Object.fromEntries(url.searchParams);
  const method = request.method === 'POST' ? 'POST' : 'GET';
  const asked = { method, path: url.pathname, query, key } as const;
  if (method === 'GET') return asked;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > bodyBytesMax) throw new RangeError('body too large');
    chunks.push(buffer);
  }
  return { ...asked, body: Buffer.concat(chunks).toString('utf8') };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
