/**
 * Asks the running daemon for its report, over the socket in its data directory.
 *
 * One GET in HTTP/1.0, by hand: answers come whole and unchunked, and neither of the HTTP clients
 * at hand loads in less than the time that `status` has for everything.
 */
import { connect } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { StatusReport } from '../status/report-fields.ts';

/**
 * - answered: the daemon lives and says how it is;
 * - absent: nobody listens there;
 * - silent: somebody took the call and gave no answer of use, as a hanging process does.
 */
export type DaemonAnswer =
  | { readonly kind: 'answered'; readonly report: StatusReport }
  | { readonly kind: 'absent' }
  | { readonly kind: 'silent'; readonly why: string };

/** A report takes milliseconds; a daemon in the middle of a large write some hundred of them. */
const answerMsMax = 2_000;

/** Never rejects. */
export function askDaemon(socketPath: string, clock: Clock): Promise<DaemonAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(socketPath);
    const finish = (answer: DaemonAnswer): void => {
      deadline.cancel();
      socket.destroy();
      resolve(answer);
    };
    const deadline = clock.after(answerMsMax, () =>
      finish({ kind: 'silent', why: `no answer in ${answerMsMax} ms` }),
    );
    socket.once('connect', () => socket.write('GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', () => finish(readAnswer(Buffer.concat(chunks).toString('utf8'))));
    // Nobody there, or one that was just leaving.
    socket.once('error', () => finish({ kind: 'absent' }));
  });
}

function readAnswer(text: string): DaemonAnswer {
  const bodyAt = text.indexOf('\r\n\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (text === '') return { kind: 'absent' };
  if (status !== '200' || bodyAt === -1) {
    return { kind: 'silent', why: `it answered with status ${status ?? 'none'}` };
  }
  try {
    return { kind: 'answered', report: JSON.parse(text.slice(bodyAt + 4)) as StatusReport };
  } catch {
    return { kind: 'silent', why: 'its answer is not JSON' };
  }
}
