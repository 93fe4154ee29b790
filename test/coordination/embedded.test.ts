/**
 * The embedded coordination: the contracts, and what only a file on disk can do wrong.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import SqliteFile from 'better-sqlite3';
import { lookIntoEmbedded, openEmbeddedCoordination } from '../../src/coordination/embedded.ts';
import { CoordinationOpenError } from '../../src/coordination/embedded-file.ts';
import {
  type Coordination,
  CoordinationAwayError,
  type Owner,
} from '../../src/coordination/ports.ts';
import { checkpointsContract } from '../contract/checkpoints.ts';
import { ownerNamed } from '../contract/coordination-fixture.ts';
import { leasesContract } from '../contract/leases.ts';

/** One machine with a file, a clock that both of its views follow, and the dead it knows of. */
class Machine {
  readonly finestMs = 1;
  readonly path: string;
  readonly notices: string[] = [];
  bootId = 'boot-1';
  host = 'host-1';
  wallMs = 1_700_000_000_000;
  sinceBootMs = 5_000_000;
  readonly #directory: string;
  readonly #dead = new Set<string>();
  readonly #opened: Coordination[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, 'coordination.sqlite');
  }

  static async make(): Promise<Machine> {
    return new Machine(await mkdtemp(join(tmpdir(), 'keepa-deals-coordination-')));
  }

  async open({ waits = false } = {}): Promise<Coordination> {
    const { bootId, host } = this;
    const opened = await openEmbeddedCoordination({
      waits,
      path: this.path,
      clock: { now: () => this.wallMs },
      bootClock: { bootId, sinceBootMs: () => this.sinceBootMs },
      host,
      isProvablyDead: (owner) => this.#dead.has(owner.instance),
      onNotice: (notice) => this.notices.push(notice),
    });
    this.#opened.push(opened);
    return opened;
  }

  /** As who only looks. */
  look(): Coordination {
    const { bootId, host } = this;
    const looked = lookIntoEmbedded({
      path: this.path,
      clock: { now: () => this.wallMs },
      bootClock: { bootId, sinceBootMs: () => this.sinceBootMs },
      host,
      isProvablyDead: (owner) => this.#dead.has(owner.instance),
    });
    this.#opened.push(looked);
    return looked;
  }

  async advance(ms: number): Promise<void> {
    this.wallMs += ms;
    this.sinceBootMs += ms;
  }

  kill(owner: Owner): void {
    this.#dead.add(owner.instance);
  }

  async lose(): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
  }

  async close(): Promise<void> {
    for (const opened of this.#opened) await opened.close();
    await rm(this.#directory, { recursive: true });
  }

  files(): readonly string[] {
    return readdirSync(this.#directory);
  }
}

/** A process of its own that opens the file and asks for the lease when told to. */
function spawnAsker(path: string, instance: string) {
  const script = join(import.meta.dirname, 'lease-asker.ts');
  const child = spawn(process.execPath, [script, path, instance], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = lines.next();
  const answer = ready.then(async () => String((await lines.next()).value));
  return { child, ready, answer };
}

leasesContract('embedded', () => Machine.make());
checkpointsContract('embedded', () => Machine.make());

const a = ownerNamed('a');
const b = ownerNamed('b');
const ttlMs = 30_000;
const ask = (owner: Owner) => ({ owner, ttlMs, fenceFloor: 0, doing: '' });

test('expiry follows time since boot, however far the wall clock is set', async () => {
  const machine = await Machine.make();
  const { leases } = await machine.open();
  await leases.acquire('daemon', ask(a));
  machine.wallMs += 365 * 86_400_000;
  assert.equal((await leases.acquire('daemon', ask(b))).granted, false);
  machine.wallMs -= 2 * 365 * 86_400_000;
  machine.sinceBootMs += ttlMs;
  assert.equal((await leases.acquire('daemon', ask(b))).granted, true);
  await machine.close();
});

test('a lease from an earlier boot is dead at once, and its fence is remembered', async () => {
  const machine = await Machine.make();
  await (await machine.open()).leases.acquire('daemon', ask(a));
  machine.bootId = 'boot-2';
  machine.sinceBootMs = 4_990_000;
  const { leases } = await machine.open();
  assert.deepEqual(await leases.acquire('daemon', ask(b)), { granted: true, fence: 2 });
  await machine.close();
});

test('without boot ids a clock that began anew ends the lease', async () => {
  const machine = await Machine.make();
  machine.bootId = '';
  const { leases } = await machine.open();
  await leases.acquire('daemon', ask(a));
  machine.sinceBootMs = 3_000;
  assert.equal((await leases.acquire('daemon', ask(b))).granted, true);
  await machine.close();
});

test('what another machine wrote lasts for its time by the wall clock, never longer', async () => {
  const machine = await Machine.make();
  await (await machine.open()).leases.acquire('daemon', ask(a));
  machine.host = 'host-2';
  machine.bootId = 'boot-9';
  machine.sinceBootMs = 100;
  const { leases } = await machine.open();
  machine.wallMs += ttlMs - 1;
  assert.equal((await leases.acquire('daemon', ask(b))).granted, false);
  machine.wallMs += 1;
  assert.equal((await leases.acquire('daemon', ask(b))).granted, true);
  await machine.close();
});

test('keeps leases, fences and checkpoints over a restart', async () => {
  const machine = await Machine.make();
  const first = await machine.open();
  await first.leases.acquire('daemon', ask(a));
  await first.checkpoints.write('sweep/books', { page: 4 }, 1);
  await first.close();
  const { leases, checkpoints } = await machine.open();
  assert.deepEqual(
    (await leases.list()).map(({ name, owner, fence }) => ({ name, owner, fence })),
    [{ name: 'daemon', owner: a, fence: 1 }],
  );
  assert.deepEqual(await checkpoints.read('sweep/books'), { page: 4 });
  await machine.close();
});

test('its file is for the owner only', async () => {
  const machine = await Machine.make();
  await machine.open();
  assert.equal(statSync(machine.path).mode & 0o777, 0o600);
  await machine.close();
});

/** Each spoils a file that held a lease; every one must cost a notice and nothing else. */
const damages: Readonly<Record<string, (path: string) => void>> = {
  'that was overwritten with text': (path) =>
    writeFileSync(path, 'not a database at all\n'.repeat(300)),
  'that was cut in the middle of a page': (path) => truncateSync(path, 6_000),
  'that another program made': (path) => {
    rmSync(path);
    new SqliteFile(path).exec('create table cookies (a)').close();
  },
  'with a table of another shape': (path) => {
    const file = new SqliteFile(path);
    file.exec('drop table leases; create table leases (name text)');
    file.close();
  },
  'with torn pages': (path) => {
    const file = new SqliteFile(path);
    file.pragma('wal_checkpoint(truncate)');
    file.close();
    const size = statSync(path).size;
    truncateSync(path, 4_096);
    truncateSync(path, size);
  },
};
for (const [damage, spoil] of Object.entries(damages)) {
  test(`a file ${damage} is set aside with a notice, and work begins anew`, async () => {
    const machine = await Machine.make();
    const first = await machine.open();
    await first.leases.acquire('daemon', ask(a));
    await first.close();
    spoil(machine.path);
    const { leases, checkpoints } = await machine.open();
    assert.deepEqual(await leases.list(), []);
    assert.equal((await leases.acquire('daemon', ask(b))).granted, true);
    assert.equal(await checkpoints.write('a', 1, 1), true);
    assert.equal(machine.notices.length, 1);
    assert.match(machine.notices[0] ?? '', /coordination\.sqlite\.corrupt-1$/);
    assert(existsSync(`${machine.path}.corrupt-1`));
    await machine.close();
  });
}

test('of processes that make the file and ask at the same instant one gets the lease', async () => {
  const machine = await Machine.make();
  for (let round = 1; round <= 3; round += 1) {
    const askers = ['a', 'b', 'c'].map((instance) => spawnAsker(machine.path, instance));
    await Promise.all(askers.map(({ ready }) => ready));
    for (const { child } of askers) child.stdin.end('go\n');
    const answers = await Promise.all(askers.map(({ answer }) => answer));
    assert.deepEqual(answers.toSorted(), ['granted 1', 'refused', 'refused']);
    await machine.lose();
  }
  await machine.close();
});

test('files set aside before are kept', async () => {
  const machine = await Machine.make();
  for (const n of [1, 2, 3]) {
    writeFileSync(machine.path, `garbage ${n} `.repeat(500));
    await (await machine.open()).close();
  }
  const aside = machine.files().filter((name) => name.includes('.corrupt-'));
  assert.equal(aside.length, 3);
  await machine.close();
});

test('an empty file is a new one, without a notice', async () => {
  const machine = await Machine.make();
  writeFileSync(machine.path, '');
  assert.deepEqual(await (await machine.open()).leases.list(), []);
  assert.deepEqual(machine.notices, []);
  await machine.close();
});

test('refuses a file of a newer version and leaves it as it is', async () => {
  const machine = await Machine.make();
  await (await machine.open()).close();
  const file = new SqliteFile(machine.path);
  file.pragma('user_version = 3');
  file.close();
  await assert.rejects(machine.open(), /newer version/);
  assert.deepEqual(machine.notices, []);
  await machine.close();
});

test('says which directory is missing', async () => {
  const machine = await Machine.make();
  await machine.close();
  await assert.rejects(
    machine.open(),
    (error) => error instanceof CoordinationOpenError && /no directory/.test(error.message),
  );
});

test('who only looks sees what is held, and can change nothing', async () => {
  const machine = await Machine.make();
  try {
    const owner = ownerNamed('one');
    const claim = { owner, ttlMs: 30_000, fenceFloor: 0, doing: 'testing' };
    const { leases, checkpoints } = await machine.open();
    await leases.acquire('held', claim);
    await checkpoints.write('progress', { page: 3 }, 1);
    const looked = machine.look();
    assert.deepEqual(await looked.leases.list(), await leases.list());
    assert.deepEqual(await looked.checkpoints.list(), await checkpoints.list());
    await assert.rejects(looked.leases.acquire('other', claim), /readonly/);
    await assert.rejects(looked.leases.clear('held'), /readonly/);
    assert.equal((await leases.list()).length, 1);
  } finally {
    await machine.close();
  }
});

test('who only looks makes no file, and sets none aside', async () => {
  const machine = await Machine.make();
  try {
    assert.throws(() => machine.look(), CoordinationOpenError);
    assert.deepEqual(machine.files(), []);
    for (const garbage of ['', 'no leases here. '.repeat(500)]) {
      writeFileSync(machine.path, garbage);
      assert.throws(() => machine.look(), CoordinationOpenError);
      assert.deepEqual(machine.files(), ['coordination.sqlite']);
    }
  } finally {
    await machine.close();
  }
});

test('a file that somebody keeps locked is away; who waits may open it then', async () => {
  const machine = await Machine.make();
  await (await machine.open()).close();
  const other = new SqliteFile(machine.path);
  other.exec('begin immediate');
  const isAway = (error: unknown) =>
    error instanceof CoordinationAwayError && /coordination.sqlite: .*locked/.test(error.message);
  await assert.rejects(machine.open(), CoordinationOpenError, 'who does not wait is told at once');
  const { leases, checkpoints } = await machine.open({ waits: true });
  for (const call of [
    () => leases.acquire('daemon', ask(a)),
    () => leases.list(),
    () => checkpoints.write('sweep', 1, 1),
  ]) {
    await assert.rejects(call(), isAway);
  }
  other.exec('commit');
  assert.equal((await leases.acquire('daemon', ask(a))).granted, true);
  other.exec('begin immediate');
  await assert.rejects(leases.acquire('daemon', ask(a)), isAway);
  assert.equal((await leases.list()).length, 1, 'reading waits for nobody once it is open');
  other.close();
  assert.equal(await checkpoints.write('sweep', 1, 1), true);
  await machine.close();
});
