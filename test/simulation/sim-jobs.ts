/**
 * Many seeds over a few worker processes: one seed at a time each, the next to whoever is free.
 */
import { fork } from 'node:child_process';
import type { Outcome } from './fault-run.ts';

export interface JobOptions {
  readonly script: string;
  readonly args: readonly string[];
  readonly seeds: readonly number[];
  readonly jobs: number;
  /** A seed without a result after so long hangs. */
  readonly seedMsMax: number;
  onOutcome(outcome: Outcome): void;
}

/** Runs every seed once. A worker that dies or hangs counts as the failure of its seed. */
export async function runSeeds(options: JobOptions): Promise<void> {
  const waiting = options.seeds.toReversed();
  const workers = Array.from({ length: Math.min(options.jobs, waiting.length) }, () =>
    work(options, waiting),
  );
  await Promise.all(workers);
}

async function work(options: JobOptions, waiting: number[]): Promise<void> {
  while (waiting.length > 0) {
    let seed: number | undefined;
    let deadline: NodeJS.Timeout | undefined;
    let isLate = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const worker = fork(options.script, [...options.args, '--worker'], { serialization: 'json' });
    const next = (): void => {
      clearTimeout(deadline);
      seed = waiting.pop();
      if (seed === undefined) return void worker.disconnect();
      worker.send({ seed });
      deadline = setTimeout(() => {
        isLate = true;
        worker.kill('SIGKILL');
      }, options.seedMsMax);
    };
    worker.on('message', (outcome: Outcome) => {
      // The answer of one that is being killed comes too late: its death is told.
      if (isLate) return;
      options.onOutcome(outcome);
      next();
    });
    worker.on('exit', (code, signal) => {
      clearTimeout(deadline);
      const how = isLate
        ? `no result after ${options.seedMsMax} ms`
        : `ended with ${signal ?? code}`;
      if (seed !== undefined) options.onOutcome(deathOf(seed, how));
      resolve();
    });
    next();
    await promise;
  }
}

function deathOf(seed: number, sentence: string): Outcome {
  const failures = [{ code: 'worker-died', sentence, atMs: 0 }];
  return { seed, failures, traceHash: '', virtualHours: 0, requests: 0, lives: 0, judgedRows: 0 };
}
