/**
 * `locks` against an owner that is on another host as far as this one can tell, and against the
 * notes of what the actors do, which look like locks and guard nothing.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RedisServer, withoutRedis } from '../coordination/redis-process.ts';
import { Place, type Running } from './run-cli.ts';
import { WatchedKeepa } from './watched-keepa.ts';

const toml = `
data_dir = "data"
[[feeds]]
name = "used"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
`;

interface Lock {
  readonly name: string;
  readonly owner: string;
  readonly host: string;
  readonly doing: string;
}

describe('an owner elsewhere', { skip: withoutRedis, timeout: 300_000 }, () => {
  let place: Place;
  let keepa: WatchedKeepa;
  let redis: RedisServer;
  let env: Record<string, string>;
  let daemon: Running;
  before(async () => {
    place = new Place();
    place.write('keepa-deals.toml', toml);
    // Too few tokens for what is to be done: its passes wait, and their notes stay.
    keepa = await WatchedKeepa.start({ rows: 2_000, ratePerMinute: 1 });
    redis = await RedisServer.start();
    env = { ...keepa.env, KEEPA_DEALS_REDIS_URL: redis.url };
    daemon = place.startTuned({ host: 'id@another-host' }, env);
    await daemon.until(/"scope":"backfiller","event":"pass"/);
  });
  after(async () => {
    await place.remove();
    await keepa.close();
    await redis.remove();
  });

  async function listed(): Promise<readonly Lock[]> {
    const { code, stdout, stderr } = await place.run(['locks', 'list', '--json'], env);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).locks;
  }

  async function noteOfPass(): Promise<Lock | undefined> {
    return (await listed()).find(({ doing }) => doing === 'a pass');
  }

  /** What it notes of a pass that lasts; it stands still then, or the pass might end meanwhile. */
  async function frozenInPass(): Promise<Lock> {
    for (;;) {
      while ((await noteOfPass()) === undefined);
      daemon.child.kill('SIGSTOP');
      const note = await noteOfPass();
      if (note !== undefined) return note;
      daemon.child.kill('SIGCONT');
    }
  }

  test('what its actors do is listed; to clear that takes force and costs it nothing', async () => {
    const note = await frozenInPass();
    assert.deepEqual([note.owner, note.host], ['elsewhere', 'id@another-host']);
    const refused = await place.run(['locks', 'clear', note.name, '--yes'], env);
    assert.equal(refused.code, 75);
    const cleared = await place.run(['locks', 'clear', note.name, '--yes', '--force'], env);
    assert.equal(cleared.code, 0, cleared.stderr);
    daemon.child.kill('SIGCONT');
    const status = await place.run(['status', '--json']);
    assert.equal(JSON.parse(status.stdout).pid, daemon.child.pid, 'it works on');
  });

  test('its lease is refused without force; with it the owner ends', async () => {
    const lease = (await listed()).find(({ name }) => name.startsWith('daemon-'));
    assert.ok(lease !== undefined);
    assert.equal(lease.owner, 'elsewhere');
    const refused = await place.run(['locks', 'clear', lease.name, '--yes'], env);
    assert.equal(refused.code, 75);
    assert.match(refused.stderr, /process \d+ on another-host holds it and may be alive/);
    const cleared = await place.run(['locks', 'clear', lease.name, '--yes', '--force'], env);
    assert.equal(cleared.code, 0, cleared.stderr);
    assert.ok(!(await listed()).some(({ name }) => name === lease.name));
    assert.equal((await daemon.ended).code, 1);
  });
});
