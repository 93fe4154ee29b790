/**
 * The unit is code that only the production host runs: what it promises is checked here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../src/cli/cli-error.ts';
import { stopGraceMs } from '../../src/cli/run-daemon.ts';
import { roundMsMax } from '../../src/cli/systemd-reports.ts';
import { readHttpToken } from '../../src/config-key.ts';

const unitPath = fileURLToPath(new URL('../../systemd/keepa-deals.service', import.meta.url));
const unit = readFileSync(unitPath, 'utf8');

function settingOf(key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
}

test('systemd waits longer for the end than the daemon takes for it', () => {
  const timeoutMs = Number(settingOf('TimeoutStopSec')) * 1000;
  assert.ok(timeoutMs > stopGraceMs, `${timeoutMs} ms against a grace of ${stopGraceMs} ms`);
});

test('an exit that a restart cannot heal is not restarted, one that it may heal is', () => {
  assert.equal(settingOf('Restart'), 'on-failure');
  const prevented = (settingOf('RestartPreventExitStatus') ?? '').split(' ').map(Number);
  const final = [exitCodes.usage, exitCodes.keyRefused, exitCodes.badConfig];
  assert.deepEqual(prevented, final);
});

test('the key comes as the credential that the command line looks for', () => {
  assert.match(settingOf('LoadCredential') ?? '', /^keepa-api-key:/);
  assert.doesNotMatch(unit, /KEEPA_API_KEY/);
});

test('the watchdog is slower than its feeding, and leaves no core with the key', () => {
  assert.equal(settingOf('Type'), 'notify');
  // The sender is a child of the process, and not root's.
  assert.equal(settingOf('NotifyAccess'), 'all');
  assert.ok(Number(settingOf('WatchdogSec')) * 1000 >= 3 * roundMsMax);
  assert.equal(settingOf('LimitCORE'), '0');
});

test('V8 may compile, and the owners of locks can be seen', () => {
  for (const key of ['MemoryDenyWriteExecute', 'ProtectProc', 'ProcSubset']) {
    assert.equal(settingOf(key), undefined, key);
  }
});

const analyze = spawnSync('systemd-analyze', ['--version']);
// Where everything has to hold, a check that did not run has not held.
const mustRun = process.env.CI === 'true';
const isMissing = analyze.error !== undefined && !mustRun;
const skip = isMissing ? 'systemd-analyze is not installed' : false;

/** What systemd calls an exposure of 1.5, ten times over. */
const exposureMax = 15;

test('an attacker who takes the service over can do little with it', { skip }, () => {
  const options = ['--offline=true', '--no-pager', `--threshold=${exposureMax}`];
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['security', ...options, unitPath],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, `${stdout}${stderr}`);
  const [, exposure] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? [];
  assert.ok(Number(exposure) <= exposureMax / 10, stdout);
});

const dropInNames = readdirSync(`${unitPath}.d`);

test('the token comes as the credential that the command line looks for', () => {
  const dropIn = readFileSync(`${unitPath}.d/http.conf`, 'utf8');
  const [, name = ''] = /LoadCredential=([a-z-]+):/.exec(dropIn) ?? [];
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-unit-'));
  writeFileSync(join(directory, name), 'x'.repeat(16));
  const token = readHttpToken({ CREDENTIALS_DIRECTORY: directory }, undefined);
  rmSync(directory, { recursive: true });
  assert.equal(token?.reveal(), 'x'.repeat(16));
});

test('systemd-analyze finds nothing to say about the unit and its drop-ins', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-unit-'));
  try {
    const launcher = fileURLToPath(new URL('../../bin/keepa-deals', import.meta.url));
    const copy = join(directory, 'keepa-deals.service');
    // verify wants the program to exist, and passes over drop-ins: as one file it reads them all.
    const dropIns = dropInNames.map((name) => readFileSync(`${unitPath}.d/${name}`, 'utf8'));
    const whole = [unit, ...dropIns].join('\n');
    writeFileSync(copy, whole.replace('/opt/keepa-deals/bin/keepa-deals', launcher));
    const verify = spawnSync('systemd-analyze', ['verify', '--man=no', copy], { encoding: 'utf8' });
    // It exits with 0 on unknown keys, so the exit code alone proves nothing.
    assert.equal(verify.stderr, '');
    assert.equal(verify.status, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
