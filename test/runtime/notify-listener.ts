/**
 * A service manager's end of NOTIFY_SOCKET, for tests: a real datagram socket that prints what
 * arrives. Node has none of that kind, so Perl listens, which every Debian has. A message's file
 * descriptor, by which systemd-notify waits to be read, is closed by not being received.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const listening = `
use Socket; $| = 1;
my $path = $ARGV[0]; $path =~ s/^\\@/\\0/;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($s, pack_sockaddr_un($path)) or die "bind: $!";
print "listening\\n";
while (defined recv($s, my $message, 65536, 0)) { $message =~ s/\\n/\\x1f/g; print "$message\\n"; }
`;

const missing = ['perl', 'systemd-notify'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
// Where everything has to hold, a check that did not run has not held.
const mayLack = process.env.CI !== 'true';

/** Why a test with a listener cannot run here; false when it can. */
export const noListener =
  missing.length > 0 && mayLack ? `${missing.join(' and ')} not installed` : false;

export interface Listener {
  /** Every message so far, each as its variables; barriers are left out. */
  readonly messages: readonly Readonly<Record<string, string>>[];
  /** Resolves with the first message, from the `from`-th on, of which it is true. */
  until(
    matches: (message: Readonly<Record<string, string>>) => boolean,
    from?: number,
  ): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** Listens at a path, or at an abstract name that begins with an @. */
export async function listenAt(socket: string): Promise<Listener> {
  const child = spawn('perl', ['-e', listening, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: Record<string, string>[] = [];
  let onMessage = (): void => undefined;
  let rest = '';
  const isListening = Promise.withResolvers<void>();
  child.once('error', isListening.reject);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === 'listening') isListening.resolve();
      else if (line !== 'BARRIER=1' && line !== '') messages.push(variablesIn(line));
    }
    onMessage();
  });
  await isListening.promise;
  return {
    messages,
    until: (matches, from = 0) =>
      new Promise((resolve) => {
        onMessage = () => {
          const found = messages.slice(from).find(matches);
          if (found !== undefined) resolve(found);
        };
        onMessage();
      }),
    close: async () => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function variablesIn(line: string): Record<string, string> {
  const pairs = line.split('\x1f').filter((variable) => variable !== '');
  return Object.fromEntries(
    pairs.map((variable) => {
      const at = variable.indexOf('=');
      return [variable.slice(0, at), variable.slice(at + 1)];
    }),
  );
}
