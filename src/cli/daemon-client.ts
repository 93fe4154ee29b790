/**
 * Asks the running daemon to do something, over the socket in its data directory.
 *
 * Like the question for its status it is HTTP/1.0 by hand, for the same reason. The answer comes
 * line by line and may take as long as the daemon waits for tokens, so there is a limit only for
 * its first sign of life.
 */
import { connect } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { ActionLine } from '../status/actions.ts';

/**
 * The line that ends an answer, or why there is none:
 * - absent: nobody listens there;
 * - denied: somebody may be there, and this user may not ask;
 * - silent: somebody took the call and showed no sign of life, as a hanging process does;
 * - broken: the answer ended too early, took longer than agreed, or is none.
 */
export type ActionAnswer =
  | { readonly kind: 'answered'; readonly line: ActionLine }
  | { readonly kind: 'absent' | 'denied' }
  | { readonly kind: 'silent'; readonly why: string }
  | { readonly kind: 'broken'; readonly why: string };

/** A daemon in the middle of a large write takes some hundred milliseconds. */
const signOfLifeMsMax = 5_000;

/** Posts to `path` and hands every line to `onLine`, the last one too. Never rejects. */
export function askToAct(options: {
  readonly socketPath: string;
  readonly path: string;
  readonly clock: Clock;
  onLine?(line: ActionLine): void;
  /** Stops waiting; what the daemon has begun goes on. */
  readonly signal?: AbortSignal;
}): Promise<ActionAnswer> {
  const { socketPath, path, clock, onLine, signal } = options;
  return new Promise((resolve) => {
    const reading = new LineReader();
    let isConnected = false;
    let last: ActionLine | undefined;
    // Decoded across packets: a letter may be cut in two.
    const socket = connect(socketPath).setEncoding('utf8');
    const onAbort = (): void => finish({ kind: 'broken', why: 'it takes longer than promised' });
    signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (answer: ActionAnswer): void => {
      signal?.removeEventListener('abort', onAbort);
      deadline.cancel();
      socket.destroy();
      resolve(answer);
    };
    const deadline = clock.after(signOfLifeMsMax, () =>
      finish({ kind: 'silent', why: `no answer in ${signOfLifeMsMax} ms` }),
    );
    socket.once('connect', () => {
      isConnected = true;
      socket.write(`POST ${path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`);
    });
    socket.on('data', (chunk) => {
      deadline.cancel();
      for (const line of reading.take(String(chunk))) {
        last = line;
        onLine?.(line);
      }
      if (reading.fault !== undefined) finish({ kind: 'broken', why: reading.fault });
    });
    socket.once('end', () => finish(endedWith(last)));
    socket.once('error', (error) => {
      // One that was there, and left; or one that we may not ask; or nobody.
      if (isConnected) finish(endedWith(last));
      else finish({ kind: isDenied(error) ? 'denied' : 'absent' });
    });
  });
}

/** Whether the socket is there, and not for this user. */
export function isDenied(error: Error): boolean {
  return 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

/** Only these end an answer; after any other the daemon was gone before it was done. */
function endedWith(last: ActionLine | undefined): ActionAnswer {
  if (last === undefined || last.event === 'progress' || last.event === 'queued') {
    return { kind: 'broken', why: 'it ended before it was done' };
  }
  return { kind: 'answered', line: last };
}

/** Takes an HTTP answer apart as it arrives: its head, then one JSON object a line. */
class LineReader {
  /** Why this is no such answer. */
  fault: string | undefined;
  #hasHead = false;
  #rest = '';

  take(text: string): ActionLine[] {
    this.#rest += text;
    if (!this.#hasHead && !this.#readHead()) return [];
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#parsed(line));
  }

  #readHead(): boolean {
    const endsAt = this.#rest.indexOf('\r\n\r\n');
    if (endsAt === -1) return false;
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(this.#rest)?.[1];
    if (status !== '200') {
      this.fault = `it does not know how (status ${status ?? 'none'}): it is of another version`;
      return false;
    }
    this.#rest = this.#rest.slice(endsAt + 4);
    this.#hasHead = true;
    return true;
  }

  #parsed(line: string): ActionLine[] {
    try {
      return [JSON.parse(line) as ActionLine];
    } catch {
      this.fault = 'its answer is not JSON';
      return [];
    }
  }
}
