/**
 * Opening the database: what is refused, with which words; who may read; nothing left open.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { openStore } from '../../src/store/open-store.ts';
import { StoreOpenError, type StoreOpenReason } from '../../src/store/store-open-error.ts';
import { books, dealRow, pageOf, passing, startMs, temporaryDirectory } from './store-fixture.ts';

/** Runs `work` with a directory and the path of a database that is not there yet. */
async function inDirectory(work: (path: string, directory: string) => Promise<void>) {
  const directory = temporaryDirectory();
  try {
    await work(join(directory, 'deals.sqlite'), directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function refused(
  options: Parameters<typeof openStore>[0],
  reason: StoreOpenReason,
  words: RegExp,
): Promise<void> {
  await assert.rejects(openStore(options), (error) => {
    assert(error instanceof StoreOpenError, String(error));
    assert.deepEqual([error.reason, error.path], [reason, options.path]);
    assert(error.message.includes(options.path), error.message);
    assert.match(error.message, words);
    return true;
  });
}

async function makeStore(path: string): Promise<void> {
  const store = await openStore({ path, mode: 'write' });
  const writer = store.writer(1);
  await writer.adoptFence();
  await writer.syncFeeds([books], startMs);
  await writer.storePage(pageOf(passing(dealRow('A1'))));
  await store.close();
}

for (const mode of ['read', 'write'] as const) {
  const size = 65_536;
  const spoilt: Readonly<Record<string, readonly [(path: string) => void, StoreOpenReason]>> = {
    'a text file': [(path) => writeFileSync(path, 'notes\n'.repeat(3_000)), 'not-a-database'],
    "another program's database": [
      (path) => new SqliteFile(path).exec('create table cookies (a)').close(),
      'not-ours',
    ],
  };
  for (const [what, [spoil, reason]] of Object.entries(spoilt)) {
    test(`${what} is not opened to ${mode}, and stays as it is`, async () => {
      await inDirectory(async (path) => {
        spoil(path);
        const before = readFileSync(path);
        await refused({ path, mode }, reason, /move|another/);
        assert.deepEqual(readFileSync(path), before);
      });
    });
  }

  test(`a torn database is not opened to ${mode}`, async () => {
    await inDirectory(async (path) => {
      await makeStore(path);
      truncateSync(path, 4_096);
      truncateSync(path, size);
      await refused({ path, mode }, 'corrupt', /restore it from a backup/);
    });
  });

  test(`a database of a newer schema is not opened to ${mode}, and stays as it is`, async () => {
    await inDirectory(async (path) => {
      await makeStore(path);
      const file = new SqliteFile(path);
      file.exec("insert into schema_migrations values ('0099-from-the-future', '2030')");
      file.close();
      const before = readFileSync(path);
      await refused({ path, mode }, 'newer-schema', /0099-from-the-future.*newer version/);
      assert.deepEqual(readFileSync(path), before);
    });
  });
}

test('without a file a reader is told so, and makes none', async () => {
  await inDirectory(async (path, directory) => {
    await refused({ path, mode: 'read' }, 'missing', /does not exist/);
    const lost = join(directory, 'gone', 'deals.sqlite');
    await refused({ path: lost, mode: 'read' }, 'missing', /does not exist/);
    assert.deepEqual(readdirSync(directory), []);
  });
});

test('to a reader an empty file is none: it is there for a moment at the first start', async () => {
  await inDirectory(async (path) => {
    writeFileSync(path, '');
    await refused({ path, mode: 'read' }, 'missing', /no tables yet.*start the daemon once/);
    assert.equal(statSync(path).size, 0);
  });
});

test('a reader does not upgrade a database that is older', async () => {
  await inDirectory(async (path) => {
    await makeStore(path);
    const file = new SqliteFile(path);
    file.exec(
      'delete from schema_migrations where name = (select max(name) from schema_migrations)',
    );
    file.close();
    await refused({ path, mode: 'read' }, 'older-schema', /start the daemon once/);
  });
});

test('an empty file, left by a start that was killed, becomes a database', async () => {
  await inDirectory(async (path) => {
    writeFileSync(path, '');
    await makeStore(path);
    const store = await openStore({ path, mode: 'read' });
    assert.equal((await store.reader.countByState()).total, 1);
    await store.close();
  });
});

test('a missing directory is named, and not made', async () => {
  await inDirectory(async (_path, directory) => {
    const path = join(directory, 'gone', 'deals.sqlite');
    await refused({ path, mode: 'write' }, 'directory-missing', /no directory .*gone/);
    const inFile = join(directory, 'file', 'deals.sqlite');
    writeFileSync(join(directory, 'file'), '');
    await refused({ path: inFile, mode: 'write' }, 'directory-missing', /no directory/);
    assert.equal(existsSync(join(directory, 'gone')), false);
  });
});

test('a directory in place of the file is refused', async () => {
  await inDirectory(async (path) => {
    mkdirSync(path);
    await refused({ path, mode: 'write' }, 'not-a-database', /not a file/);
  });
});

test('a database that another program keeps locked is said to be locked', async () => {
  await inDirectory(async (path) => {
    await makeStore(path);
    const other = new SqliteFile(path);
    other.exec('begin immediate');
    await refused({ path, mode: 'write', busyMs: 10 }, 'locked', /stop the other program/);
    other.close();
  });
});

test('a full disk is said to be full, loses nothing, and is got over', async (t) => {
  const directory = temporaryDirectory();
  const mounted = spawnSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true });
    t.skip('only root may mount a small file system');
    return;
  }
  try {
    const path = join(directory, 'deals.sqlite');
    await makeStore(path);
    const store = await openStore({ path, mode: 'write' });
    const ballast = join(directory, 'ballast');
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 ** 20)), { code: 'ENOSPC' });
    const rows = Array.from({ length: 150 }, (_, i) => dealRow(`B${i}`));
    const storeMore = () => store.writer(1).storePage(pageOf(passing(...rows)));
    await assert.rejects(storeMore(), { code: /^SQLITE_(FULL|IOERR)/ });
    assert.equal((await store.reader.countByState()).total, 1);
    const fresh = join(directory, 'fresh.sqlite');
    await refused({ path: fresh, mode: 'write' }, 'disk-full', /free some space/);
    rmSync(ballast);
    assert.equal((await storeMore()).fresh, 150);
    await store.close();
    await makeStore(fresh);
  } finally {
    spawnSync('/usr/bin/umount', ['--lazy', directory]);
    rmSync(directory, { recursive: true });
  }
});

