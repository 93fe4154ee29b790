/**
 * Goal: whatever is broken, doctor names it and goes on to look at everything else. Method: real
 * files, a real simulated Keepa over HTTP, one thing broken at a time, and every report complete.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import SqliteFile from 'better-sqlite3';
import { spaceFinding } from '../../src/cli/doctor-disk.ts';
import type { DealRow } from '../../src/keepa/deal-row.ts';
import type { DealWriter } from '../../src/store/ports.ts';
import { DoctorSetup, doctorKey, doctorToml } from './doctor-setup.ts';
import { bareRow, feed, fillStore, run } from './filled-store.ts';

const limits = { timeout: 60_000 };
const hourMs = 3_600_000;
const nowMs = Date.now();

let setup: DoctorSetup;
beforeEach(() => {
  setup = new DoctorSetup();
});
afterEach(() => setup.remove());

/** A database that a daemon has just left, with so many rows that were seen `ageMs` ago. */
async function leave(
  options: { rows?: number; ageMs?: number; more?: (writer: DealWriter) => Promise<void> } = {},
): Promise<void> {
  const { rows = 60, ageMs = 60_000, more = async () => undefined } = options;
  setup.makeDataDir();
  await fillStore(setup.databasePath, async (writer) => {
    const seenAtMs = nowMs - ageMs;
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
    await writer.recordRun({ ...run, instance: 'last', startedAtMs: nowMs - hourMs / 2, ...ended });
    await more(writer);
  });
}

function rowAt(at: number): DealRow {
  return { ...bareRow, asin: `B${String(at).padStart(9, '0')}`, priceCents: 1_000 };
}

describe('configuration and key', limits, () => {
  test('before the first start: notes, and 0', async () => {
    const { code, troubles } = await setup.look();
    assert.equal(code, 0);
    assert.deepEqual(troubles(), ['note data-dir', 'note schema', 'note daemon', 'note unit']);
  });

  test('a mistake in the file is told, and the data are looked for where it says', async () => {
    await leave();
    const { KEEPA_DEALS_DATA_DIR: _, ...env } = setup.env;
    setup.env = env;
    setup.place.write('keepa-deals.toml', `data_dir = "data"\nsweep = 1\n${doctorToml}`);
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'config').what, /sweep: unknown key/);
    assert.match(look.found('warning', 'daemon').what, /the last one ended .* ago: SIGTERM/);
  });

  test('a file that is no TOML, and a variable that is wrong, hide nothing either', async () => {
    setup.place.write('keepa-deals.toml', 'data_dir = ');
    setup.env.KEEPA_DEALS_HTTP = 'nonsense';
    const look = await setup.look();
    assert.equal(look.code, 1);
    look.found('error', 'config');
  });

  test('a query that Keepa would not take', async () => {
    setup.place.write('keepa-deals.toml', doctorToml.replace('dateRange = 3', 'dateRange = 7'));
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'feeds').what, /dateRange/);
  });

  test('a key that was put where it does not belong is not shown', async () => {
    setup.env.KEEPA_DEALS_HTTP = doctorKey;
    const look = await setup.look();
    assert.match(look.found('error', 'config').what, /KEEPA_DEALS_HTTP: http: is "\[/);
  });

  test('a variable that means nothing', async () => {
    setup.env.KEEPA_DEALS_REDIS = 'redis://127.0.0.1';
    const look = await setup.look();
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'config').what, /did you mean KEEPA_DEALS_REDIS_URL/);
  });

  test('no key', async () => {
    const { KEEPA_API_KEY: _, ...env } = setup.env;
    setup.env = env;
    const look = await setup.look({ live: true });
    assert.equal(look.code, 1);
    const { what, todo } = look.found('error', 'key');
    assert.match(what, /Keepa API key: missing/);
    assert.match(todo ?? '', /set KEEPA_API_KEY/);
  });

  test('the key of the installed unit is found, and that others can read it', async () => {
    const { KEEPA_API_KEY: _, ...env } = setup.env;
    setup.env = env;
    const file = setup.place.write('the-key', `${doctorKey}\n`);
    setup.installUnit(`[Service]\nLoadCredential=keepa-api-key:${file}\n`);
    chmodSync(file, 0o600);
    assert.ok(!(await setup.look()).troubles().some((trouble) => trouble.endsWith(' key')));
    chmodSync(file, 0o644);
    const look = await setup.look();
    assert.match(look.found('warning', 'key').what, /the-key can be read by others \(mode 644\)/);
  });

  test('a key that Keepa refuses', async () => {
    await setup.startKeepa({ key: 'another-key' });
    const look = await setup.look({ live: true });
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'keepa').what, /it refuses the key/);
  });

  test('a balance below zero', async () => {
    await setup.startKeepa({ initialTokens: -40 });
    const look = await setup.look({ live: true });
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'keepa').what, /-40|429/);
  });

  test('a Keepa that is not there', async () => {
    setup.env.KEEPA_DEALS_KEEPA_URL = 'http://127.0.0.1:1';
    const look = await setup.look({ live: true });
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'keepa').what, /connection refused/);
  });

  for (const [aheadMs, said] of [
    [hourMs, /60 min behind Keepa's/],
    [-hourMs, /60 min ahead of Keepa's/],
  ] as const) {
    test(`a clock that is off by ${-aheadMs / hourMs} h`, async () => {
      await setup.startKeepa({ aheadMs });
      const look = await setup.look({ live: true });
      assert.equal(look.code, 1);
      assert.match(look.found('error', 'clock').what, said);
    });
  }

  test('a clock before what is known to have been', async () => {
    await leave({
      more: (writer) =>
        writer.recordRun({ ...run, instance: 'later', startedAtMs: nowMs + 24 * hourMs }),
    });
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'clock').what, /before what is known to have been/);
  });
});

