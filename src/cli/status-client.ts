/**
 * Asks the running daemon for its report, over the socket in its data directory.
 *
 * One GET in HTTP/1.0, by hand: answers come whole and unchunked, and neither of the HTTP clients
 * at hand loads in less than the time that `status` has for everything.
 */
import { connect } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { StatusReport } from '../status/report-fields.ts';
import { isDenied } from './daemon-client.ts';

/**
 * - answered: the daemon lives and says how it is;
 * - absent: nobody listens there;
 * - denied: somebody may be there, and this user may not ask;
 * - foreign: it answers, but not as the daemon of this version does;
 * - silent: somebody took the call and gave no answer of use, as a hanging process does.
 */
export type DaemonAnswer =
  | { readonly kind: 'answered'; readonly report: StatusReport }
  | { readonly kind: 'absent' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'foreign'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string };

/** Why what only a daemon knows is not told, in half a sentence. */
export const whyUntold: Readonly<Record<Exclude<DaemonAnswer['kind'], 'answered'>, string>> = {
  absent: 'no daemon runs',
  denied: 'this user may not ask the daemon',
  foreign: 'the daemon that runs is of another version',
  silent: 'the daemon does not answer',
};

/** A report takes milliseconds; a daemon in the middle of a large write some hundred of them. */
const answerMsMax = 2_000;

/** Whoever hangs up was just leaving, and is gone when asked again; or has too many callers. */
const againMs = 250;

/** Never rejects. */
export async function askDaemon(socketPath: string, clock: Clock): Promise<DaemonAnswer> {
  const answer = await askOnce(socketPath, clock);
  if (answer !== 'hung up') return answer;
  await clock.sleep(againMs);
  const second = await askOnce(socketPath, clock);
  return second === 'hung up' ? { kind: 'silent', why: 'it takes calls and hangs up' } : second;
}

function askOnce(socketPath: string, clock: Clock): Promise<DaemonAnswer | 'hung up'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let isConnected = false;
    const socket = connect(socketPath);
    const finish = (answer: DaemonAnswer | 'hung up'): void => {
      deadline.cancel();
      socket.destroy();
      resolve(answer);
    };
    const deadline = clock.after(answerMsMax, () =>
      finish({ kind: 'silent', why: `no answer in ${answerMsMax} ms` }),
    );
    socket.once('connect', () => {
      isConnected = true;
      socket.write('GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n');
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', () => finish(readAnswer(Buffer.concat(chunks).toString('utf8'))));
    socket.once('error', (error) => {
      if (isConnected) finish('hung up');
      else finish({ kind: isDenied(error) ? 'denied' : 'absent' });
    });
  });
}

function readAnswer(text: string): DaemonAnswer | 'hung up' {
  const bodyAt = text.indexOf('\r\n\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (text === '') return 'hung up';
  if (status === '404') return { kind: 'foreign', why: 'it does not know the question' };
  if (status !== '200' || bodyAt === -1) {
    return { kind: 'silent', why: `it answered with status ${status ?? 'none'}` };
  }
  try {
    return readReport(JSON.parse(text.slice(bodyAt + 4)));
  } catch {
    return { kind: 'silent', why: 'its answer is not JSON' };
  }
}

/** What is read of a report here; a daemon of another version may lack some of it. */
const partsNeeded = {
  object: ['tokens', 'classes', 'waitBounds', 'deals', 'judging', 'freshness'],
  list: ['feeds', 'gaps', 'leases'],
  string: ['state', 'reason', 'at'],
} as const;

function readReport(body: unknown): DaemonAnswer {
  if (typeof body !== 'object' || body === null) {
    return { kind: 'foreign', why: 'its answer is no report' };
  }
  const parts = new Map<string, unknown>(Object.entries(body));
  const schema = parts.get('schema');
  if (schema !== 1) return { kind: 'foreign', why: `its report is of schema ${String(schema)}` };
  const kindOf = (part: unknown): string => (Array.isArray(part) ? 'list' : typeof part);
  const lacking = Object.entries(partsNeeded).flatMap(([kind, names]) =>
    names.filter((name) => kindOf(parts.get(name)) !== kind),
  );
  if (lacking.length > 0) return { kind: 'foreign', why: `its report lacks ${lacking.join(', ')}` };
  return { kind: 'answered', report: body as StatusReport };
}
