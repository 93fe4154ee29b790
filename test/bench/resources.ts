/**
 * What the idle daemon takes of a machine, beside a bare Node: `npm run bench -- resources`.
 *
 * The real daemon, from its launcher, with 10,000 rows and a backlog that its tokens cannot buy: it
 * waits for a tick, spends what came, and waits again, as on a small plan for months. The simulated
 * Keepa is a process of its own, so that nothing of it is counted. What is compared with a target
 * is wall time of whole commands: on a busy machine it says more of the others than of us, so the
 * bare process is timed in turn with it and the machine's load is printed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/runtime/clock.ts';
import { openFigures } from '../../src/store/open-figures.ts';
import { listenAt, noListener } from '../runtime/notify-listener.ts';
import {
  type Child,
  cpuSeconds,
  loadNow,
  median,
  residentMb,
  startChild,
  timedRun,
} from './measured-process.ts';

const rows = 10_000;
const ratePerMinute = 20;
/** Only until every row is listed. */
const fillingRate = 1_000;
/** Of both the daemon and the bare process; long enough for three ticks. */
const idleSeconds = 65;
/** The heap that the start and the backlog of the first hour took is given back within this. */
const settleSeconds = 45;
const commandRuns = 10;
const startRuns = 3;
/** Exit code of `status` for a daemon that works or waits, and for a dead one. */
const alive = 0;
const dead = 3;

const launcher = fileURLToPath(new URL('../../bin/keepa-deals', import.meta.url));
const clock = systemClock();

interface Figures {
  readonly rows: number;
  readonly residentMb: number;
  readonly coreShare: number;
  readonly readyMs: number;
  readonly aliveMs: number;
  readonly deadMs: number;
  readonly bareMb: number;
  readonly bareShare: number;
  readonly bareMs: number;
  readonly loads: readonly number[];
}