describe('the data directory', limits, () => {
  test('that is a file, or below one', async () => {
    setup.place.write('data', 'x');
    const file = await setup.look();
    assert.equal(file.code, 1);
    assert.match(file.found('error', 'data-dir').what, /is no directory/);
    const below = await setup.look({ dataDir: join(setup.dataDir, 'deeper') });
    assert.match(below.found('error', 'data-dir').what, /cannot be made/);
  });

  test('that this user may not write', async (t) => {
    await leave();
    // Root may write anywhere; so somebody else looks.
    const isRoot = process.getuid?.() === 0;
    const nobody = 65_534;
    if (isRoot) {
      chmodSync(setup.place.directory, 0o755);
      for (const path of [setup.dataDir, setup.databasePath]) chownSync(path, nobody, nobody);
    }
    chmodSync(setup.dataDir, 0o500);
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, 'doctor', '--json'], {
      cwd: setup.place.directory,
      env: { ...setup.env, PATH: process.env.PATH },
      encoding: 'utf8',
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    });
    if (isRoot && stdout === '') return t.skip(`nobody may not read this checkout: ${stderr}`);
    assert.equal(status, 1, stderr);
    const findings: { id: string; level: string; what: string }[] = JSON.parse(stdout).findings;
    const found = findings.find(({ id }) => id === 'data-dir');
    assert.equal(found?.level, 'error');
    assert.match(found?.what ?? '', /cannot be written by .*: permission denied/);
    const others = findings.filter(({ id }) => id === 'integrity' || id === 'freshness');
    assert.deepEqual(
      others.map(({ level }) => level),
      ['ok', 'ok'],
      'the database was read all the same',
    );
  });

  test('that is not the one of the installed service', async () => {
    const { KEEPA_DEALS_DATA_DIR: _, ...env } = setup.env;
    setup.env = env;
    setup.installUnit('[Service]\nStateDirectory=keepa-deals\n');
    const look = await setup.look();
    assert.match(
      look.found('warning', 'data-dir').what,
      /keeps its data in \/var\/lib\/keepa-deals/,
    );
    const told = await setup.look({ dataDir: setup.dataDir });
    assert.match(told.found('note', 'data-dir').what, /does not exist yet/);
  });

  test('that everybody may write, and a file of somebody else in it', async () => {
    await leave();
    chmodSync(setup.dataDir, 0o777);
    const open = await setup.look();
    assert.match(open.found('warning', 'data-dir').what, /can be written by others \(mode 777\)/);
    if (process.getuid?.() !== 0) return;
    chmodSync(setup.dataDir, 0o700);
    chownSync(setup.databasePath, 65_534, 65_534);
    const look = await setup.look();
    assert.match(look.found('warning', 'data-dir').what, /deals\.sqlite.* in .* another user/);
  });

  test('on a disk that is nearly full, or full', () => {
    const mib = 2 ** 20;
    const space = { filesFree: undefined, databaseBytes: 700 * mib };
    assert.equal(spaceFinding({ ...space, freeBytes: 10 * mib }).level, 'error');
    assert.equal(spaceFinding({ ...space, freeBytes: 600 * mib }).level, 'warning');
    assert.equal(spaceFinding({ ...space, freeBytes: 800 * mib }).level, 'ok');
    assert.equal(spaceFinding({ ...space, freeBytes: 800 * mib, filesFree: 3 }).level, 'error');
  });
});

