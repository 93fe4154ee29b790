/**
 * Proof of death: on the machine's own process table with real processes, and on directories that
 * play what a test cannot produce (another boot, another namespace, a hidden or broken /proc).
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import {
  isProvablyDead,
  type ProcessIdentity,
  type ProcessTable,
  readProcessIdentity,
} from '../../src/runtime/process-identity.ts';

const isLinux = process.platform === 'linux';
const roots: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A process table made of files. `stats` maps a directory below it to its stat file's text. */
function playedTable(
  stats: Readonly<Record<string, string>>,
  known: readonly number[] = [],
): ProcessTable {
  const procRoot = mkdtempSync(join(tmpdir(), 'proc-'));
  roots.push(procRoot);
  for (const [name, text] of Object.entries(stats)) {
    mkdirSync(join(procRoot, name), { recursive: true });
    writeFileSync(join(procRoot, name, 'stat'), text);
  }
  mkdirSync(join(procRoot, 'self/ns'), { recursive: true });
  symlinkSync('pid:[4026531836]', join(procRoot, 'self/ns/pid'));
  mkdirSync(join(procRoot, 'sys/kernel/random'), { recursive: true });
  writeFileSync(join(procRoot, 'sys/kernel/random/boot_id'), 'boot-1\n');
  const machineIdPath = join(procRoot, 'machine-id');
  writeFileSync(machineIdPath, 'machine-1\n');
  return { procRoot, machineIdPath, knows: (pid) => known.includes(pid) };
}

/** A stat line as the kernel writes it; only what is read here differs between lines. */
function statLine(
  pid: number,
  startedAt: string,
  { name = 'node', state = 'S', threads = 11 } = {},
): string {
  const before = '1 1 1 0 -1 4194304 103 0 0 0 5 2 0 0 20 0';
  return `${pid} (${name}) ${state} ${before} ${threads} 0 ${startedAt} 2998272 364 0\n`;
}

const self: ProcessIdentity = {
  host: 'machine-1@here',
  bootId: 'boot-1',
  pidNamespace: 'pid:[4026531836]',
  pid: 100,
  startedAt: '5000',
};
const owner: ProcessIdentity = { ...self, pid: 200, startedAt: '7000' };

test('the identity is read from the process table, the host being machine id and name', () => {
  const table = playedTable({ self: statLine(process.pid, '5000', { name: 'a) S (b' }) });
  assert.deepEqual(readProcessIdentity(table), {
    host: `machine-1@${hostname()}`,
    bootId: 'boot-1',
    pidNamespace: 'pid:[4026531836]',
    pid: process.pid,
    startedAt: '5000',
  });
});

test('what cannot be read is empty, and without a machine id the name alone is the host', () => {
  const nowhere = { procRoot: '/nowhere', machineIdPath: '/nowhere/id', knows: () => false };
  assert.deepEqual(readProcessIdentity(nowhere), {
    host: hostname(),
    bootId: '',
    pidNamespace: '',
    pid: process.pid,
    startedAt: '',
  });
});

test('a /proc of another namespace, where we have another pid, gives no start time', () => {
  const table = playedTable({ self: statLine(process.pid + 1, '5000') });
  assert.equal(readProcessIdentity(table).startedAt, '');
});

