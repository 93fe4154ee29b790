/**
 * A set-up for `doctor` to look at: a data directory, a simulated Keepa over HTTP, a place for
 * units, and the command itself, run in this process on all of it.
 *
 * Every look checks what holds of every set-up, sound or broken: no check is missing from the
 * report, no secret is in it, and no file has changed.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { doctor } from '../../src/cli/doctor.ts';
import type { DoctorFlags } from '../../src/cli/doctor-facts.ts';
import type { Finding } from '../../src/cli/doctor-finding.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { type HttpKeepa, startHttpKeepa } from '../../src/simulator/http-door.ts';
import {
  createSimulatedKeepa,
  type SimulatedKeepa,
  type SimulatedKeepaOptions,
} from '../../src/simulator/simulated-keepa.ts';
import type { DealWriter } from '../../src/store/ports.ts';
import { bareRow, feed, fillStore, run } from './filled-store.ts';
import { Place } from './run-cli.ts';

export const doctorKey = 'k3y0123456789k3y0123456789k3y0123456789';
export const doctorToml = `
[[feeds]]
name = "used-books"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;

export interface DoctorReport {
  readonly schema: number;
  readonly verdict: string;
  readonly exitCode: number;
  readonly findings: readonly Finding[];
  readonly configuration: readonly {
    readonly key: string;
    readonly value: string;
    readonly origin: string;
  }[];
}

export interface Look {
  readonly code: number;
  readonly report: DoctorReport;
  /** The one finding of that id and level that is no good news; fails unless there is just one. */
  found(level: Finding['level'], id: string): Finding;
  /** Levels by id, of what is neither ok nor passed over. */
  troubles(): readonly string[];
}

/** What every report speaks of, whatever is broken. */
const everyId = [
  ...['config', 'key', 'keepa', 'clock', 'data-dir', 'disk', 'schema', 'integrity', 'wal'],
  ...['redis', 'daemon', 'version', 'restarts', 'leases', 'checkpoints', 'freshness'],
  ...['listings', 'coverage', 'plan', 'spenders', 'unit', 'unit-environment'],
];

const hourMs = 3_600_000;

interface LeftBehind {
  readonly rows?: number;
  readonly ageMs?: number;
  readonly more?: (writer: DealWriter) => Promise<void>;
}

function rowAt(at: number): DealRow {
  return { ...bareRow, asin: `B${String(at).padStart(9, '0')}`, priceCents: 1_000 };
}

export class DoctorSetup {
  readonly place = new Place();
  readonly dataDir = this.place.path('data');
  readonly unitDirectory = this.place.path('units');
  /** Beside the key; struck from no output by the test itself. */
  readonly secrets = [doctorKey];
  env: Record<string, string> = {
    HOME: this.place.directory,
    XDG_RUNTIME_DIR: this.place.directory,
    KEEPA_API_KEY: doctorKey,
    KEEPA_DEALS_DATA_DIR: this.dataDir,
  };
  /** Whether a daemon changes the files by itself. */
  isAtWork = false;
  #door: HttpKeepa | undefined;
  keepa: SimulatedKeepa | undefined;

  constructor(toml = doctorToml) {
    this.place.write('keepa-deals.toml', toml);
    mkdirSync(this.unitDirectory);
  }

  get databasePath(): string {
    return join(this.dataDir, 'deals.sqlite');
  }

  makeDataDir(): void {
    mkdirSync(this.dataDir, { mode: 0o700 });
  }

  /** A database that a daemon has just left, with so many rows that were seen `ageMs` ago. */
  async leave(options: LeftBehind = {}): Promise<void> {
    const { rows = 60, ageMs = 60_000, more = async () => undefined } = options;
    const nowMs = systemClock().now();
    const seenAtMs = nowMs - ageMs;
    this.makeDataDir();
    await fillStore(this.databasePath, async (writer) => {
      const sweep = await writer.beginSweep(feed, { atMs: seenAtMs, plannedMs: hourMs });
      for (let page = 0; page * 150 < rows; page += 1) {
        const left = Math.min(150, rows - page * 150);
        const listed = Array.from({ length: left }, (_, at) => ({ row: rowAt(page * 150 + at) }));
        const ends = (page + 1) * 150 >= rows ? { ends: 'complete' as const } : {};
        await writer.storePage({
          ...{ feed, rows: [...listed, { row: bareRow }], seenAtMs },
          sweep: { number: sweep.number, page, ...ends },
        });
      }
      const ended = { stoppedAtMs: nowMs - 1_000, stopReason: 'SIGTERM' };
      await writer.recordRun({
        ...run,
        instance: 'last',
        startedAtMs: nowMs - hourMs / 2,
        ...ended,
      });
      await more(writer);
    });
  }