describe('the database', limits, () => {
  test('with a damaged page', async () => {
    await leave({ rows: 600 });
    const bytes = statSync(setup.databasePath).size;
    const file = openSync(setup.databasePath, 'r+');
    writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, Math.floor(bytes / 8_192) * 4_096);
    closeSync(file);
    const look = await setup.look();
    assert.equal(look.code, 1);
    const { what, todo } = look.found('error', 'integrity');
    assert.match(what, /is damaged \(integrity_check\)/);
    assert.match(todo ?? '', /restore a backup/);
  });

  test('with damage where only one check looks: it says so, and the others go on', async () => {
    await setup.startKeepa();
    await leave({ rows: 300 });
    const file = new SqliteFile(setup.databasePath);
    const table = file.prepare("select rootpage from sqlite_schema where name = 'learned_costs'");
    const page = Number(table.pluck().get());
    file.close();
    const written = openSync(setup.databasePath, 'r+');
    writeSync(written, Buffer.alloc(4_096, 0xa5), 0, 4_096, (page - 1) * 4_096);
    closeSync(written);
    const look = await setup.look({ live: true });
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'plan').what, /could not be looked at: .*malformed/);
    look.found('error', 'integrity');
    assert.deepEqual(
      look.report.findings.filter(({ id }) => id === 'freshness' || id === 'schema').length,
      2,
    );
  });

  test('of a newer version', async () => {
    await leave();
    const file = new SqliteFile(setup.databasePath);
    file.exec("insert into schema_migrations (name, timestamp) values ('9999-of-tomorrow', '')");
    file.close();
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'schema').what, /newer version: 9999-of-tomorrow/);
    assert.equal(look.report.findings.find(({ id }) => id === 'integrity')?.level, 'ok');
  });

  test('of an older version', async () => {
    await leave();
    const file = new SqliteFile(setup.databasePath);
    file.exec("delete from schema_migrations where name like '0006%'");
    file.close();
    const look = await setup.look();
    assert.match(look.found('warning', 'schema').what, /is older: 0005/);
  });

  test('that is no database', async () => {
    setup.makeDataDir();
    writeFileSync(setup.databasePath, 'this is a text. '.repeat(500));
    const look = await setup.look();
    assert.equal(look.code, 1);
    look.found('error', 'schema');
  });

  test('whose log has grown', async () => {
    await leave();
    writeFileSync(`${setup.databasePath}-wal`, '');
    const file = openSync(`${setup.databasePath}-wal`, 'r+');
    writeSync(file, Buffer.alloc(1), 0, 1, 70 * 2 ** 20);
    closeSync(file);
    const look = await setup.look();
    assert.match(look.found('warning', 'wal').what, /has grown to 70\.0 MiB/);
  });
});

