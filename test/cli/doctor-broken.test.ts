/**
 * Goal: whatever is broken, doctor names it and goes on to look at everything else. Method: real
 * files, a real simulated Keepa over HTTP, one thing broken at a time, and every report complete.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spaceFinding } from '../../src/cli/doctor-disk.ts';
import { DoctorSetup, doctorKey, doctorToml } from './doctor-setup.ts';
import { run } from './filled-store.ts';

const limits = { timeout: 300_000 };
const hourMs = 3_600_000;
const nowMs = Date.now();

let setup: DoctorSetup;
beforeEach(() => {
  setup = new DoctorSetup();
});
afterEach(() => setup.remove());

describe('configuration and key', limits, () => {
  test('before the first start: notes, and 0', async () => {
    const { code, troubles } = await setup.look();
    assert.equal(code, 0);
    assert.deepEqual(troubles(), ['note data-dir', 'note schema', 'note daemon', 'note unit']);
  });

  test('a mistake in the file is told, and the data are looked for where it says', async () => {
    await setup.leave();
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
    await setup.leave({
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
    await setup.leave();
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
    await setup.leave();
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

test('the help has examples first, and a wrong flag ends with 2', async () => {
  const help = await setup.place.run(['doctor', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Examples:\n {2}keepa-deals doctor/);
  assert.match(help.stdout, /0 healthy, 3 not as it should be, 1 broken/);
  const wrong = await setup.place.run(['doctor', '--fast']);
  assert.equal(wrong.code, 2);
  rmSync(setup.place.path('keepa-deals.toml'));
});
