/**
 * The style, as a test: each rule is held against the whole tree, and shown to see what it is for
 * on small bad examples, because a check that cannot fail protects nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badExamples, badTrees, fineExamples } from './tidy/examples.ts';
import { format, type Rule } from './tidy/finding.ts';
import { secondImporters } from './tidy/floors.ts';
import { rules } from './tidy/rules.ts';
import { missingPaths } from './tidy/shape.ts';
import { pathsUnder, readDocument, readTree, sourceFile } from './tidy/tree.ts';

const tree = readTree();

function findingsOf(rule: Rule, files = tree): string[] {
  return files.flatMap((file) => rule.check(file)).map(format);
}

test('the tree was read', () => {
  assert(tree.length > 50, `${tree.length} files`);
});

for (const rule of rules) {
  test(rule.name, () => assert.deepEqual(findingsOf(rule), []));

  test(`(red) ${rule.name}`, () => {
    const examples = badExamples.filter((example) => example.rule === rule);
    assert(examples.length > 0, 'a rule without a bad example');
    for (const { path, text, says } of examples) {
      const found = findingsOf(rule, [sourceFile(path, text)]);
      assert.equal(found.length, 1, `${path}: ${text}\n${found.join('\n')}`);
      assert(found[0]?.includes(says), `${found[0]} should say ${says}`);
    }
  });
}

for (const { name, path, text } of fineExamples) {
  test(`no rule minds ${name}`, () => {
    const file = sourceFile(path, text);
    assert.deepEqual(
      rules.flatMap((rule) => findingsOf(rule, [file])),
      [],
    );
  });
}

test('ioredis and undici are imported by one file each', () => {
  assert.deepEqual(secondImporters(tree).map(format), []);
});

test('(red) ioredis and undici are imported by one file each', () => {
  for (const { files, says } of badTrees) {
    const found = secondImporters(files.map(({ path, text }) => sourceFile(path, text)));
    assert.deepEqual(found.map(format), says);
  }
});

const existing = pathsUnder(['src', 'test', 'docs', 'bin', 'systemd']);

for (const path of ['README.md', 'ARCHITECTURE.md']) {
  test(`every path that ${path} names exists`, () => {
    assert.deepEqual(missingPaths({ path, text: readDocument(path) }, existing).map(format), []);
  });
}

test('(red) a path that a document names must exist', () => {
  const text = [
    'See `src/runtime/clock.ts`, `test/tidy/`, `src/runtime/*.ts` and `docs/decisions/NNNN-x.md`,',
    'not `src/gone.ts`, `test/*/gone.ts` or `bin/gone`; src/unquoted.ts is prose.',
  ].join('\n');
  assert.deepEqual(missingPaths({ path: 'README.md', text }, existing).map(format), [
    'README.md:2 there is no src/gone.ts',
    'README.md:2 there is no test/*/gone.ts',
    'README.md:2 there is no bin/gone',
  ]);
});