describe('the work', limits, () => {
  test('that was not done for two days: rows, sweeps and a gap', async () => {
    const fromMs = nowMs - 48 * hourMs;
    await leave({
      ageMs: 48 * hourMs,
      more: (writer) => writer.openGap({ feed: feed.name, fromMs }),
    });
    const look = await setup.look();
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'freshness').what, /seen within 2 d/);
    assert.match(look.found('warning', 'listings').what, /last whole sweep is 2 d/);
    const { what } = look.found('warning', 'coverage');
    assert.match(what, new RegExp(`nobody has looked since ${new Date(fromMs).toISOString()}`));
  });

  test('that the plan of tokens is too small for', async () => {
    setup.place.write('keepa-deals.toml', `${doctorToml}\n[retention]\nttl_hours = 1\n`);
    await setup.startKeepa({ ratePerMinute: 1 });
    await leave({ rows: 450 });
    const look = await setup.look({ live: true });
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'plan').what, /1 tokens a minute .* too few for the feeds/);
  });

  /** Four more starts, so far apart. */
  const restarts = (apartMs: number) => async (writer: DealWriter) => {
    for (let at = 0; at < 4; at += 1) {
      const startedAtMs = nowMs - 60_000 - at * apartMs;
      const ended = { stoppedAtMs: startedAtMs + 1_000, stopReason: 'the disk is full' };
      await writer.recordRun({ ...run, instance: `again${at}`, startedAtMs, ...ended });
    }
  };

  test('that began anew in a loop', async () => {
    await leave({ more: restarts(1_000) });
    const look = await setup.look();
    assert.equal(look.code, 3);
    const { what } = look.found('warning', 'restarts');
    assert.match(what, /^5 starts in the last hour, 4 of them in the last five minutes/);
    assert.match(what, /the disk is full/);
  });

  test('that began anew every ten minutes', async () => {
    await leave({ more: restarts(600_000) });
    const look = await setup.look();
    assert.match(look.found('warning', 'restarts').what, /^5 starts in the last hour, 1 of them/);
  });

  test('whose coordination file is garbage, which stays as it is', async () => {
    await leave();
    const path = join(setup.dataDir, 'coordination.sqlite');
    writeFileSync(path, 'no leases here. '.repeat(500));
    const look = await setup.look();
    assert.match(look.found('warning', 'leases').what, /coordination\.sqlite/);
    assert.ok(readFileSync(path, 'utf8').startsWith('no leases here'));
  });
});

describe('the unit', limits, () => {
  const shipped = readFileSync(
    new URL('../../systemd/keepa-deals.service', import.meta.url),
    'utf8',
  );

  test('that is the shipped one, with a drop-in of its own', async () => {
    setup.installUnit(`# a remark\n${shipped}`, '[Service]\nMemoryMax=512M\n');
    const { report } = await setup.look();
    const found = report.findings.find(({ id }) => id === 'unit');
    assert.equal(found?.level, 'ok');
    assert.match(found?.what ?? '', /drop-ins: .*own\.conf/);
  });

  test('that differs: the names of what does, and no value', async () => {
    const own = 's3cr3t-of-the-unit';
    setup.secrets.push(own);
    const changed = shipped.replace('Restart=on-failure', 'Restart=always');
    setup.installUnit(`${changed}\n[Service]\nEnvironment=A=${own}\n`);
    const look = await setup.look();
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'unit').what, /differs .* in Environment, Restart$/);
  });

  test('that is masked', async () => {
    setup.installUnit('');
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'unit').what, /masked or empty/);
  });
});

test('the help has examples first, and a wrong flag ends with 2', async () => {
  const help = await setup.place.run(['doctor', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Examples:\n {2}keepa-deals doctor/);
  assert.match(help.stdout, /0 healthy, 3 not as it should be, 1 broken/);
  const wrong = await setup.place.run(['doctor', '--fast']);
  assert.equal(wrong.code, 2);
  rmSync(setup.place.path('keepa-deals.toml'));
});
