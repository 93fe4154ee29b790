/**
 * The unit is code that only the production host runs: what it promises is checked here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../src/cli/cli-error.ts';
import { stopGraceMs } from '../../src/cli/run-daemon.ts';

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

const analyze = spawnSync('systemd-analyze', ['--version']);
const skip = analyze.error === undefined ? false : 'systemd-analyze is not installed';

test('systemd-analyze finds nothing to say about the unit', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'keepa-deals-unit-'));
  try {
    const launcher = fileURLToPath(new URL('../../bin/keepa-deals', import.meta.url));
    const copy = join(directory, 'keepa-deals.service');
    // verify wants the program to exist; everything else is the unit as it is.
    writeFileSync(copy, unit.replace('/opt/keepa-deals/bin/keepa-deals', launcher));
    const verify = spawnSync('systemd-analyze', ['verify', '--man=no', copy], { encoding: 'utf8' });
    // It exits with 0 on unknown keys, so the exit code alone proves nothing.
    assert.equal(verify.stderr, '');
    assert.equal(verify.status, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