  /** `aheadMs`: how far its clock is off. */
  async startKeepa(
    options: Partial<SimulatedKeepaOptions> & { readonly aheadMs?: number } = {},
  ): Promise<void> {
    const { aheadMs = 0, ...plan } = options;
    const own = systemClock();
    const clock: Clock = { ...own, now: () => own.now() + aheadMs };
    this.keepa = createSimulatedKeepa({
      ...{ seed: 1, startMs: clock.now(), key: doctorKey, rows: 200, ratePerMinute: 5 },
      latencyPercent: 5,
      ...plan,
    });
    this.#door = await startHttpKeepa({ core: this.keepa, clock, host: '127.0.0.1', port: 0 });
    this.env.KEEPA_DEALS_KEEPA_URL = this.#door.url;
  }

  installUnit(text: string, dropIn?: string): void {
    writeFileSync(join(this.unitDirectory, 'keepa-deals.service'), text);
    if (dropIn === undefined) return;
    mkdirSync(join(this.unitDirectory, 'keepa-deals.service.d'), { recursive: true });
    writeFileSync(join(this.unitDirectory, 'keepa-deals.service.d', 'own.conf'), dropIn);
  }

  /** Has doctor look; where no daemon is at work, which takes its time, as text as well. */
  async look(flags: Partial<DoctorFlags> = {}): Promise<Look> {
    const before = this.#files();
    const isQuiet = !this.isAtWork;
    const json = await this.#run({ ...flags, json: true });
    const text = isQuiet ? await this.#run(flags) : undefined;
    if (isQuiet) assert.deepEqual(this.#files(), before, 'doctor changed a file');
    assert.equal(text?.code ?? json.code, json.code, text?.out);
    for (const secret of this.secrets) {
      assert.ok(!`${json.out}${text?.out}`.includes(secret), 'a secret was printed');
    }
    const report: DoctorReport = JSON.parse(json.out);
    assert.equal(report.exitCode, json.code);
    const ids = new Set(report.findings.map(({ id }) => id));
    assert.deepEqual(
      everyId.filter((id) => !ids.has(id)),
      [],
      'checks are missing',
    );
    for (const { id, level, why, todo } of report.findings) {
      const isNews = level !== 'ok' && level !== 'skipped';
      assert.equal(isNews, typeof why === 'string' && typeof todo === 'string', id);
      if (text === undefined) continue;
      assert.ok(text.out.includes(`\n${level.padEnd(7)}  ${id} `), `${level} ${id} as text`);
    }
    return lookOn(json.code, report);
  }

  async #run(flags: Partial<DoctorFlags>): Promise<{ code: number; out: string }> {
    let out = '';
    const terminal: Terminal = {
      out: (text) => {
        out += text;
      },
      write: (text) => assert.fail(`it talked: ${text}`),
      say: (line) => assert.fail(`it talked: ${line}`),
      isOutTty: false,
      isTalkTty: false,
      isInTty: false,
      hasOutColour: false,
      hasTalkColour: false,
      columns: () => 100,
      rows: () => 50,
      ask: () => assert.fail('it asked'),
    };
    const context = {
      env: this.env,
      cwd: this.place.directory,
      terminal,
      secrets: new Set<string>(),
    };
    const { version = '0.1.0', ...others } = flags;
    const machine = { unitDirectories: [this.unitDirectory] };
    return { code: await doctor({ ...others, version }, context, machine), out };
  }

  /** Every file but what SQLite makes for whoever reads: an index of the log, an empty log. */
  #files(): Record<string, string> {
    const names = readdirSync(this.place.directory, { recursive: true, encoding: 'utf8' }).sort();
    return Object.fromEntries(
      names
        .filter((name) => !/-shm$/.test(name) && !this.#isEmptyLog(name))
        .map((name) => {
          const path = this.place.path(name);
          const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
          const text = isFile ? readFileSync(path) : '';
          return [name, createHash('sha256').update(text).digest('hex')];
        }),
    );
  }

  #isEmptyLog(name: string): boolean {
    return name.endsWith('-wal') && statSync(this.place.path(name)).size === 0;
  }

  async remove(): Promise<void> {
    await this.place.remove();
    await this.#door?.close();
  }
}

function lookOn(code: number, report: DoctorReport): Look {
  const news = report.findings.filter(({ level }) => level !== 'ok' && level !== 'skipped');
  const troubles = (): readonly string[] => news.map(({ level, id }) => `${level} ${id}`);
  return {
    code,
    report,
    troubles,
    found(level, id) {
      const found = news.filter((finding) => finding.level === level && finding.id === id);
      assert.equal(found.length, 1, `${level} ${id} among ${troubles().join(', ')}`);
      const [one] = found;
      assert.ok(one !== undefined);
      return one;
    },
  };
}
