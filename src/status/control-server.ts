/**
 * Answers questions about the running daemon: over a socket in the data directory, which only its
 * user may open, and on request over TCP.
 *
 * What it answers to everybody reads and never acts (control-answers.ts). Over TCP a Host check
 * and, beyond this machine, a token keep out who should not ask (control-doors.ts). Actions are on
 * the socket alone: a file that its user alone may open, while any web page can post to a port.
 */
import type { Server } from 'node:http';
import type { HttpAddress } from '../config.ts';
import type { Secret } from '../config-key.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { actionRoutes } from './action-routes.ts';
import type { ControlActions } from './actions.ts';
import { answerRoutes, type ControlAnswers } from './control-answers.ts';
import { behindLimits, guard, isLoopback, limitedServer, requestMsMax } from './control-doors.ts';
import { claimSocket, closeServer } from './control-socket.ts';

export interface ControlOptions {
  readonly answers: ControlAnswers;
  /** What may be asked for over the socket; absent: nothing. */
  readonly actions?: ControlActions;
  readonly socketPath: string;
  /** TCP besides the socket; absent: none. Beyond loopback it takes a token. */
  readonly http?: TcpOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a request may take to arrive; absent: 5 s. */
  readonly requestMs?: number;
}

export interface TcpOptions extends HttpAddress {
  /** What everybody has to show over TCP. */
  readonly token?: Secret | undefined;
}

export interface ControlServer {
  /** Where TCP listens, with the real port; undefined without it, and while another has it. */
  url(): string | undefined;
  /** Ends every connection, also one in use, and removes the socket if it is ours. */
  close(): Promise<void>;
}

const retryMs = 1_000;

/**
 * Listens. While another live daemon has the socket we are its standby, and what it has, the port
 * as well, is asked for again every second until it is ours.
 *
 * @throws the listen error (EADDRINUSE, EACCES, ...) when the port is somebody else's; an error
 * for an address beyond this machine without a token.
 */
export async function startControlServer(options: ControlOptions): Promise<ControlServer> {
  const { http, socketPath, clock, log } = options;
  if (http !== undefined && !isLoopback(http.host) && http.token === undefined) {
    throw new Error(`whoever listens on ${http.host} has to ask for a token`);
  }
  const createServer = (): Server => overSocket(options);
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

function overSocket({ actions, answers, log, requestMs = requestMsMax }: ControlOptions): Server {
  const app = behindLimits((routes) => {
    if (actions !== undefined) routes.route('/', actionRoutes(actions, log));
    routes.route('/', answerRoutes(answers, log));
  }, log);
  return limitedServer(app, { requestMs });
}

/** The same answers and no actions, for whoever the guard lets in. */
function overTcp(
  { answers, log, requestMs = requestMsMax }: ControlOptions,
  http: TcpOptions,
): Server {
  const app = behindLimits((routes) => {
    routes.use(guard(http));
    routes.route('/', answerRoutes(answers, log));
  }, log);
  return limitedServer(app, { requestMs });
}

interface PortClaim {
  url(): string | undefined;
  release(): Promise<void>;
}

/** Only a standby goes on trying; for anybody else a port that is taken is a mistake to be told. */
async function claimPort({
  options,
  http,
  isStandby,
}: {
  readonly options: ControlOptions;
  readonly http: TcpOptions;
  readonly isStandby: boolean;
}): Promise<PortClaim> {
  const { clock } = options;
  const { host, port } = http;
  let server: Server | undefined;
  let retry: Timer | undefined;
  let isReleased = false;
  const attempt = async (): Promise<void> => {
    const candidate = overTcp(options, http);
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
