/**
 * Runs the command line on a terminal of its own, and types when it has shown what is waited for.
 * Python has the only pseudo-terminal that is everywhere; where there is no python3 the tests that
 * need one are skipped and say so, with CI=true they fail.
 */
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Place } from './run-cli.ts';

/** To pass as the option `skip` of a test. */
export const withoutPty: string | false = whyWithout();

function whyWithout(): string | false {
  try {
    execFileSync('python3', ['-c', 'import pty, termios'], { stdio: 'ignore' });
    return false;
  } catch {
    if (process.env.CI === 'true') throw new Error('CI needs python3 for its terminals');
    return 'there is no python3 with pty here';
  }
}

export interface TerminalEnd {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  /** The number of the signal. */
  readonly signal: number | undefined;
  /** All that was on the screen. */
  readonly screen: string;
  /** Whether it asked, or showed what else was waited for. */
  readonly hasAsked: boolean;
  /** Whether the terminal shows what is typed, line by line, as before. */
  readonly isRestored: boolean;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const driver = `
import fcntl, json, os, pty, struct, sys, termios
spec = json.loads(sys.argv[1])
pid, screen = pty.fork()
if pid == 0:
    os.chdir(spec['cwd'])
    rows, columns = spec['size']
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    os.execve(spec['argv'][0], spec['argv'], spec['env'])
said, asked = b'', False
while True:
    try:
        chunk = os.read(screen, 4096)
    except OSError:
        break
    if not chunk:
        break
    said += chunk
    if not asked and spec['until'].encode() in said:
        asked = True
        os.write(screen, spec['keys'].encode())
status = os.waitpid(pid, 0)[1]
modes = termios.tcgetattr(screen)[3]
wanted = termios.ECHO | termios.ICANON | termios.ISIG
print(json.dumps({
    'code': os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
    'signal': os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
    'screen': said.decode(), 'hasAsked': asked, 'isRestored': modes & wanted == wanted,
}))
`;

interface Waiting {
  /** What it shows before the keys are pressed; absent: its question. */
  readonly until?: string;
  /** Of the terminal; absent: 24 rows of 80. */
  readonly size?: readonly [rows: number, columns: number];
}

/** Runs the command in the place's directory and presses these keys when it asks. */
export async function onTerminal(
  place: Place,
  args: readonly string[],
  keys: string,
  { until = '[y/N] ', size = [24, 80] }: Waiting = {},
): Promise<TerminalEnd> {
  const env = { HOME: place.directory, XDG_RUNTIME_DIR: place.directory, TERM: 'xterm' };
  const argv = [process.execPath, main, ...args];
  const spec = JSON.stringify({ argv, env, keys, until, size, cwd: place.directory });
  const child = spawn('python3', ['-c', driver, spec], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  for await (const text of child.stdout.setEncoding('utf8')) told += text;
  const { code, signal, ...rest } = JSON.parse(told);
  return { ...rest, code: code ?? undefined, signal: signal ?? undefined };
}