test('the file and what lies beside it are for the owner only', async () => {
  await inDirectory(async (path, directory) => {
    const store = await openStore({ path, mode: 'write' });
    const modes = readdirSync(directory).map(
      (name) => statSync(join(directory, name)).mode & 0o777,
    );
    assert.deepEqual(modes, [0o600, 0o600, 0o600]);
    await store.close();
    chmodSync(path, 0o640);
    await makeStore(path);
    assert.equal(statSync(path).mode & 0o777, 0o640, 'what somebody chose stays');
  });
});

test('writes through a log that reaches the disk, with constraints between tables', async () => {
  const { openForWriting } = await import('../../src/store/database.ts');
  const { sql } = await import('kysely');
  await inDirectory(async (path) => {
    const { db, close } = openForWriting(path);
    const pragma = async (name: string) =>
      Object.values((await sql.raw(`pragma ${name}`).execute(db)).rows[0] ?? {})[0];
    assert.equal(await pragma('journal_mode'), 'wal');
    assert.equal(await pragma('synchronous'), 2);
    assert.equal(await pragma('foreign_keys'), 1);
    assert.equal(await pragma('journal_size_limit'), 16 * 2 ** 20);
    assert.equal(await pragma('wal_autocheckpoint'), 1_000);
    await close();
  });
});

test('a relative path is made absolute', async () => {
  await inDirectory(async (path) => {
    const store = await openStore({ path: relative(process.cwd(), path), mode: 'write' });
    const writer = store.writer(1);
    await writer.adoptFence();
    await writer.recordRun({ instance: 'i', version: 'v', pid: 1, startedAtMs: 0 });
    assert.equal((await store.reader.lastRun())?.databasePath, path);
    await store.close();
  });
});

test('a store that is open to read has no writer', async () => {
  await inDirectory(async (path) => {
    await makeStore(path);
    const store = await openStore({ path, mode: 'read' });
    assert.throws(() => store.writer(1), /for reading only/);
    await store.close();
  });
});

/** Runs `node` on a script as a user who owns nothing, since root may write everywhere. */
function asNobody(script: string, args: readonly string[]) {
  const isRoot = process.getuid?.() === 0;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script, ...args], {
    encoding: 'utf8',
    ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
  });
}

const readScript = `
  const [path, module] = process.argv.slice(1);
  const { openStore } = await import(module);
  try {
    const store = await openStore({ path, mode: 'read' });
    console.log(JSON.stringify(await store.reader.countByState()));
    await store.close();
  } catch (error) { console.log(error.reason, error.message); }
`;
const storeModule = join(import.meta.dirname, '../../src/store/open-store.ts');

