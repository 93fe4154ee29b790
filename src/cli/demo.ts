/**
 * `demo`: the real daemon on a simulated Keepa, in one process, so that a stranger sees deals
 * within seconds and without a key.
 *
 * Nothing of the daemon is different from a real one. What differs is the world: a market that
 * moves faster than real ones, a plan with more tokens than most, and a data directory that is
 * thrown away at the end unless one was named.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Feed } from '../actors/feed.ts';
import { type Config, defaultShares } from '../config.ts';
import { defaultJudging } from '../config-judging.ts';
import { composeDaemon } from '../daemon.ts';
import type { Daemon, Ending } from '../daemon-contract.ts';
import { parseDealQuery } from '../keepa/deal-query.ts';
import type { Transport } from '../keepa/transport.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { createLog } from '../runtime/log-writer.ts';
import { systemRandom } from '../runtime/random.ts';
import { createInProcessTransport } from '../simulator/in-process.ts';
import { createSimulatedKeepa } from '../simulator/simulated-keepa.ts';
import { buildReport } from '../status/report.ts';
import type { Store } from '../store/ports.ts';
import { exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { type DemoPainter, painterFor } from './demo-painter.ts';
import { openData } from './open-data-dir.ts';
import { runDaemon } from './run-daemon.ts';

export interface DemoFlags {
  readonly rows: number;
  readonly rate: number;
  readonly seed: number;
  readonly seconds?: number;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly version: string;
}

/** Times faster than a real market: what moves in an hour there moves in a minute here. */
const pace = 60;
/** A look at live offers takes Keepa up to 20 s; nobody watches a demo wait, or end, for that. */
const latencyPercent = 10;
/** Deals shown at most; a higher terminal has room for no more than this. */
const newestMax = 40;
const sweepIntervalMs = 8_000;

/** Runs until Ctrl-C or for `--seconds`, then 0; the daemon's own code if that ended first. */
export async function demo(flags: DemoFlags, context: CliContext): Promise<number> {
  const { terminal, cwd } = context;
  const isKept = flags.dataDir !== undefined;
  const dataDir =
    flags.dataDir === undefined
      ? mkdtempSync(join(tmpdir(), 'keepa-deals-demo-'))
      : resolve(cwd, flags.dataDir);
  const painter = painterFor(terminal, { isJson: flags.json === true });
  try {
    const ending = await runDemo({ flags, dataDir, painter });
    painter.end();
    if (ending.code !== exitCodes.fine) terminal.say(`keepa-deals: ${ending.reason}`);
    return ending.code;
  } finally {
    painter.end();
    if (isKept)
      terminal.say(`the data is kept: keepa-deals deals --state all --data-dir ${dataDir}`);
    else rmSync(dataDir, { recursive: true, force: true });
  }
}

interface DemoParts {
  readonly flags: DemoFlags;
  readonly dataDir: string;
  readonly painter: DemoPainter;
}

async function runDemo({ flags, dataDir, painter }: DemoParts): Promise<Ending> {
  const clock = systemClock();
  const random = systemRandom();
  const log = createLog({
    clock,
    write: painter.warn,
    format: flags.json === true ? 'json' : 'human',
    level: 'warn',
    secrets: [],
    colour: false,
  });
  const data = await openData(dataDir, { clock, random, log });
  try {
    const daemon = composeDaemon({
      config: demoConfig(dataDir),
      feeds: [demoFeed()],
      world: {
        clock,
        random,
        transport: demoTransport(flags, clock),
        coordination: data.coordination,
        log,
      },
      store: data.store,
      owner: data.owner,
      keyHash: 'demo',
      version: flags.version,
    });
    return await runShown(daemon, { flags, dataDir, painter, clock, log, store: data.store });
  } finally {
    log.flush();
    await data.close();
  }
}

interface ShownParts extends DemoParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
}

async function runShown(
  daemon: Daemon,
  { flags, dataDir, painter, clock, log, store }: ShownParts,
): Promise<Ending> {
  const over = new AbortController();
  const startedMs = clock.monotonic();
  const show = async (): Promise<void> => {
    const report = await buildReport(daemon.sources());
    const newest = await store.reader.deals({
      states: ['accepted', 'candidate'],
      limit: newestMax,
    });
    painter.show({ report, newest, elapsedMs: clock.monotonic() - startedMs });
  };
  const showing = repeat(show, { everyMs: painter.everyMs, clock, signal: over.signal });
  const { seconds } = flags;
  const timer =
    seconds === undefined
      ? undefined
      : clock.after(seconds * 1000, () => void daemon.stop(`${seconds} s are over`));
  painter.begin(dataDir);
  try {
    return await runDaemon({ daemon, dataDir, clock, log });
  } finally {
    timer?.cancel();
    over.abort();
    await showing;
    // Once more, so that the last thing shown is how it ended.
    await show();
  }
}

async function repeat(
  work: () => Promise<void>,
  { everyMs, clock, signal }: { everyMs: number; clock: Clock; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (!signal.aborted) await work();
  }
}

function demoTransport({ seed, rows, rate }: DemoFlags, clock: Clock): Transport {
  const startMs = clock.now();
  const core = createSimulatedKeepa({
    seed,
    rows,
    ratePerMinute: rate,
    startMs,
    pace,
    latencyPercent,
  });
  return createInProcessTransport({ core, clock, key: 'demo' });
}

function demoFeed(): Feed {
  return {
    name: 'used-books',
    query: parseDealQuery({ domainId: 1, priceTypes: [2], dateRange: 3 }),
    screen: {
      minPriceCents: 100,
      minPercentBelowAverage: 50,
      maxRank: 1_000_000,
      minRankDrops90: 5,
      maxAverageSpike: 3,
    },
  };
}

function demoConfig(dataDir: string): Config {
  return {
    dataDir,
    keepaUrl: 'simulated',
    deficitFloor: 0,
    shares: defaultShares,
    sweepIntervalMs,
    ...defaultJudging,
    standby: false,
    log: { level: 'warn', format: 'auto' },
    feeds: [],
  };
}