class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'keepa-deals-resources-'));
  readonly #children: Child[] = [];
  #env: Readonly<Record<string, string>> = {
    HOME: this.directory,
    XDG_RUNTIME_DIR: this.directory,
    PATH: process.env.PATH ?? '',
    KEEPA_API_KEY: 'simulated',
  };

  async run(): Promise<Figures> {
    const places = ['--config', this.#configFile(), '--data-dir', this.directory];
    const start = [launcher, 'start', ...places, '--json'];
    const rich = await this.#keepa(fillingRate);
    const first = this.#start(start);
    const counted = await this.#filled();
    await first.stop();
    await rich.stop();
    await this.#keepa(ratePerMinute, '--tokens', '0');
    const { daemon, readyMs } = await this.#ready(start);
    const bare = this.#start([process.execPath, '-e', 'setInterval(() => {}, 2 ** 30)']);
    const loads = [loadNow()];
    await clock.sleep(settleSeconds * 1_000);
    const before = [daemon, bare].map(({ pid }) => cpuSeconds(pid));
    const memory = [daemon, bare].map((): number[] => []);
    for (let second = 0; second < idleSeconds; second += 5) {
      await clock.sleep(5_000);
      for (const [i, { pid }] of [daemon, bare].entries()) memory[i]?.push(residentMb(pid));
    }
    const shares = [daemon, bare].map(
      ({ pid }, i) => (cpuSeconds(pid) - (before[i] ?? 0)) / idleSeconds,
    );
    loads.push(loadNow());
    const status = [launcher, 'status', '--json', ...places];
    const living = this.#commands(status, alive);
    await daemon.stop();
    const gone = this.#commands(status, dead);
    loads.push(loadNow());
    return {
      rows: counted,
      residentMb: median(memory[0] ?? []),
      coreShare: shares[0] ?? Number.NaN,
      readyMs,
      aliveMs: median(living.took),
      deadMs: median(gone.took),
      bareMb: median(memory[1] ?? []),
      bareShare: shares[1] ?? Number.NaN,
      bareMs: median([...living.bare, ...gone.bare]),
      loads,
    };
  }

  async end(): Promise<void> {
    for (const child of this.#children) await child.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #start(command: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = startChild(command, { ...this.#env, ...env });
    this.#children.push(child);
    return child;
  }

  #configFile(): string {
    const file = join(this.directory, 'keepa-deals.toml');
    const selection = '{ priceTypes = [2], dateRange = 3, sortType = 4 }';
    writeFileSync(file, `[[feeds]]\nname = "used"\ndomain = "com"\nselection = ${selection}\n`);
    return file;
  }

  /** A simulated Keepa with the same market each time, which daemons from now on will ask. */
  async #keepa(rate: number, ...more: readonly string[]): Promise<Child> {
    const plan = ['--rows', String(rows), '--rate', String(rate), '--latency', '0', ...more];
    const keepa = this.#start([launcher, 'simulate', '--port', '0', '--json', ...plan]);
    const [, url = ''] = await keepa.said(/"url":"([^"]+)"/);
    this.#env = { ...this.#env, KEEPA_DEALS_KEEPA_URL: url };
    return keepa;
  }

  /** Waits until the daemon has listed every row once; how many there are. */
  async #filled(): Promise<number> {
    for (;;) {
      await clock.sleep(500);
      const opened = await openFigures(join(this.directory, 'deals.sqlite')).catch(() => undefined);
      const [feed] = (await opened?.figures.feeds()) ?? [];
      const total = (await opened?.figures.countByState())?.total ?? 0;
      opened?.close();
      if (feed?.lastSweepAtMs !== undefined) return total;
    }
  }

  /** The last of several starts, and how long the one in the middle took to say READY. */
  async #ready(start: readonly string[]): Promise<{ daemon: Child; readyMs: number }> {
    const took: number[] = [];
    for (;;) {
      const socket = join(this.directory, `notify-${took.length}`);
      const listener = await listenAt(socket);
      const daemon = this.#start(start, { NOTIFY_SOCKET: socket });
      await listener.until(({ READY }) => READY === '1');
      took.push(performance.now() - daemon.startedMs);
      await listener.close();
      if (took.length === startRuns) return { daemon, readyMs: median(took) };
      await daemon.stop();
    }
  }

  /** The command and a bare Node in turn, so that both meet the same machine. */
  #commands(command: readonly string[], code: number): { took: number[]; bare: number[] } {
    const took: number[] = [];
    const bare: number[] = [];
    // The first one fills the cache of compiled code.
    for (let run = 0; run <= commandRuns; run += 1) {
      const tookMs = timedRun(command, { env: this.#env, code });
      if (run === 0) continue;
      took.push(tookMs);
      bare.push(timedRun([process.execPath, '-e', '0'], { env: this.#env, code: 0 }));
    }
    return { took, bare };
  }
}

const missed = 'MISSED';

function table(figures: Figures): string {
  const mb = (value: number): string => `${value.toFixed(0)} MB`;
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const core = (value: number): string =>
    `${(100 * value).toFixed(2)} % (${(3_600 * value).toFixed(0)} s an hour)`;
  const { residentMb: resident, coreShare, readyMs, aliveMs, deadMs } = figures;
  const line = (name: string, ours: string, bare: string, target: string, isMet: boolean): string =>
    `${name.padEnd(22)}${ours.padEnd(24)}${bare.padEnd(22)}${target}  ${isMet ? 'met' : missed}`;
  const bareTook = ms(figures.bareMs);
  const loads = figures.loads.map((load) => load.toFixed(1)).join(', ');
  return [
    `The idle daemon: ${figures.rows} rows, ${ratePerMinute} tokens a minute, a backlog`,
    '',
    `${''.padEnd(22)}${'keepa-deals'.padEnd(24)}${'bare Node'.padEnd(22)}target`,
    line('resident memory', mb(resident), mb(figures.bareMb), '110 MB', resident <= 110),
    line('of one core', core(coreShare), core(figures.bareShare), 'under 1 %', coreShare < 0.01),
    line('start to READY', ms(readyMs), bareTook, 'under 500 ms', readyMs < 500),
    line('status, daemon alive', ms(aliveMs), bareTook, 'under 150 ms', aliveMs < 150),
    line('status, daemon dead', ms(deadMs), bareTook, 'under 150 ms', deadMs < 150),
    '',
    `load per core at the start, the end and after: ${loads} (above 1, times are the machine's)`,
    '',
  ].join('\n');
}

if (noListener !== false) throw new Error(`resources: ${noListener}`);
const bench = new Bench();
try {
  const text = table(await bench.run());
  process.stdout.write(text);
  if (text.includes(missed)) process.exitCode = 1;
} finally {
  await bench.end();
}
