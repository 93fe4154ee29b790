/**
 * The contract of every implementation of `Leases`: tables for each rule, and random histories of
 * three owners against a model of one line each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Coordination, Leases, Owner } from '../../src/coordination/ports.ts';
import {
  type CoordinationFactory,
  type CoordinationFixture,
  ownerNamed,
} from './coordination-fixture.ts';

const ttlMs = 30_000;
const doing = 'testing';

export function leasesContract(implementation: string, make: CoordinationFactory): void {
  describe(`leases, ${implementation}`, () => {
    let fixture: CoordinationFixture;
    let one: Leases;
    let two: Leases;
    let names = 0;
    const anyName = (): string => {
      names += 1;
      return `daemon:${names}`;
    };

    before(async () => {
      fixture = await make();
      one = (await fixture.open()).leases;
      two = (await fixture.open()).leases;
    });
    after(() => fixture.close());

    const a = ownerNamed('a');
    const b = ownerNamed('b');
    const take = async (leases: Leases, name: string, owner: Owner, fenceFloor = 0) =>
      await leases.acquire(name, { owner, ttlMs, fenceFloor, doing });
    const fenceOf = async (leases: Leases, name: string, owner: Owner): Promise<number> => {
      const taken = await take(leases, name, owner);
      assert(taken.granted, 'the lease was to be had');
      return taken.fence;
    };

    test('grants a free lease and refuses it to everybody else, naming the holder', async () => {
      const name = anyName();
      assert.deepEqual(await take(one, name, a), { granted: true, fence: 1 });
      const refused = await take(two, name, b);
      assert(!refused.granted);
      assert.deepEqual(refused.holder.owner, a);
      assert.equal(refused.holder.fence, 1);
      assert.equal(refused.holder.doing, doing);
      assert(refused.holder.remainingMs > 0 && refused.holder.remainingMs <= ttlMs);
    });

    test('an owner differs in any one of its six marks', async () => {
      const name = anyName();
      await take(one, name, a);
      const others: readonly Partial<Owner>[] = [
        { host: 'x' },
        { bootId: 'x' },
        { pidNamespace: 'x' },
        { pid: 1 },
        { startedAt: 'x' },
        { instance: 'x' },
      ];
      for (const other of others) {
        assert.equal((await take(two, name, { ...a, ...other })).granted, false);
      }
    });

    test('its holder may take it again, under a new fence', async () => {
      const name = anyName();
      const first = await fenceOf(one, name, a);
      assert.equal(await fenceOf(two, name, a), first + 1);
      assert.equal(await one.renew(name, { owner: a, fence: first, ttlMs, doing }), false);
    });

    test('is to be had after its expiry and not before', async () => {
      const name = anyName();
      await take(one, name, a);
      await fixture.advance(ttlMs - fixture.finestMs);
      assert.equal((await take(two, name, b)).granted, false);
      await fixture.advance(fixture.finestMs);
      assert.equal(await fenceOf(two, name, b), 2);
    });

    test('renewal extends it and says what is done', async () => {
      const name = anyName();
      const fence = await fenceOf(one, name, a);
      await fixture.advance(20_000);
      assert.equal(await one.renew(name, { owner: a, fence, ttlMs, doing: 'sweeping' }), true);
      await fixture.advance(20_000);
      const refused = await take(two, name, b);
      assert(!refused.granted);
      assert.equal(refused.holder.doing, 'sweeping');
      assert.equal(refused.holder.fence, fence);
      await fixture.advance(10_000);
      assert.equal((await take(two, name, b)).granted, true);
    });

    test('says which deals database its holder writes, also after a renewal', async () => {
      const name = anyName();
      const claim = { owner: a, ttlMs, fenceFloor: 0, doing, store: 'store-1' };
      const taken = await one.acquire(name, claim);
      assert(taken.granted);
      await one.renew(name, { owner: a, fence: taken.fence, ttlMs, doing });
      const refused = await take(two, name, b);
      assert(!refused.granted);
      assert.equal(refused.holder.store, 'store-1');
      const listed = (await two.list()).find((entry) => entry.name === name);
      assert.equal(listed?.store, 'store-1');
    });

    test("an expired one is its holder's until somebody takes it, and never after", async () => {
      const name = anyName();
      const fence = await fenceOf(one, name, a);
      await fixture.advance(10 * ttlMs);
      assert.equal(await one.renew(name, { owner: a, fence, ttlMs, doing }), true);
      assert.equal((await take(two, name, b)).granted, false, 'it is held again');
      await fixture.advance(ttlMs);
      const taken = await fenceOf(two, name, b);
      assert.equal(await two.release(name, { owner: b, fence: taken }), true);
      assert.equal(await one.renew(name, { owner: a, fence, ttlMs, doing }), false);
    });

    test('renewal and release need the owner and the fence', async () => {
      const name = anyName();
      const fence = await fenceOf(one, name, a);
      for (const claim of [
        { owner: b, fence },
        { owner: a, fence: fence - 1 },
        { owner: a, fence: fence + 1 },
      ]) {
        assert.equal(await two.renew(name, { ...claim, ttlMs, doing }), false);
        assert.equal(await two.release(name, claim), false);
      }
      assert.equal((await take(two, name, b)).granted, false);
      assert.equal(await two.release(name, { owner: a, fence }), true);
      assert.equal(await two.release(name, { owner: a, fence }), false);
      assert.equal((await take(two, name, b)).granted, true);
    });

    test('is taken over at once from a holder that is provably dead', async () => {
      const name = anyName();
      const dead = ownerNamed(`dead-${name}`);
      await take(one, name, dead);
      assert.equal((await take(two, name, b)).granted, false);
      fixture.kill(dead);
      assert.equal(await fenceOf(two, name, b), 2);
    });

    test('remembers the fence over release and clear, and starts above the floor', async () => {
      const name = anyName();
      const first = await fenceOf(one, name, a);
      await one.release(name, { owner: a, fence: first });
      assert.equal(await fenceOf(one, name, b), first + 1);
      assert.equal(await two.clear(name), true);
      assert.equal(await two.clear(name), false);
      assert.equal(await fenceOf(one, name, a), first + 3, 'a clear leaves a gap');
      await two.clear(name);
      assert.deepEqual(await take(one, name, a, 41), { granted: true, fence: 42 });
      assert.deepEqual(await take(one, name, a, 7), { granted: true, fence: 43 });
    });

    test('a cleared holder cannot renew', async () => {
      const name = anyName();
      const fence = await fenceOf(one, name, a);
      await two.clear(name);
      assert.equal(await one.renew(name, { owner: a, fence, ttlMs, doing }), false);
    });

    test('lists what is held, also expired entries, and nothing that was given back', async () => {
      const [kept, expired, given] = [anyName(), anyName(), anyName()];
      await one.acquire(expired, { owner: a, ttlMs: 1_000, fenceFloor: 0, doing });
      const fence = await fenceOf(one, given, a);
      await one.release(given, { owner: a, fence });
      await fixture.advance(10_000);
      await take(one, kept, b);
      const listed = new Map((await two.list()).map((entry) => [entry.name, entry]));
      assert.deepEqual(listed.get(kept)?.owner, b);
      assert((listed.get(expired)?.remainingMs ?? 1) <= 0);
      assert.equal(listed.has(given), false);
    });

    test('one name says nothing about another', async () => {
      const [first, second] = [anyName(), anyName()];
      await take(one, first, a);
      assert.equal((await take(two, second, b)).granted, true);
    });

    test('refuses names that are none', async () => {
      for (const name of ['', ' ', 'a b', 'a*', '{a}', 'a\n', `a${'b'.repeat(200)}`]) {
        await assert.rejects(take(one, name, a), RangeError);
        await assert.rejects(one.clear(name), RangeError);
      }
    });

    test('never two holders at once, whatever three owners do', async () => {
      const history = fc.array(stepOf(fixture), { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          await followModel(anyName(), { fixture, handles: [one, two], steps });
        }),
        { numRuns: 300 },
      );
    });

    test('after a loss of everything the floor keeps the fence growing', async () => {
      const lossy = await make();
      const opened: Coordination = await lossy.open();
      const fence = await fenceOf(opened.leases, 'daemon', a);
      await opened.close();
      await lossy.lose();
      const { leases } = await lossy.open();
      assert.deepEqual(await take(leases, 'daemon', b, fence), { granted: true, fence: fence + 1 });
      await lossy.close();
    });
  });
}

const acts = [
  ...(['acquire', 'acquire', 'renew', 'renew-stale', 'release', 'release-stale'] as const),
  ...(['pass', 'pass', 'kill', 'clear'] as const),
];

interface Step {
  readonly act: (typeof acts)[number];
  readonly who: number;
  readonly via: number;
  readonly ms: number;
}

/** `who` acts through `via`, one of two handles on the same store. */
function stepOf({ finestMs }: CoordinationFixture): fc.Arbitrary<Step> {
  return fc.record({
    act: fc.constantFrom(...acts),
    who: fc.nat({ max: 2 }),
    via: fc.nat({ max: 1 }),
    ms: fc.constantFrom(finestMs, 10_000, 30_000 - finestMs, 30_000, 45_000),
  });
}

