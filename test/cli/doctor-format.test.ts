/**
 * The text of doctor: the verdict first, the worst before the rest, no line wider than asked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broken, fine, note, skipped, warning } from '../../src/cli/doctor-finding.ts';
import { doctorJson, doctorLines } from '../../src/cli/doctor-format.ts';

const trouble = {
  what: 'it is not as it should be, and that takes some words to say',
  why: 'because of something that matters to whoever relies on it',
  todo: 'do this, then that, and look again whether it is better now',
};
const examined = {
  atMs: Date.UTC(2026, 4, 12),
  version: '1.2.3',
  isLive: false,
  dataDir: '/data',
  findings: [
    fine('disk', 'much'),
    skipped('redis', 'none'),
    note('unit', trouble),
    broken('schema', trouble),
    warning('clock', trouble),
    fine('key', 'set'),
  ],
  values: [{ key: 'http', value: 'off', origin: 'default' }],
};

test('the verdict is the first line, and the worst findings follow it', () => {
  const lines = doctorLines(examined, { columns: 100, isColoured: false });
  assert.equal(lines[0], 'broken: 1 error, 1 warning, 1 note, 2 fine, 1 not looked at');
  const heads = lines.flatMap((line) => /^(error|warning|note|ok|skipped) /.exec(line)?.[1] ?? []);
  assert.deepEqual(heads, ['error', 'warning', 'note', 'ok', 'ok', 'skipped']);
});

test('what is well has one line, what is not says why and what to do', () => {
  const lines = doctorLines(examined, { columns: 200, isColoured: false });
  const at = lines.findIndex((line) => line.startsWith('error'));
  assert.deepEqual(lines.slice(at, at + 3), [
    `error    schema  ${trouble.what}`,
    `                 why: ${trouble.why}`,
    `                 do: ${trouble.todo}`,
  ]);
  assert.ok(lines.includes('ok       disk    much'));
});

test('no line is wider than asked, down to what a word needs', () => {
  for (const columns of [200, 100, 80, 60]) {
    const lines = doctorLines(examined, { columns, isColoured: false });
    const widest = lines.reduce((most, line) => Math.max(most, line.length), 0);
    assert.ok(widest <= columns, `${widest} of ${columns}`);
  }
});

test('JSON has every field of every finding, null where there is nothing to say', () => {
  const record = JSON.parse(doctorJson(examined));
  const fields = ['schema', 'verdict', 'exitCode', 'at', 'version', 'live', 'dataDir'];
  assert.deepEqual(Object.keys(record), [...fields, 'findings', 'configuration']);
  assert.deepEqual(record.findings[0], {
    ...{ id: 'disk', level: 'ok', what: 'much' },
    why: null,
    todo: null,
  });
  assert.equal(record.exitCode, 1);
});

test('a warning is 3, an error is 1, a note is nothing', () => {
  const codeOf = (...findings: typeof examined.findings): unknown =>
    JSON.parse(doctorJson({ ...examined, findings })).exitCode;
  assert.equal(codeOf(fine('a', ''), note('b', trouble), skipped('c', '')), 0);
  assert.equal(codeOf(note('b', trouble), warning('c', trouble)), 3);
  assert.equal(codeOf(warning('c', trouble), broken('d', trouble)), 1);
});
