/**
 * Answers questions about the running daemon: over a socket in the data directory, which only its
 * user may open, and on request over loopback TCP.
 *
 * It reads and never acts, so there is nothing to authorise yet; it stays off the network for that
 * reason. A web page on the same machine is kept out by the Host check (a name that merely resolves
 * to this machine is not ours) and by sending no CORS header.
 *
 * Invariants:
 * - an error inside says nothing outside; it goes to the log;
 * - a request body is never read.
 */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { HttpAddress } from '../config.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import { claimSocket, closeServer } from './control-socket.ts';
import type { StatusReport } from './report-fields.ts';

export interface ControlOptions {
  readonly report: () => Promise<StatusReport>;
  readonly socketPath: string;
  /** Loopback TCP besides the socket; absent: none. */
  readonly http?: HttpAddress;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ControlServer {
  /** Where TCP listens, with the real port; undefined without it. */
  readonly url: string | undefined;
  /** Ends every connection, also one in use, and removes the socket if it is ours. */
  close(): Promise<void>;
}

/** A client sends a line and a few headers; more is not a client. */
const headerBytesMax = 8_192;
const connectionsMax = 32;
const requestMs = 5_000;

/**
 * Listens. While another live daemon has the socket (we may be its standby) the claim is repeated
 * until it is ours.
 *
 * @throws the listen error (EADDRINUSE, EACCES, ...) when TCP cannot be had.
 */
export async function startControlServer(options: ControlOptions): Promise<ControlServer> {
  const { http, socketPath, clock, log } = options;
  const tcp = http === undefined ? undefined : await listenTcp(options, http);
  const claim = claimSocket({
    path: socketPath,
    clock,
    log,
    createServer: () => limited(routes(options)),
  });
  await claim.attempted;
  return {
    url: tcp?.url,
    close: async () => {
      await Promise.all([tcp === undefined ? undefined : closeServer(tcp.server), claim.release()]);
    },
  };
}

/** Hosts that mean this machine and nothing else. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function routes({ report, log }: ControlOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (context.req.method !== 'GET' && context.req.method !== 'HEAD') {
      return context.json({ error: 'only GET is answered here' }, 405, { Allow: 'GET, HEAD' });
    }
    await next();
    context.header('Cache-Control', 'no-store');
    context.header('X-Content-Type-Options', 'nosniff');
  });
  app.get('/status', async (context) => context.json(await report()));
  app.get('/healthz', async (context) => {
    const { state, reason } = await report();
    return context.json({ state, reason }, isUnhealthy(state) ? 503 : 200);
  });
  app.get('/readyz', async (context) => {
    const { state, reason } = await report();
    return context.json({ state, reason }, isReady(state) ? 200 : 503);
  });
  app.notFound((context) => context.json({ error: 'not found' }, 404));
  app.onError((error, context) => {
    log.error('control', { path: context.req.path, error: describeError(error) });
    return context.json({ error: 'internal error' }, 500);
  });
  return app;
}

function isUnhealthy(state: StatusReport['state']): boolean {
  return state === 'degraded' || state === 'stalled' || state === 'stopped';
}

/** Ready: it does its work, or would if there were tokens for it. */
function isReady(state: StatusReport['state']): boolean {
  return state === 'running' || state === 'waiting';
}

async function listenTcp(
  options: ControlOptions,
  { host, port }: HttpAddress,
): Promise<{ readonly server: Server; readonly url: string }> {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isOurHost(context.req.header('host'))) return next();
    return context.json({ error: 'this host name is not served' }, 403);
  });
  app.route('/', routes(options));
  const server = limited(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return { server, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` };
}

function isOurHost(header: string | undefined): boolean {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+))(?::\d+)?$/.exec(header ?? '');
  return isLoopback(match?.groups?.v6 ?? match?.groups?.name ?? '');
}

function limited(app: Hono): Server {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { maxHeaderSize: headerBytesMax },
  }) as Server;
  server.maxConnections = connectionsMax;
  server.headersTimeout = requestMs;
  server.requestTimeout = requestMs;
  return server;
}
