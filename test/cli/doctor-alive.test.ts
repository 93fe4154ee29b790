/**
 * Goal: of a set-up that is well doctor finds nothing wrong, and of a daemon that was killed or is
 * another version exactly that. Method: a real daemon on a simulated Keepa over HTTP, and doctor
 * looking at both.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { DoctorSetup, doctorKey } from './doctor-setup.ts';
import type { Running } from './run-cli.ts';

const limits = { timeout: 300_000 };
const shipped = readFileSync(new URL('../../systemd/keepa-deals.service', import.meta.url), 'utf8');
/** The first sweep is complete when the backfiller finds no page that is due. */
const sweepDone = /"scope":"backfiller","event":"pass","outcome":"done","pages":0(?!,"why")/;

describe('a daemon at work', limits, () => {
  const setup = new DoctorSetup();
  let daemon: Running;
  before(async () => {
    await setup.startKeepa();
    setup.installUnit(shipped);
    daemon = setup.place.start(['start'], setup.env);
    setup.isAtWork = true;
    await daemon.until(sweepDone);
  });
  after(() => setup.remove());

  test('is healthy: 0, and nothing to say of anything', async () => {
    const { code, report, troubles } = await setup.look({ live: true });
    assert.deepEqual(troubles(), []);
    assert.equal(code, 0);
    assert.equal(report.schema, 1);
    assert.equal(report.verdict, 'healthy');
    const skipped = report.findings.filter(({ level }) => level === 'skipped');
    assert.deepEqual(
      skipped.map(({ id }) => id),
      ['redis'],
      'everything else was looked at',
    );
  });

  test('is not asked for a token: only the balance was read', async () => {
    const counts = () => setup.keepa?.requests;
    const bought = counts()?.byEndpoint.token ?? 0;
    await setup.look();
    assert.equal(counts()?.byEndpoint.token, bought, 'without --live Keepa is not asked');
    await setup.look({ live: true });
    assert.equal(counts()?.byEndpoint.token, bought + 1);
    assert.equal(counts()?.spentTokens.token, 0);
  });

  test('each value has its origin, and of a secret only whether it is set', async () => {
    const { report } = await setup.look();
    const value = (key: string) => report.configuration.find((one) => one.key === key);
    assert.deepEqual(value('API key'), { key: 'API key', value: 'set', origin: 'KEEPA_API_KEY' });
    assert.equal(value('data_dir')?.origin, 'KEEPA_DEALS_DATA_DIR');
    assert.equal(value('feeds')?.origin, setup.place.path('keepa-deals.toml'));
    assert.deepEqual(value('acceptance.min_profit_cents'), {
      key: 'acceptance.min_profit_cents',
      value: '1',
      origin: 'default',
    });
    const flagged = await setup.look({ dataDir: setup.dataDir });
    const found = flagged.report.configuration.find(({ key }) => key === 'data_dir');
    assert.equal(found?.origin, '--data-dir');
  });

  test('of another version than this command is told', async () => {
    const look = await setup.look({ version: '99.0.0' });
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'version').what, /the daemon is 0\.1\.0, .*command is 99/);
  });

  test('a shell without the key only notes that it has none', async () => {
    const { KEEPA_API_KEY: _, ...env } = setup.env;
    setup.env = env;
    const look = await setup.look({ live: true });
    setup.env.KEEPA_API_KEY = doctorKey;
    assert.equal(look.code, 0);
    assert.match(look.found('note', 'key').why ?? '', /the daemon has one/);
  });

  test('killed, its leases are those of a dead owner, and nothing keeps deals fresh', async () => {
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    setup.isAtWork = false;
    const look = await setup.look();
    assert.equal(look.code, 3);
    assert.match(look.found('warning', 'daemon').what, /none runs; the last one was killed/);
    const { what } = look.found('warning', 'leases');
    assert.match(what, new RegExp(`process ${daemon.child.pid} is dead and still holds data-dir`));
    assert.match(what, /daemon-[0-9a-f]{16}/);
    assert.deepEqual(look.troubles(), ['warning daemon', 'warning leases']);
  });
});

test('a daemon that hangs is broken, and everything else is still looked at', limits, async () => {
  const setup = new DoctorSetup();
  try {
    await setup.startKeepa();
    const daemon = setup.place.start(['start'], setup.env);
    setup.isAtWork = true;
    await daemon.until(sweepDone);
    daemon.child.kill('SIGSTOP');
    const look = await setup.look();
    assert.equal(look.code, 1);
    assert.match(look.found('error', 'daemon').what, /it hangs: no answer in 2000 ms/);
  } finally {
    await setup.remove();
  }
});

test('one that stands by changes nothing of the picture', limits, async () => {
  const setup = new DoctorSetup();
  try {
    await setup.startKeepa();
    setup.installUnit(shipped);
    const first = setup.place.start(['start'], setup.env);
    setup.isAtWork = true;
    await first.until(sweepDone);
    const second = setup.place.start(['start'], setup.env);
    await second.until(/"event":"standby"/);
    const look = await setup.look({ live: true });
    assert.deepEqual(look.troubles(), []);
    assert.equal(look.code, 0);
  } finally {
    await setup.remove();
  }
});
