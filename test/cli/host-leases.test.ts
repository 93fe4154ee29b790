/**
 * The locks of a host: one file per key, in a directory of this user's alone; where there is none
 * the daemon is told and goes on.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { hostLeases, openHostLeases } from '../../src/cli/host-leases.ts';
import type { Owner } from '../../src/coordination/ports.ts';
import { readProcessIdentity } from '../../src/runtime/process-identity.ts';

const keyHash = '0123456789abcdef';
const claim = { ttlMs: 30_000, fenceFloor: 0, doing: 'testing' };
let directory: string;
let notices: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-host-'));
  notices = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Of this process, which lives: nobody can be proven dead here. */
function ownerNamed(instance: string): Owner {
  return { ...readProcessIdentity(), instance };
}

function options(instance: string, env: Record<string, string> = { XDG_RUNTIME_DIR: directory }) {
  const onNotice = (notice: string): void => void notices.push(notice);
  return { env, owner: ownerNamed(instance), onNotice };
}

test('two processes with one key meet, and those with two keys do not', async () => {
  const one = await openHostLeases(keyHash, options('one'));
  const two = await openHostLeases(keyHash, options('two'));
  const other = await openHostLeases('f'.repeat(16), options('other'));
  assert.ok(one !== undefined && two !== undefined && other !== undefined);
  const mine = { ...claim, owner: ownerNamed('one') };
  assert.equal((await one.leases.acquire('daemon-x', mine)).granted, true);
  const theirs = { ...claim, owner: ownerNamed('two') };
  assert.equal((await two.leases.acquire('daemon-x', theirs)).granted, false);
  assert.equal((await other.leases.acquire('daemon-x', theirs)).granted, true);
  const found = await hostLeases(options('looking'));
  assert.deepEqual(
    found.places.map((place) => place.keyHash),
    [keyHash, 'f'.repeat(16)],
  );
  assert.deepEqual(found.unread, []);
  for (const each of [one, two, other, ...found.places]) await each.close();
  assert.deepEqual(notices, []);
});

test("the service's directory goes before the session's", async () => {
  const service = join(directory, 'service');
  mkdirSync(service);
  const env = { RUNTIME_DIRECTORY: `${service}:/else`, XDG_RUNTIME_DIR: directory };
  const opened = await openHostLeases(keyHash, options('one', env));
  await opened?.close();
  const [found] = (await hostLeases(options('looking', env))).places;
  assert.equal(found?.path, join(service, `${keyHash}.sqlite`));
  await found?.close();
});

test('a directory that others may write, or that is none, is not used; it says so', async () => {
  const ours = join(directory, 'keepa-deals');
  const refused = async (): Promise<void> => {
    assert.equal(await openHostLeases(keyHash, options('one')), undefined);
    assert.match(notices.pop() ?? '', /^no lock for this key on this host \(.*no other data dir/);
  };
  mkdirSync(ours);
  chmodSync(ours, 0o777);
  await refused();
  rmSync(ours, { recursive: true });
  const elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, ours);
  await refused();
  rmSync(ours);
  writeFileSync(ours, '');
  await refused();
  const missing = options('one', { XDG_RUNTIME_DIR: join(directory, 'missing') });
  assert.equal(await openHostLeases(keyHash, missing), undefined);
});

test('looking makes nothing', async () => {
  const nothing = { places: [], unread: [] };
  assert.deepEqual(await hostLeases(options('looking')), nothing);
  assert.deepEqual(await hostLeases(options('looking')), nothing);
});
