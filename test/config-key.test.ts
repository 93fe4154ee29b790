import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { keyPlace, readHttpToken, readKey } from '../src/config-key.ts';
import { ConfigError } from '../src/config-problem.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keepa-deals-key-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function fileWith(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test('the environment wins over the file, the file over the credential', () => {
  const keyFile = fileWith('key', 'from-file\n');
  fileWith('keepa-api-key', 'from-credential\n');
  const env = { CREDENTIALS_DIRECTORY: directory };
  assert.equal(readKey({ ...env, KEEPA_API_KEY: 'from-env' }, keyFile).reveal(), 'from-env');
  assert.equal(readKey(env, keyFile).reveal(), 'from-file');
  assert.equal(readKey(env, undefined).reveal(), 'from-credential');
});

test('the place of the key is told as it is read, also where it cannot be', () => {
  const credential = fileWith('keepa-api-key', 'from-credential\n');
  const env = { CREDENTIALS_DIRECTORY: directory };
  assert.deepEqual(keyPlace({ ...env, KEEPA_API_KEY: 'x' }, '/k'), { from: 'KEEPA_API_KEY' });
  assert.deepEqual(keyPlace(env, '/k'), { from: 'keepa.key_file', file: '/k' });
  assert.deepEqual(keyPlace(env, undefined), { from: 'credential', file: credential });
  assert.equal(keyPlace({ KEEPA_API_KEY: ' ' }, undefined), undefined);
});

test('white space around a key is no part of it, and an empty variable is no key', () => {
  const keyFile = fileWith('key', '  abc123\r\n');
  assert.equal(readKey({ KEEPA_API_KEY: ' ' }, keyFile).reveal(), 'abc123');
});

test('a missing key names the three ways to give it', () => {
  assert.throws(
    () => readKey({ CREDENTIALS_DIRECTORY: directory }, undefined),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.problems[0]?.todo ?? '',
        /KEEPA_API_KEY.*keepa\.key_file.*systemd credential keepa-api-key/,
      );
      return true;
    },
  );
});

test('a key file that cannot be read is not passed over for the credential', () => {
  fileWith('keepa-api-key', 'from-credential');
  const env = { CREDENTIALS_DIRECTORY: directory };
  const none = join(directory, 'none');
  assert.throws(() => readKey(env, none), /keepa\.key_file: .*none cannot be read: no such file/);
  mkdirSync(join(directory, 'dir'));
  assert.throws(() => readKey(env, join(directory, 'dir')), /is a directory/);
});

test('what cannot be a key is refused without being quoted', () => {
  const keyFile = fileWith('key', 'sec ret');
  assert.throws(
    () => readKey({}, keyFile),
    (error: Error) => {
      assert.match(error.message, /is no key/);
      assert.doesNotMatch(error.message, /sec ret/);
      return true;
    },
  );
  assert.throws(() => readKey({}, fileWith('empty', '\n')), /is empty/);
});

test('a secret shows itself to nobody who prints it', () => {
  const secret = readKey({ KEEPA_API_KEY: 'K3Y' }, undefined);
  const shown = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    Object.entries(secret).join(),
  ];
  assert.doesNotMatch(shown.join('\n'), /K3Y/);
  assert.equal(secret.reveal(), 'K3Y');
});

test('the token of the control server comes from its file, else its credential, or is none', () => {
  const token = 'x'.repeat(16);
  const env = { CREDENTIALS_DIRECTORY: directory };
  assert.equal(readHttpToken(env, undefined), undefined);
  assert.equal(readHttpToken({}, undefined), undefined);
  fileWith('keepa-deals-http-token', `${token}-credential\n`);
  assert.equal(readHttpToken(env, undefined)?.reveal(), `${token}-credential`);
  assert.equal(readHttpToken(env, fileWith('token', token))?.reveal(), token);
  for (const wrong of ['', 'x'.repeat(15), `${token} ${token}`]) {
    assert.throws(
      () => readHttpToken(env, fileWith('token', wrong)),
      (error) => error instanceof ConfigError && (wrong === '' || !error.message.includes(wrong)),
    );
  }
  assert.throws(() => readHttpToken(env, join(directory, 'absent')), ConfigError);
});
