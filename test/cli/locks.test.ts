/**
 * Locks of real processes: a dead one's may be cleared, a living one's may not, and whatever is
 * claimed to be gone is gone.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Place, type Running } from './run-cli.ts';

const limits = { timeout: 300_000 };
let place: Place;
let daemon: Running;
before(async () => {
  place = new Place();
  daemon = place.start(['demo', '--json', '--rows', '50', '--data-dir', 'data']);
  await daemon.until(/"name":"daemon-demo"/);
});
after(() => place.remove());

const ask = (...args: string[]) => place.run([...args, '--data-dir', 'data']);

interface Lock {
  readonly name: string;
  readonly pid: number;
  readonly isAlive: boolean;
}

/** The locks themselves; what each actor is doing comes and goes beside them. */
const names = ['daemon-demo', 'data-dir'];

async function held(): Promise<readonly Lock[]> {
  const { code, stdout, stderr } = await ask('locks', 'list', '--json');
  assert.equal(code, 0, stderr);
  const locks: readonly Lock[] = JSON.parse(stdout).locks;
  return locks.filter(({ name }) => names.includes(name));
}

describe('while the owner lives', limits, () => {
  test('its lock is listed with its pid, and its progress with the cursor', async () => {
    const pid = daemon.child.pid;
    assert.deepEqual(
      (await held()).map((lock) => [lock.name, lock.pid, lock.isAlive]),
      [
        ['daemon-demo', pid, true],
        ['data-dir', pid, true],
      ],
    );
    const { stdout } = await ask('checkpoints', 'list', '--json');
    const [checkpoint] = JSON.parse(stdout).checkpoints;
    assert.equal(checkpoint.name, 'sweep/used-books');
    assert.deepEqual(Object.keys(checkpoint.value).sort(), ['page', 'queryHash', 'sweep']);
    const { stdout: table } = await ask('locks', 'list');
    assert.match(table, /^lock +pid /);
    assert.match(table, /^daemon-demo +\d+ +alive /m);
  });

  test('clearing it is refused with 75, and it is still held', async () => {
    const { code, stderr } = await ask('locks', 'clear', 'daemon-demo');
    assert.equal(code, 75);
    assert.match(
      stderr,
      /^keepa-deals: daemon-demo: process \d+ on \S+ holds it and may be alive; .*\n$/,
    );
    assert.equal((await held()).length, 2);
  });
});

describe('after the owner was killed', limits, () => {
  before(async () => {
    daemon.child.kill('SIGKILL');
    await daemon.ended;
  });

  test('a name that does not exist clears nothing, nor do the others beside it', async () => {
    assert.equal((await held())[0]?.isAlive, false);
    const { code, stderr } = await ask('locks', 'clear', 'daemon-demo', 'daemon-dmo', '--yes');
    assert.equal(code, 1);
    assert.match(stderr, /daemon-dmo: there is no lock of that name; did you mean daemon-demo\?/);
    assert.equal((await held()).length, 2);
  });

  test('its lock is cleared without force, and it is gone', async () => {
    const both = ['daemon-demo', 'data-dir'];
    const { code, stdout } = await ask('locks', 'clear', ...both, '--yes', '--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { schema: 1, cleared: ['daemon-demo', 'data-dir'] });
    assert.deepEqual(await held(), []);
  });
});

test('looking where nothing ever ran finds nothing and makes nothing', async () => {
  const { code, stdout, stderr } = await place.run(['locks', 'list', '--data-dir', 'none']);
  assert.deepEqual([code, stdout, stderr], [0, '', 'no locks are held\n']);
  assert.ok(!existsSync(place.path('none')));
});
