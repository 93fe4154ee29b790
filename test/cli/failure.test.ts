import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { CliError, exitCodes } from '../../src/cli/cli-error.ts';
import { describeFailure } from '../../src/cli/failure.ts';
import { ConfigError } from '../../src/config-problem.ts';
import { StoreOpenError } from '../../src/store/store-open-error.ts';

const key = 'k3y0123456789';
const secrets = new Set([key]);
const linesOf = (error: unknown): string => describeFailure(error, secrets).lines.join('\n');
const codeOf = (error: unknown): number => describeFailure(error, secrets).exitCode;

test('the key is struck out of whatever was thrown, causes included', () => {
  const url = `https://api.keepa.com/token?key=${key}`;
  const thrown = [
    new Error(`fetch of ${url} failed`),
    new Error('failed', { cause: new Error(url) }),
    new CliError(exitCodes.failed, { what: url, why: key, todo: key }),
    new ConfigError([{ where: url, what: key }]),
    new CommanderError(1, 'x', `error: unknown command '${key}'`),
    `a string with ${key}`,
  ];
  for (const error of thrown) {
    assert.doesNotMatch(linesOf(error), /k3y/);
    assert.match(linesOf(error), /\[redacted\]/);
  }
});

test('what was given to an option that does not exist is not repeated', () => {
  const error = new CommanderError(1, 'x', "error: unknown option '--api-key=0ther'");
  const line = "keepa-deals: unknown option '--api-key' (see keepa-deals --help)";
  assert.equal(linesOf(error), line);
});

test('a failure is one line, whatever line breaks it came with, and has no stack', () => {
  const error = new TypeError('first\n    at second');
  assert.equal(linesOf(error), 'keepa-deals: unexpected: TypeError: first at second');
});

test('the exit code tells what a restart may heal from what it may not', () => {
  const opening = (reason: StoreOpenError['reason']) =>
    codeOf(new StoreOpenError('/x', { reason, why: 'w' }));
  assert.equal(opening('newer-schema'), exitCodes.badConfig);
  assert.equal(opening('not-writable'), exitCodes.badConfig);
  assert.equal(opening('locked'), exitCodes.busy);
  assert.equal(opening('disk-full'), exitCodes.failed);
  assert.equal(codeOf(new ConfigError([])), exitCodes.badConfig);
  assert.equal(codeOf(new CommanderError(1, 'x', 'y')), exitCodes.usage);
  assert.equal(codeOf(new Error('bug')), exitCodes.failed);
});