const verdicts: readonly {
  readonly name: string;
  readonly isDead: boolean;
  readonly owner?: Partial<ProcessIdentity>;
  readonly self?: Partial<ProcessIdentity>;
  readonly stat?: string;
  readonly known?: readonly number[];
}[] = [
  { name: 'running with its start time', isDead: false, stat: statLine(200, '7000') },
  { name: 'gone', isDead: true },
  { name: 'replaced by a process with its pid', isDead: true, stat: statLine(200, '9999') },
  {
    name: 'replaced, with parentheses in the new name',
    isDead: true,
    stat: statLine(200, '9999', { name: 'x) S 1 (7000' }),
  },
  {
    name: 'alive, with parentheses in its name',
    isDead: false,
    stat: statLine(200, '7000', { name: 'tmux: server (1) Z' }),
  },
  {
    name: 'a zombie that its parent has not collected',
    isDead: true,
    stat: statLine(200, '7000', { state: 'Z', threads: 1 }),
  },
  {
    name: 'a zombie with threads left',
    isDead: false,
    stat: statLine(200, '7000', { state: 'Z', threads: 4 }),
  },
  { name: 'hidden by /proc but known to the kernel', isDead: false, known: [200] },
  { name: 'shown with a stat that makes no sense', isDead: false, stat: 'nonsense' },
  { name: 'shown with an empty stat', isDead: false, stat: '' },
  { name: 'shown under a pid that is not its own', isDead: false, stat: statLine(201, '9999') },
  { name: 'of another boot', isDead: true, owner: { bootId: 'boot-0' } },
  {
    name: 'of another boot, while its pid is in use',
    isDead: true,
    owner: { bootId: 'boot-0' },
    stat: statLine(200, '7000'),
  },
  { name: 'of another host', isDead: false, owner: { host: 'machine-2@there' } },
  {
    name: 'of another host and another boot',
    isDead: false,
    owner: { host: 'machine-2@there', bootId: 'boot-0' },
  },
  { name: 'in another pid namespace', isDead: false, owner: { pidNamespace: 'pid:[1]' } },
  {
    name: 'in another pid namespace of another boot',
    isDead: false,
    owner: { pidNamespace: 'pid:[1]', bootId: 'boot-0' },
  },
  { name: 'of an unknown boot', isDead: false, owner: { bootId: '' } },
  { name: 'of a known boot, ours being unknown', isDead: false, self: { bootId: '' } },
  { name: 'without a start time', isDead: false, owner: { startedAt: '' } },
  { name: 'gone, but our own /proc cannot be trusted', isDead: false, self: { startedAt: '' } },
  {
    name: 'without host, ours being unknown as well',
    isDead: false,
    owner: { host: '' },
    self: { host: '' },
  },
  {
    name: 'without namespace, ours being unknown as well',
    isDead: false,
    owner: { pidNamespace: '' },
    self: { pidNamespace: '' },
  },
];

for (const verdict of verdicts) {
  const claim = verdict.isDead ? 'is provably dead' : 'is not provably dead';
  test(`an owner ${verdict.name} ${claim}`, () => {
    const stats = verdict.stat === undefined ? {} : { 200: verdict.stat };
    const table = playedTable(stats, verdict.known);
    const [theirs, ours] = [
      { ...owner, ...verdict.owner },
      { ...self, ...verdict.self },
    ];
    assert.equal(isProvablyDead(theirs, ours, table), verdict.isDead);
  });
}

test('a stat that may not be read proves nothing', () => {
  const table = playedTable({});
  // A directory where the file should be: reading it fails, and not because it is absent.
  mkdirSync(join(table.procRoot, '200', 'stat'), { recursive: true });
  assert.equal(isProvablyDead(owner, self, table), false);
});

test('this very process is not dead', { skip: !isLinux }, () => {
  const identity = readProcessIdentity();
  assert.notEqual(identity.startedAt, '');
  assert.equal(isProvablyDead(identity, identity), false);
});

test('a real process is dead after kill -9, and not before', { skip: !isLinux }, async () => {
  const me = readProcessIdentity();
  const child = spawn('sleep', ['60']);
  children.push(child);
  await once(child, 'spawn');
  const theirs = { ...me, pid: child.pid ?? 0, startedAt: startOf(child.pid ?? 0) };
  assert.equal(isProvablyDead(theirs, me), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isProvablyDead(theirs, me), true);
});

test('a killed process is dead although nobody has collected it', { skip: !isLinux }, async () => {
  const me = readProcessIdentity();
  // The shell becomes a sleep, which never collects the child that the shell had started.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
  children.push(parent);
  const [output] = await once(parent.stdout, 'data');
  const pid = Number(String(output));
  const theirs = { ...me, pid, startedAt: startOf(pid) };
  process.kill(pid, 'SIGKILL');
  while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(isProvablyDead(theirs, me), true);
});

function startOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
