/**
 * What a process takes of the machine, as the kernel counts it, and how long a command takes.
 *
 * Linux only: /proc is the one witness that is no part of what is measured.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** `getconf CLK_TCK` on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** CPU seconds of the process so far, its own and the kernel's for it. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold anything; the figures follow it, from the third on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory now, in units of 10^6 bytes. */
export function residentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]) * 1024) / 1e6;
}

/** How much of the machine others use now: 1 is all of it. */
export function loadNow(): number {
  const [load = '0'] = readFileSync('/proc/loadavg', 'utf8').split(' ');
  return Number(load) / availableParallelism();
}

/** Milliseconds from the start to the end of the command; @throws unless it ends with `code`. */
export function timedRun(
  [program = '', ...args]: readonly string[],
  { env, code }: { readonly env: Readonly<Record<string, string>>; readonly code: number },
): number {
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
  const tookMs = performance.now() - startedMs;
  if (status === code) return tookMs;
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** The lower of the two in the middle of an even count. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.floor((ascending.length - 1) / 2)] ?? Number.NaN;
}

export interface Child {
  readonly pid: number;
  /** Milliseconds of `performance.now()` at its start. */
  readonly startedMs: number;
  /** Resolves with what its output first matched; rejects when it ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Asks it to end, and waits for that. */
  stop(): Promise<void>;
}

/** Starts a program that stays. What it says is kept and shown to nobody. */
export function startChild(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Child {
  const startedMs = performance.now();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} cannot be started`);
  let text = '';
  let onText = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-100_000);
      onText();
    });
  }
  const closed = once(child, 'close');
  return {
    pid,
    startedMs,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        onText = () => {
          const found = pattern.exec(text);
          if (found !== null) resolve(found);
        };
        onText();
        void closed.then(() => reject(new Error(`${program} ended before ${pattern}: ${text}`)));
      }),
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
