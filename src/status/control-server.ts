/**
 * Answers questions about the running daemon: over a socket in the data directory, which only its
 * user may open, and on request over loopback TCP.
 *
 * What it answers to everybody reads and never acts, so there is nothing to authorise yet; it stays
 * off the network for that reason. A web page on the same machine is kept out by the Host check (a
 * name that merely resolves to this machine is not ours) and by sending no CORS header. Actions are
 * on the socket alone, see action-routes.ts.
 *
 * Invariants:
 * - an error inside says nothing outside; it goes to the log;
 * - a request body is never read.
 */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { HttpAddress } from '../config.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import { actionRoutes } from './action-routes.ts';
import type { ControlActions } from './actions.ts';
import { claimSocket, closeServer } from './control-socket.ts';
import type { StatusReport } from './report-fields.ts';

export interface ControlOptions {
  readonly report: () => Promise<StatusReport>;
  /** What may be asked for over the socket; absent: nothing. */
  readonly actions?: ControlActions;
  readonly socketPath: string;
  /** Loopback TCP besides the socket; absent: none. */
  readonly http?: HttpAddress;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ControlServer {
  /** Where TCP listens, with the real port; undefined without it, and while another has it. */
  url(): string | undefined;
  /** Ends every connection, also one in use, and removes the socket if it is ours. */
  close(): Promise<void>;
}

/** A client sends a line and a few headers; more is not a client. */
const headerBytesMax = 8_192;
const connectionsMax = 32;
const requestMs = 5_000;
const retryMs = 1_000;

/**
 * Listens. While another live daemon has the socket we are its standby, and what it has, the port
 * as well, is asked for again every second until it is ours.
 *
 * @throws the listen error (EADDRINUSE, EACCES, ...) when the port is somebody else's.
 */
export async function startControlServer(options: ControlOptions): Promise<ControlServer> {
  const { http, socketPath, clock, log } = options;
  const createServer = (): Server => limited(withActions(options));
  const socket = claimSocket({ path: socketPath, clock, log, createServer });
  const isStandby = (await socket.attempted) === 'taken';
  if (http === undefined) return { url: () => undefined, close: socket.release };
  try {
    const port = await claimPort({ options, http, isStandby });
    return {
      url: port.url,
      close: async () => {
        await Promise.all([port.release(), socket.release()]);
      },
    };
  } catch (error) {
    await socket.release();
    throw error;
  }
}

/** Hosts that mean this machine and nothing else. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function withActions(options: ControlOptions): Hono {
  const app = new Hono();
  if (options.actions !== undefined) app.route('/', actionRoutes(options.actions, options.log));
  app.route('/', routes(options));
  app.notFound((context) => context.json({ error: 'not found' }, 404));
  return app;
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

interface PortClaim {
  url(): string | undefined;
  release(): Promise<void>;
}

/** Only a standby goes on trying; for anybody else a port that is taken is a mistake to be told. */
async function claimPort({
  options,
  http: { host, port },
  isStandby,
}: {
  readonly options: ControlOptions;
  readonly http: HttpAddress;
  readonly isStandby: boolean;
}): Promise<PortClaim> {
  const { clock } = options;
  let server: Server | undefined;
  let retry: Timer | undefined;
  let isReleased = false;
  const attempt = async (): Promise<void> => {
    const candidate = limited(guarded(options));
    try {
      await listenOn(candidate, { host, port });
      server = candidate;
    } catch (error) {
      if (!isStandby) throw error;
      if (!isReleased) retry = clock.after(retryMs, again);
    }
  };
  const again = (): void => {
    attempting = attempt();
  };
  let attempting = attempt();
  await attempting;
  return {
    url: () => (server === undefined ? undefined : urlOf(server, host)),
    release: async () => {
      isReleased = true;
      await attempting;
      retry?.cancel();
      if (server !== undefined) await closeServer(server);
    },
  };
}

function listenOn(server: Server, address: HttpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The same answers, for whoever calls this machine by a name of its own. */
function guarded(options: ControlOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isOurHost(context.req.header('host'))) return next();
    return context.json({ error: 'this host name is not served' }, 403);
  });
  app.route('/', routes(options));
  return app;
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