for (const [what, leaveLog] of [
  ['after a clean stop', false],
  ['after a kill that left its log behind', true],
] as const) {
  test(`is read where nothing may be written, ${what}`, async () => {
    await inDirectory(async (path, directory) => {
      await makeStore(path);
      if (leaveLog) await leaveUncheckpointed(path);
      chmodSync(path, 0o444);
      chmodSync(directory, 0o555);
      const before = copiesLeft();
      const { stdout, stderr } = asNobody(readScript, [path, storeModule]);
      chmodSync(directory, 0o755);
      const rows = leaveLog ? 2 : 1;
      assert.match(stdout, new RegExp(`"total":${rows}\\b`), stderr);
      assert.deepEqual(copiesLeft(), before, 'its private copy is gone');
    });
  });
}

const waitScript = `
  import { once } from 'node:events';
  const [path, module] = process.argv.slice(1);
  const { openStore } = await import(module);
  const store = await openStore({ path, mode: 'wait' });
  const total = async () => (await store.reader.countByState()).total;
  process.send(await total());
  await once(process, 'message');
  const [shown] = await Promise.all([total(), store.prepareToWrite()]);
  process.send([shown, await total(), await store.reader.newestFence()]);
  await once(process, 'message');
  await store.close();
  process.disconnect();
`;

test('a private copy of who waits to write is gone once the file is open for writing', async () => {
  await inDirectory(async (path, directory) => {
    await makeStore(path);
    const copies = join(directory, 'copies');
    mkdirSync(copies);
    chmodSync(copies, 0o777);
    chmodSync(path, 0o444);
    chmodSync(directory, 0o555);
    const isRoot = process.getuid?.() === 0;
    const script = ['--input-type=module', '-e', waitScript, path, storeModule];
    const child = spawn(process.execPath, script, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, TMPDIR: copies },
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    });
    const ended = once(child, 'exit');
    try {
      assert.deepEqual((await once(child, 'message'))[0], 1);
      assert.equal(readdirSync(copies).length, 1, 'it reads a copy');
      chmodSync(directory, 0o777);
      chmodSync(path, 0o666);
      child.send('go on');
      assert.deepEqual((await once(child, 'message'))[0], [1, 1, 1], 'and all can be read');
      assert.deepEqual(readdirSync(copies), []);
      child.send('end');
      assert.equal((await ended)[0], 0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

function copiesLeft(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('keepa-deals-read-'));
}

/** Leaves a database whose second row is in the log only, as a killed writer does. */
async function leaveUncheckpointed(path: string): Promise<void> {
  const store = await openStore({ path, mode: 'write' });
  await store.writer(1).storePage(pageOf(passing(dealRow('A2'))));
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${path}.kept${suffix}`);
  await store.close();
  for (const suffix of ['', '-wal']) {
    copyFileSync(`${path}.kept${suffix}`, `${path}${suffix}`);
    chmodSync(`${path}${suffix}`, 0o444);
  }
}

test('a file that the user may not read is said to be unreadable', async () => {
  await inDirectory(async (path, directory) => {
    await makeStore(path);
    chmodSync(directory, 0o755);
    chmodSync(path, process.getuid?.() === 0 ? 0o600 : 0o000);
    const { stdout } = asNobody(readScript, [path, storeModule]);
    assert.match(stdout, /^unreadable cannot open .*run as a user who may read it/);
  });
});

test('a directory that the user may not write is said to be so', async () => {
  await inDirectory(async (path, directory) => {
    chmodSync(directory, 0o555);
    const writeScript = readScript.replace("mode: 'read'", "mode: 'write'");
    const { stdout } = asNobody(writeScript, [path, storeModule]);
    chmodSync(directory, 0o755);
    assert.match(stdout, /^not-writable cannot open .*make it writable/);
  });
});

test('opening and closing, refusals included, leaves no file open', async () => {
  await inDirectory(async (path, directory) => {
    await makeStore(path);
    const garbage = join(directory, 'garbage');
    writeFileSync(garbage, 'garbage '.repeat(2_000));
    const cycle = async () => {
      for (const mode of ['write', 'read'] as const) {
        const store = await openStore({ path, mode });
        await store.reader.feeds();
        if (mode === 'write') await assert.rejects(store.writer(0).storePage(pageOf([])));
        await store.close();
        await assert.rejects(openStore({ path: garbage, mode }));
        await assert.rejects(openStore({ path: `${path}/gone`, mode }));
      }
    };
    const handles = () => readdirSync('/proc/self/fd').length;
    await cycle();
    const before = handles();
    for (let i = 0; i < 50; i += 1) await cycle();
    assert.equal(handles(), before);
  });
});
