/**
 * Runs the real command line as a child process, away from the machine's own configuration.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StartFlags, Tuning } from '../../src/cli/start.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly written: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
  /** Resolves when its output matches; rejects when it ends before, or after 90 s without. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const tunedStart = fileURLToPath(new URL('tuned-start.ts', import.meta.url));

/** As the launcher does it: the second start of a command takes a quarter of the first. */
const compiled = join(tmpdir(), 'keepa-deals-test-v8');

/** Nothing that was started outlives this process, whatever ends it but kill -9. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A directory of its own to run in, with files in it. */
export class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'keepa-deals-cli-'));
  readonly #running: Running[] = [];

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Starts the command in the directory; `env` is all it gets beside a home and a path. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return this.#spawn([main, ...args], env);
  }

  /** The command `start` with what its command line does not offer. */
  startTuned(
    { flags = {}, ...tuning }: Tuning & { readonly flags?: Partial<StartFlags> },
    env: Readonly<Record<string, string>>,
  ): Running {
    return this.#spawn([tunedStart, JSON.stringify({ flags, tuning })], env);
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>>): Running {
    const child = spawn(process.execPath, args, {
      cwd: this.directory,
      env: {
        HOME: this.directory,
        // The locks of this host, of which each place is one.
        XDG_RUNTIME_DIR: this.directory,
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: compiled,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    const running = watch(child);
    this.#running.push(running);
    return running;
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** Ends what still runs and removes the directory. */
  async remove(): Promise<void> {
    for (const { child, ended } of this.#running) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function watch(child: ChildProcess): Running {
  const written = { stdout: '', stderr: '' };
  let onOutput = (): void => undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text;
    onOutput();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text;
    onOutput();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...written }));
  });
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const givingUp = setTimeout(() => {
        reject(new Error(`nothing like ${pattern} in 90 s:\n${written.stderr}`));
      }, 90_000);
      onOutput = () => {
        const found = pattern.exec(written.stdout + written.stderr);
        if (found === null) return;
        clearTimeout(givingUp);
        resolve(found);
      };
      onOutput();
      void ended.then(({ code, stderr }) => {
        clearTimeout(givingUp);
        reject(new Error(`it ended with ${code} before ${pattern}:\n${stderr}`));
      });
    });
  return { child, written, ended, until };
}