/** What one owner believes, and what it held before. */
interface Belief {
  readonly owner: Owner;
  isDead: boolean;
  fence: number | undefined;
  validUntilMs: number;
  readonly earlier: number[];
}

async function followModel(
  name: string,
  options: { fixture: CoordinationFixture; handles: readonly Leases[]; steps: readonly Step[] },
): Promise<void> {
  const { fixture, handles, steps } = options;
  const beliefs = [0, 1, 2].map(
    (i): Belief => ({
      owner: ownerNamed(`${name}/${i}`),
      isDead: false,
      fence: undefined,
      validUntilMs: 0,
      earlier: [],
    }),
  );
  let nowMs = 0;
  let newestFence = 0;
  const believers = () =>
    beliefs.filter((b) => !b.isDead && b.fence !== undefined && nowMs < b.validUntilMs);
  const forget = (belief: Belief): void => {
    if (belief.fence !== undefined) belief.earlier.push(belief.fence);
    belief.fence = undefined;
  };

  for (const { act, who, via, ms } of steps) {
    const leases = handles[via];
    const self = beliefs[who];
    assert(leases !== undefined && self !== undefined);
    const { owner } = self;
    if (act === 'pass') {
      await fixture.advance(ms);
      nowMs += ms;
    } else if (act === 'clear') {
      await leases.clear(name);
      for (const belief of beliefs) forget(belief);
    } else if (self.isDead) {
      continue;
    } else if (act === 'kill') {
      fixture.kill(owner);
      self.isDead = true;
    } else if (act === 'acquire') {
      const isFree = believers().every((other) => other === self);
      const taken = await leases.acquire(name, { owner, ttlMs: ms, fenceFloor: 0, doing });
      assert.equal(taken.granted, isFree, 'granted exactly when nobody else holds it');
      if (!taken.granted) continue;
      assert(taken.fence > newestFence, 'fences grow');
      newestFence = taken.fence;
      for (const belief of beliefs) forget(belief);
      self.fence = taken.fence;
      self.validUntilMs = nowMs + ms;
    } else if (act === 'renew' && self.fence !== undefined) {
      const { fence } = self;
      assert.equal(await leases.renew(name, { owner, fence, ttlMs: ms, doing }), true);
      self.validUntilMs = nowMs + ms;
    } else if (act === 'release' && self.fence !== undefined) {
      await leases.release(name, { owner, fence: self.fence });
      forget(self);
    } else if (act === 'renew-stale' || act === 'release-stale') {
      for (const fence of self.earlier) {
        assert.equal(await leases.renew(name, { owner, fence, ttlMs, doing }), false);
        assert.equal(await leases.release(name, { owner, fence }), false);
      }
    }
    assert(believers().length <= 1, 'two hold it at once');
  }
}
