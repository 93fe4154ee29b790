/**
 * Tells the service manager how the process is, over the socket that systemd names.
 *
 * Node has no datagram sockets of the unix kind, so each message is sent by `systemd-notify`, which
 * knows path and abstract sockets and waits until the manager has read it. That is some ten
 * milliseconds in another process; nothing here is ever waited for by the work, and a manager that
 * cannot be told costs one line in the log.
 *
 * Invariants:
 * - messages arrive in the order in which they were sent, one at a time;
 * - of news that is repeated (status, watchdog) only the newest waits, so the queue is bounded;
 * - `send` neither throws nor blocks, and what it starts ends within a limit of its own;
 * - the child gets the socket and the path, and nothing else of the environment.
 */
import { spawn } from 'node:child_process';

/** Variables of one message, as sd_notify(3) names them. */
export type Notification = Readonly<Record<string, string | number>>;

export interface NotifySocket {
  send(message: Notification): void;
  /** Resolves when all is sent, or given up; never rejects. */
  flush(): Promise<void>;
}

export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears of a message that did not go out, in a few words. */
  onFailure(why: string): void;
}

/** By its own clock systemd-notify gives the manager 5 s to read. */
const sendMsMax = 8_000;
/** News that the next of its kind outdates. */
const replaceable = new Set(['STATUS', 'WATCHDOG', 'EXTEND_TIMEOUT_USEC']);

/** A way to the manager; undefined when there is none that wants to be told. */
export function openNotifySocket({ env, onFailure }: NotifyOptions): NotifySocket | undefined {
  const socket = env.NOTIFY_SOCKET;
  if (!socket) return undefined;
  const childEnv = { NOTIFY_SOCKET: socket, PATH: env.PATH ?? '/usr/bin:/bin' };
  return new NotifyQueue(async (message) => {
    const why = await sendOne(message, childEnv);
    if (why !== undefined) onFailure(why);
  });
}

/** How often the manager wants to hear from this process, microseconds made milliseconds. */
export function watchdogMsOf(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: text = '', WATCHDOG_PID: forPid } = env;
  if (forPid !== undefined && forPid !== '' && forPid !== String(pid)) return undefined;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) / 1_000 : 0;
  return ms > 0 ? ms : undefined;
}

/** CLOCK_MONOTONIC in microseconds, by which the manager orders a reload. */
export function monotonicUsec(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

class NotifyQueue implements NotifySocket {
  readonly #sendOne: (message: Notification) => Promise<void>;
  readonly #pending: Notification[] = [];
  #sending: Promise<void> | undefined;

  constructor(sendOne: (message: Notification) => Promise<void>) {
    this.#sendOne = sendOne;
  }

  send(message: Notification): void {
    const kind = kindOf(message);
    const outdated = this.#pending.findIndex((other) => kind !== '' && kindOf(other) === kind);
    if (outdated >= 0) this.#pending.splice(outdated, 1);
    this.#pending.push(message);
    this.#sending ??= this.#sendAll();
  }

  async flush(): Promise<void> {
    // The last word counts: nobody should have to wait for what it outdates.
    this.#pending.splice(0, this.#pending.length - 1);
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      await this.#sendOne(next);
    }
    this.#sending = undefined;
  }
}

/** The same for messages of which the newer outdates the older; empty for all others. */
function kindOf(message: Notification): string {
  const names = Object.keys(message);
  return names.every((name) => replaceable.has(name)) ? names.sort().join(' ') : '';
}

/** Why it did not go out; undefined when it did. */
function sendOne(
  message: Notification,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const words = Object.entries(message).map(([name, value]) => `${name}=${oneLine(value)}`);
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', words, {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: sendMsMax,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(0, 200);
    });
    child.once('error', (error) => resolve(`systemd-notify: ${error.message}`));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(`systemd-notify: ${oneLine(said) || `ended by ${signal ?? code}`}`);
    });
  });
}

/** A line break would begin another variable, and a NUL ends an argument. */
function oneLine(value: string | number): string {
  return String(value)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}
