/**
 * Goal: whatever is wrong with the database, the work or the unit, doctor names it and goes on to
 * look at everything else. Method: as for the set-up (doctor-broken.test.ts): real files, one thing
 * broken at a time, and every report complete.
 */
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { asSoleWriter } from '../../src/cli/sole-writer.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { DealWriter } from '../../src/store/ports.ts';
import { RecordedLog } from '../runtime/recorded-log.ts';
import { DoctorSetup, doctorToml } from './doctor-setup.ts';
import { feed, run } from './filled-store.ts';

const limits = { timeout: 300_000 };
const hourMs = 3_600_000;
const nowMs = Date.now();

let setup: DoctorSetup;
beforeEach(() => {
  setup = new DoctorSetup();
});
afterEach(() => setup.remove());

describe('the database', limits, () => {
  test('with a damaged page', async () => {
    await setup.leave({ rows: 600 });
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
    await setup.leave({ rows: 300 });
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
    await setup.leave();
    const file = new SqliteFile(setup.databasePath);
    file.exec("insert into schema_migrations (name, timestamp) values ('9999-of-tomorrow', '')");
    file.close();
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'schema').what, /newer version: 9999-of-tomorrow/);
    assert.equal(look.report.findings.find(({ id }) => id === 'integrity')?.level, 'ok');
  });

  test('of an older version', async () => {
    await setup.leave();
    const file = new SqliteFile(setup.databasePath);
    file.exec("delete from schema_migrations where name > '0006'");
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
    await setup.leave();
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
    await setup.leave({
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
    await setup.leave({ rows: 450 });
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
    await setup.leave({ more: restarts(1_000) });
    const look = await setup.look();
    assert.equal(look.code, 3);
    const { what } = look.found('warning', 'restarts');
    assert.match(what, /^5 starts in the last hour, 4 of them in the last five minutes/);
    assert.match(what, /the disk is full/);
  });

  test('that began anew every ten minutes', async () => {
    await setup.leave({ more: restarts(600_000) });
    const look = await setup.look();
    assert.match(look.found('warning', 'restarts').what, /^5 starts in the last hour, 1 of them/);
  });

  test('whose coordination file is garbage, which stays as it is', async () => {
    await setup.leave();
    const path = join(setup.dataDir, 'coordination.sqlite');
    writeFileSync(path, 'no leases here. '.repeat(500));
    const look = await setup.look();
    const { what, todo } = look.found('warning', 'leases');
    assert.match(what, /coordination\.sqlite/);
    assert.match(todo ?? '', /nothing of worth is in it: .*move it away/);
    assert.ok(readFileSync(path, 'utf8').startsWith('no leases here'));
  });

  test('whose coordination file is shut: nobody is told to move its leases away', async () => {
    await setup.leave();
    const path = join(setup.dataDir, 'coordination.sqlite');
    await asSoleWriter(
      { dataDir: setup.dataDir, doing: 'testing', clock: systemClock(), log: new RecordedLog() },
      async () => undefined,
    );
    // So that not even a reader may look.
    const file = new SqliteFile(path);
    file.exec('pragma locking_mode = exclusive; begin exclusive');
    const locked = (await setup.look()).found('warning', 'leases');
    file.close();
    assert.match(locked.what, /coordination\.sqlite: another program keeps it locked/);
    assert.match(locked.todo ?? '', /^end that program/);
    rmSync(path);
    mkdirSync(path);
    const shut = (await setup.look()).found('warning', 'leases');
    assert.match(shut.what, /coordination\.sqlite/);
    assert.match(shut.todo ?? '', /^mend what it says/);
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

  const url = 'redis://:redis-passw0rd@127.0.0.1:1';
  const redis = `KEEPA_DEALS_REDIS_URL=${url}`;

  for (const [what, lines] of [
    ['among others', `Environment="A=b c" ${redis}`],
    ['with blanks around', `  Environment = ${redis} `],
    ['in quotes', `Environment='${redis}'`],
    ['on a continued line', `Environment=A=b \\\n# a remark\n  ${redis}`],
    ['after a reset', `Environment=\nEnvironment=${redis}`],
    ['in a file', 'EnvironmentFile=redis.env'],
    ['in a file that may be absent', 'EnvironmentFile=-redis.env'],
    ['in one of several files', 'EnvironmentFile=re*.env'],
    ['in a file that wins', 'EnvironmentFile=redis.env\nEnvironment=KEEPA_DEALS_REDIS_URL=here'],
  ] as const) {
    test(`whose drop-in names, ${what}, a Redis that is another here or none`, async () => {
      const file = setup.place.write('redis.env', `# ours\n${redis}\n`);
      setup.place.write('re-before.env', 'KEEPA_DEALS_REDIS_URL=overruled\n');
      setup.secrets.push('redis-passw0rd');
      const own = lines.replace(/re\S+\.env/, (name) => join(dirname(file), name));
      setup.installUnit(shipped, `[Service]\n${own}\n`);
      const look = await setup.look();
      assert.equal(look.code, 3);
      const found = look.found('warning', 'unit-environment');
      assert.match(found.what, /sets KEEPA_DEALS_REDIS_URL \(in .*own\.conf\), and here it is not/);
      assert.match(found.todo ?? '', /set KEEPA_DEALS_REDIS_URL to the same here/);
      setup.env.KEEPA_DEALS_REDIS_URL = 'unix:///no/such/socket';
      const other = (await setup.look()).found('warning', 'unit-environment');
      assert.match(other.what, /and here it is another$/);
      setup.env.KEEPA_DEALS_REDIS_URL = url;
      const same = await setup.look();
      assert.deepEqual(
        same.report.findings.filter((one) => one.id === 'unit-environment').map((one) => one.level),
        ['ok'],
      );
    });
  }

  const startedWith = (flags: string): string =>
    `ExecStart=\nExecStart=/opt/keepa-deals/bin/keepa-deals start ${flags}`;
  for (const [level, lines] of [
    ['ok', '# Environment=KEEPA_DEALS_REDIS_URL=redis://h'],
    ['ok', 'Environment=KEEPA_DEALS_HTTP=127.0.0.1:80'],
    ['ok', 'Environment=KEEPA_DEALS_REDIS_URL=redis://h\nEnvironment='],
    ['ok', 'EnvironmentFile=/no/such/file\nEnvironmentFile='],
    ['ok', 'EnvironmentFile=-/no/such/file'],
    ['skipped', 'EnvironmentFile=/no/such/file'],
    ['warning', 'Environment=KEEPA_DEALS_DATA_DIR=/x'],
    ['ok', 'Environment=KEEPA_DEALS_DATA_DIR=DATA'],
    ['ok', 'Environment=KEEPA_DEALS_CONFIG=FILE'],
    ['warning', 'Environment=KEEPA_DEALS_CONFIG=/x'],
    ['ok', 'Environment=KEEPA_DEALS_KEEPA_URL=https://keepa.example/'],
    ['warning', 'Environment=KEEPA_DEALS_KEEPA_URL=https://keepa.example/2'],
    ['ok', 'Environment=KEEPA_DEALS_DATA_DIR=/x\nUnsetEnvironment=A KEEPA_DEALS_DATA_DIR'],
    ['ok', 'Environment=KEEPA_DEALS_DATA_DIR=/x\nUnsetEnvironment=KEEPA_DEALS_DATA_DIR=/x'],
    ['warning', 'Environment=KEEPA_DEALS_DATA_DIR=/x\nUnsetEnvironment=KEEPA_DEALS_DATA_DIR=/y'],
    ['skipped', 'EnvironmentFile=/no/such/*.env'],
    ['skipped', 'PassEnvironment=A KEEPA_DEALS_REDIS_URL'],
    ['ok', 'PassEnvironment=TZ'],
    ['warning', startedWith('--json --data-dir /x')],
    ['warning', startedWith('"--config=/x"')],
    ['warning', startedWith('--redis-url redis://h')],
    ['warning', `Environment=KEEPA_DEALS_DATA_DIR=DATA\n${startedWith('--data-dir=/x')}`],
    ['ok', `Environment=KEEPA_DEALS_DATA_DIR=/x\n${startedWith('--data-dir=DATA')}`],
    ['ok', `Environment="D=DATA"\n${startedWith('--data-dir $D')}`],
    ['ok', `Environment="D=DATA"\n${startedWith('--data-dir=$'.concat('{D} --json'))}`],
    ['skipped', `PassEnvironment=D\n${startedWith('--data-dir $D --json')}`],
    ['warning', `Environment=D=DATA\n${startedWith('--data-dir=$$D')}`],
    ['ok', 'PassEnvironment=KEEPA_DEALS_DATA_DIR\nUnsetEnvironment=KEEPA_DEALS_DATA_DIR'],
    ['ok', 'PassEnvironment=KEEPA_DEALS_DATA_DIR\nEnvironment=KEEPA_DEALS_DATA_DIR=DATA'],
    ['ok', `PassEnvironment=KEEPA_DEALS_DATA_DIR\n${startedWith('--data-dir=DATA')}`],
    ['ok', 'ExecStart=\nExecStart=/usr/bin/env --config /x keepa-deals start --json'],
  ] as const) {
    test(`whose drop-in says ${JSON.stringify(lines)}: ${level}`, async () => {
      const keepa = '[keepa]\nurl = "https://keepa.example"\n';
      const file = setup.place.write('keepa-deals.toml', `${doctorToml}${keepa}`);
      const own = lines.replace(/=FILE$/m, `=${file}`).replace(/=DATA\b/, `=${setup.dataDir}`);
      setup.installUnit(shipped, `[Service]\n${own}\n`);
      const { report } = await setup.look();
      assert.equal(report.findings.find((one) => one.id === 'unit-environment')?.level, level);
    });
  }

  test('that is masked', async () => {
    setup.installUnit('');
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'unit').what, /masked or empty/);
  });
});
