/** Guesses at what a misspelt name was meant to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from '../../src/runtime/nearest-name.ts';

const names = ['interval', 'isRangeEnabled', 'currentRange', 'sortType', 'page'];

test('the name with the fewest edits is the guess, whatever its case', () => {
  assert.equal(nearestName('inter', names), undefined);
  assert.equal(nearestName('intervall', names), 'interval');
  assert.equal(nearestName('israngeenabled', names), 'isRangeEnabled');
  assert.equal(nearestName('curentRange', names), 'currentRange');
  assert.equal(nearestName('sort_type', names), 'sortType');
  assert.equal(nearestName('paeg', names), 'page');
});

test('a far-fetched name is no guess, and the earlier one wins a tie', () => {
  assert.equal(nearestName('warehouse', names), undefined);
  assert.equal(nearestName('', names), undefined);
  assert.equal(nearestName('ab', ['abx', 'aby']), 'abx');
  assert.equal(nearestName('page', []), undefined);
});
