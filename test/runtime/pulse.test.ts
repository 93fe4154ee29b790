import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frozenLoops, Pulse } from '../../src/runtime/pulse.ts';

/** A pulse with a bound of 100 ms, and a clock that is set by hand. */
function pulse(name = 'loop') {
  const clock = { ms: 1_000, monotonic: () => clock.ms };
  const made = new Pulse({ name, clock, silenceMsMax: 100 });
  const isFrozen = (canEnd?: boolean) => frozenLoops([made.progress(canEnd)], clock).length === 1;
  return { clock, pulse: made, isFrozen };
}

test('silence within the bound is life, a millisecond more is none, and a beat begins anew', () => {
  const { clock, pulse: loop, isFrozen } = pulse();
  clock.ms += 100;
  assert.equal(isFrozen(), false);
  clock.ms += 1;
  assert.equal(isFrozen(), true);
  loop.beat();
  assert.equal(isFrozen(), false);
});

test('a rest may last as long as was said, and the bound counts from its end', () => {
  const { clock, pulse: loop, isFrozen } = pulse();
  loop.beat(86_400_000);
  clock.ms += 86_400_100;
  assert.equal(isFrozen(), false);
  clock.ms += 1;
  assert.equal(isFrozen(), true);
});

test('a wait for another loop has no end of its own, unless that loop has nothing to tell', () => {
  const { clock, pulse: loop, isFrozen } = pulse();
  const first = loop.wait();
  const second = loop.wait();
  clock.ms += 30 * 86_400_000;
  assert.equal(isFrozen(), false);
  assert.equal(isFrozen(false), true);
  first();
  first();
  clock.ms += 101;
  assert.equal(isFrozen(), false, 'the second wait still counts');
  second();
  assert.equal(isFrozen(), false, 'the end of a wait is a sign of life');
  clock.ms += 101;
  assert.equal(isFrozen(), true);
});

test('the loop that is silent for longest is named first', () => {
  const clock = { monotonic: () => 10 };
  const loops = [
    { name: 'well', aliveUntilMs: 10 },
    { name: 'late', aliveUntilMs: 9 },
    { name: 'latest', aliveUntilMs: 1 },
  ];
  assert.deepEqual(
    frozenLoops(loops, clock).map(({ name }) => name),
    ['latest', 'late'],
  );
});
