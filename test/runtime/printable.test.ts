import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../src/runtime/printable.ts';

test('nothing that a terminal would obey survives', () => {
  assert.equal(printable('a\u001b[31mb\r\nc\u202ed'), 'a [31mb c d');
  assert.equal(printable('Ünïcode, «quotes» and 東京 stay'), 'Ünïcode, «quotes» and 東京 stay');
});
