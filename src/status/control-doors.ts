/**
 * Who may come in over TCP, and how much anybody may ask at once.
 *
 * A web page on the same machine can make its browser send requests here, and a name of its own
 * resolve to this address. It is kept out by the Host check, by sending no CORS header, and by
 * never acting on a GET. Beyond this machine everybody shows a token, compared in a time that
 * tells nothing of it.
 *
 * Invariants:
 * - a request with a body is refused unread, and its connection closed;
 * - one that is slow, large, or one too many costs this process nothing but a socket for a while.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Secret } from '../config-key.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';

export interface DoorOptions {
  /** The host that is listened on. */
  readonly host: string;
  /** What everybody has to show; absent: nothing, which is for loopback alone. */
  readonly token?: Secret | undefined;
  /** Names beside the loopback's by which it may be called. */
  readonly names?: readonly string[] | undefined;
}

/** A client sends a line and a few headers; more is not a client. */
const headerBytesMax = 8_192;
const connectionsMax = 32;
/** Of one connection; then it has to come anew, behind those that wait. */
const requestsPerConnectionMax = 1_000;
/** For all of a request to arrive, and for a connection to lie idle. */
export const requestMsMax = 5_000;

/** Hosts that mean this machine and nothing else. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Lets in who calls this process by a name of its own and shows the token, where there is one. */
export function guard({ host, token, names = [] }: DoorOptions): MiddlewareHandler {
  const isServed = (name: string): boolean => {
    if (isLoopback(name) || name === host || names.includes(name)) return true;
    // An address cannot be made to mean us by a name server; with a token it gives nothing away.
    return token !== undefined && isIP(name) !== 0;
  };
  return async (context, next) => {
    if (!isServed(hostOf(context.req.header('host')))) {
      return context.json({ error: 'this host name is not served' }, 403);
    }
    if (token !== undefined && !isShown(token, context.req.header('authorization'))) {
      const ask = { 'WWW-Authenticate': 'Bearer realm="keepa-deals"' };
      return context.json({ error: 'a token is needed' }, 401, ask);
    }
    return next();
  };
}

/** Without the port and without the brackets of an IPv6 address, in lower case. */
function hostOf(header: string | undefined): string {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+))(?::\d+)?$/.exec(header ?? '');
  return (match?.groups?.v6 ?? match?.groups?.name ?? '').toLowerCase();
}

/** Digests have one length, so that not even the length of the token shows in the time. */
function isShown(token: Secret, header: string | undefined): boolean {
  const shown = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token.reveal()));
}

/** The routes behind what holds for every request, whoever it is from and whatever it asks. */
export function behindLimits(routes: (app: Hono) => void, log: Log): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (hasBody(context)) {
      return context.json({ error: 'no body is read here' }, 413, { Connection: 'close' });
    }
    return next();
  });
  app.use(async (context, next) => {
    await next();
    context.header('Cache-Control', 'no-store');
    context.header('X-Content-Type-Options', 'nosniff');
  });
  routes(app);
  app.notFound((context) => context.json({ error: 'not found' }, 404));
  app.onError((error, context) => {
    log.error('control', { path: context.req.path, error: describeError(error) });
    return context.json({ error: 'internal error' }, 500);
  });
  return app;
}

function hasBody({ req }: Context): boolean {
  const length = req.header('content-length') ?? '0';
  return length !== '0' || req.header('transfer-encoding') !== undefined;
}

/** An HTTP server that gives nobody more than a client needs. */
export function limitedServer(app: Hono, { requestMs }: { readonly requestMs: number }): Server {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      keepAliveTimeout: requestMs,
      // Or the limits above would be looked at twice a minute only.
      connectionsCheckingInterval: Math.min(requestMs, 1_000),
    },
  }) as Server;
  server.maxConnections = connectionsMax;
  server.maxRequestsPerSocket = requestsPerConnectionMax;
  return server;
}
