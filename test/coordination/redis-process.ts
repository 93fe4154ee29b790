/**
 * A real redis-server for tests: on a unix socket in a directory of its own, so that it meets
 * neither the machine's Redis nor another test's, and leaves nothing behind.
 *
 * Where there is no redis-server the tests that need one are skipped, and say so; with CI=true they
 * fail instead, or nobody would ever notice that they do not run.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = 'redis-server';
/** Comes with it. */
const operator = 'redis-cli';

/** To pass as the option `skip` of a test: false where there is a redis-server. */
export const withoutRedis: string | false = whyWithout();

function whyWithout(): string | false {
  try {
    execFileSync(program, ['--version']);
    return false;
  } catch {
    if (process.env.CI === 'true') throw new Error(`CI needs ${program}: see .ci/run`);
    return `there is no ${program} here: apt-get install redis-server`;
  }
}

/** How it keeps what it knows on disk; `none`: not at all. */
export type Persistence = 'none' | 'rdb' | 'aof';

const persistenceArgs: Readonly<Record<Persistence, readonly string[]>> = {
  none: ['--save', '', '--appendonly', 'no'],
  // One save point that is never reached: what is there is written when it is told to end.
  rdb: ['--save', '3600 1', '--appendonly', 'no'],
  aof: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
};

export interface RedisServerOptions {
  readonly persistence?: Persistence;
  /** Further options of redis-server, as `--requirepass`. */
  readonly args?: readonly string[];
}

/** None outlives this process, whatever ends it but kill -9. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class RedisServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'keepa-deals-redis-'));
  readonly socketPath = join(this.directory, 'redis.sock');
  readonly url = `unix://${this.socketPath}`;
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;

  private constructor(options: RedisServerOptions) {
    this.#options = options;
  }

  /** One that answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options);
    await server.restart();
    return server;
  }

  /** Starts it, after `stop` or for the first time, on what it left in its directory. */
  async restart(more: readonly string[] = []): Promise<void> {
    const { persistence = 'none', args = [] } = this.#options;
    const place = ['--port', '0', '--unixsocket', this.socketPath, '--dir', this.directory];
    const all = [...place, ...persistenceArgs[persistence], ...args, ...more];
    const child = spawn(program, all, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    for await (const line of createInterface({ input: child.stdout })) {
      if (/Ready to accept connections|ready to accept connections at/i.test(line)) break;
    }
    child.stdout.resume();
    const probe = connect(this.socketPath);
    await once(probe, 'connect');
    // Kept open, it would fail with nobody to hear it when a frozen server is killed.
    probe.destroy();
  }

  /** SIGTERM lets it write what it keeps on disk; SIGKILL does not; SIGSTOP makes it mute. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  /** It keeps its connections and answers nothing until `wake`. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  wake(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Runs a command as an operator would. */
  ask(...args: readonly string[]): string {
    return execFileSync(operator, ['-s', this.socketPath, ...args], { encoding: 'utf8' }).trim();
  }

  /** Ends it and removes its directory. */
  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Something that listens like a server and does `onConnect` with whoever comes. */
export async function listener(
  onConnect: (socket: import('node:net').Socket) => void,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnect(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
