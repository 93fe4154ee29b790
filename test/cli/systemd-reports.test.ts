/**
 * Goal: the watchdog starves when one loop of the daemon is frozen, whichever, and at no other
 * time. Method: the whole daemon in virtual time with the reports beside it, and breaks from
 * outside: a lease, a transport or a store that never answers again.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { roundMsMax, SystemdReports } from '../../src/cli/systemd-reports.ts';
import type { Daemon } from '../../src/daemon-contract.ts';
import type { Notification } from '../../src/runtime/notify-socket.ts';
import { Simulation, type SimulationOptions } from '../simulation/simulated-daemon.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** The longest bound of any loop, a watchdog's time, and the renewals that still come. */
const starvedMs = 300_000 + 180_000 + 6 * minuteMs;

class Manager {
  readonly sent: { readonly atMs: number; readonly message: Notification }[] = [];
  readonly reports: SystemdReports;
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, daemon: Daemon) {
    const { clock, log } = simulation;
    const notify = {
      send: (message: Notification) => void this.sent.push({ atMs: clock.now(), message }),
      flush: async () => undefined,
    };
    this.#simulation = simulation;
    this.reports = new SystemdReports({ daemon, notify, watchdogMs: 180_000, clock, log });
    this.reports.start();
  }

  has(name: string): boolean {
    return this.sent.some(({ message }) => name in message);
  }

  /** The longest time without a feeding since the first. */
  longestHungerMs(): number {
    const times = this.sent.filter(({ message }) => 'WATCHDOG' in message).map(({ atMs }) => atMs);
    assert.ok(times.length > 0, 'never fed');
    const ends = [...times.slice(1), this.#simulation.clock.now()];
    return Math.max(...ends.map((end, i) => end - (times[i] ?? 0)));
  }

  /** Every loop that was ever called frozen. */
  frozen(): readonly string[] {
    const { said } = this.#simulation.log;
    const frozen = said.filter(({ event }) => event === 'loop-frozen');
    return [...new Set(frozen.flatMap(({ fields }) => String(fields.loops).split(', ')))];
  }
}

const plan: SimulationOptions = { seed: 1, ratePerMinute: 20, rows: 60 };

async function run(
  options: Partial<SimulationOptions>,
  scenario: (simulation: Simulation, manager: Manager) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation({ ...plan, ...options });
  await simulation.start();
  const manager = new Manager(simulation, simulation.daemon);
  try {
    await scenario(simulation, manager);
  } finally {
    manager.reports.stopping('the end of the test');
    simulation.dispose();
  }
}

/** A call that never answers; of a method that several loops use, that of one of them. */
interface Break {
  readonly method: string;
  /** The file that calls it. */
  readonly from?: string;
  readonly isMeant?: (arg: unknown) => boolean;
}

function isFrozen(name: string, arg: unknown, frozen: ReadonlySet<Break>): boolean {
  return [...frozen].some(({ method, from, isMeant }) => {
    if (method !== name || isMeant?.(arg) === false) return false;
    return from === undefined || new Error('who calls').stack?.includes(`/${from}`) === true;
  });
}

/** What never answers: a promise that nobody keeps, and a timer that never rings. */
const silence = Object.assign(new Promise<never>(() => undefined), { cancel: () => undefined });

/** The same object, of which the calls in `frozen` never answer. */
function freezable<T extends object>(target: T, frozen: ReadonlySet<Break>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown =>
        isFrozen(String(name), args[0], frozen) ? silence : Reflect.apply(value, target, args);
    },
  });
}

/** The daemon's parts with calls that freeze as soon as they are in the set. */
function freezing(frozen: ReadonlySet<Break>): Pick<SimulationOptions, 'wrap'> {
  return {
    wrap: ({ transport, coordination, store, clock }) => ({
      ...(clock === undefined ? {} : { clock: freezable(clock, frozen) }),
      transport: freezable(transport, frozen),
      coordination: { ...coordination, leases: freezable(coordination.leases, frozen) },
      store: {
        reader: freezable(store.reader, frozen),
        prepareToWrite: () => store.prepareToWrite(),
        writer: (fence) => freezable(store.writer(fence), frozen),
        close: () => store.close(),
      },
    }),
  };
}

describe('one frozen loop starves it', { timeout: 300_000 }, () => {
  const isKind = (kind: string) => (arg: unknown) =>
    typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === kind;
  /** The loop, and what of the outside it alone hangs on. */
  const breaks: Readonly<Record<string, Break>> = {
    lease: { method: 'renew' },
    broker: { method: 'after', from: 'token-broker.ts' },
    channel: { method: 'recordRequest' },
    upserter: { method: 'feeds', from: 'upserter.ts' },
    backfiller: { method: 'lastSweep' },
    analyst: { method: 'historyDue', isMeant: isKind('fresh') },
    'analyst-backlog': { method: 'historyDue', isMeant: isKind('backlog') },
    refresher: { method: 'recheckDue' },
    janitor: { method: 'addHealthyTime' },
  };
  for (const [loop, broken] of Object.entries(breaks)) {
    test(`the ${loop}, by ${broken.method}`, async () => {
      const frozen = new Set<Break>();
      // The upserter asks for the feeds while their first sweep is not complete.
      const large = loop === 'upserter' ? { rows: 9_000, initialTokens: 0, ratePerMinute: 5 } : {};
      await run({ ...freezing(frozen), ...large }, async ({ clock }, manager) => {
        await clock.advanceBy(10 * minuteMs);
        assert.ok(manager.longestHungerMs() <= minuteMs, 'it was well before');
        frozen.add(broken);
        await clock.advanceBy(loop === 'upserter' ? hourMs : starvedMs);
        assert.ok(manager.longestHungerMs() > 180_000, `frozen: ${manager.frozen()}`);
        assert.deepEqual(manager.frozen(), [loop]);
      });
    });
  }

  test('the table above has every loop there is', async () => {
    const names = new Set<string>();
    await run({}, async ({ clock, daemon }) => {
      for (let seconds = 0; seconds < 300; seconds += 1) {
        for (const { name } of daemon.progress()) names.add(name);
        await clock.advanceBy(1_000);
      }
    });
    assert.deepEqual([...names].sort(), Object.keys(breaks).sort());
  });

  for (const method of ['storeId', 'adoptFence']) {
    test(`the start, by ${method}: the manager gives it no more time`, async () => {
      const simulation = new Simulation({ ...plan, ...freezing(new Set([{ method }])) });
      const started = simulation.start();
      started.catch(() => undefined);
      await simulation.clock.advanceBy(1_000);
      const manager = new Manager(simulation, simulation.daemon);
      await simulation.clock.advanceBy(hourMs);
      const extended = manager.sent.filter(({ message }) => 'EXTEND_TIMEOUT_USEC' in message);
      const last = extended.at(-1)?.atMs ?? 0;
      const lived = last - (manager.sent[0]?.atMs ?? 0);
      assert.ok(lived > 0 && lived <= 300_000, `extended for ${lived} ms`);
      assert.deepEqual(manager.frozen(), ['start']);
      manager.reports.stopping('the end of the test');
      simulation.dispose();
    });
  }

  test('an answer that cannot be written is tried for ever, and starves nobody', async () => {
    const refusing = { isOn: false };
    const diskFull = Object.assign(new Error('disk full'), { code: 'SQLITE_FULL' });
    const wrap: SimulationOptions['wrap'] = (outside) => ({
      ...outside,
      store: {
        reader: outside.store.reader,
        prepareToWrite: () => outside.store.prepareToWrite(),
        close: () => outside.store.close(),
        writer: (fence) => {
          const writer = outside.store.writer(fence);
          const recordRequest = (entry: Parameters<typeof writer.recordRequest>[0]) =>
            refusing.isOn ? Promise.reject(diskFull) : writer.recordRequest(entry);
          return new Proxy(freezable(writer, new Set()), {
            get: (target, name) =>
              name === 'recordRequest' ? recordRequest : Reflect.get(target, name),
          });
        },
      },
    });
    await run({ wrap }, async ({ clock }, manager) => {
      refusing.isOn = true;
      await clock.advanceBy(hourMs);
      assert.ok(manager.longestHungerMs() <= minuteMs, `frozen: ${manager.frozen()}`);
    });
  });
});

describe('nothing else does', { timeout: 300_000 }, () => {
  const hours = 1;
  const well: Readonly<Record<string, Partial<SimulationOptions>>> = {
    'ordinary work': {},
    'a wait for tokens that lasts for hours': { ratePerMinute: 1, initialTokens: -200 },
  };
  for (const [name, options] of Object.entries(well)) {
    test(name, async () => {
      await run(options, async ({ clock }, manager) => {
        await clock.advanceBy(hours * hourMs);
        assert.ok(manager.longestHungerMs() <= minuteMs, `frozen: ${manager.frozen()}`);
        assert.deepEqual(manager.frozen(), []);
      });
    });
  }

  for (const kind of ['error-json', 'refused', 'silence', 'reset-after'] as const) {
    test(`a Keepa that answers with ${kind}`, async () => {
      await run({}, async ({ clock, keepa }, manager) => {
        await clock.advanceBy(5 * minuteMs);
        keepa.setFaults(() => ({ kind }));
        await clock.advanceBy(hours * hourMs);
        assert.ok(manager.longestHungerMs() <= minuteMs, `frozen: ${manager.frozen()}`);
        assert.deepEqual(manager.frozen(), []);
      });
    });
  }

  test('a Keepa that fails from the start: never ready, and the start is extended', async () => {
    const simulation = new Simulation(plan);
    simulation.keepa.setFaults(() => ({ kind: 'error-json' }));
    await simulation.start();
    const manager = new Manager(simulation, simulation.daemon);
    await simulation.clock.advanceBy(hourMs);
    assert.equal(manager.has('READY'), false);
    assert.equal(manager.has('WATCHDOG'), false);
    const extensions = manager.sent.filter(({ message }) => 'EXTEND_TIMEOUT_USEC' in message);
    assert.ok(extensions.length >= hourMs / roundMsMax - 1);
    assert.deepEqual(manager.frozen(), []);
    simulation.keepa.setFaults(undefined);
    await simulation.clock.advanceBy(10 * minuteMs);
    assert.equal(manager.has('READY'), true);
    manager.reports.stopping('the end of the test');
    simulation.dispose();
  });

  test('a standby, which is ready at once and says what it waits for', async () => {
    const simulation = new Simulation({ ...plan, config: { standby: true } });
    await simulation.start();
    const standby = await simulation.startBeside();
    const manager = new Manager(simulation, standby);
    await simulation.clock.advanceBy(hours * hourMs);
    assert.equal(manager.sent.findIndex(({ message }) => 'READY' in message) >= 0, true);
    assert.ok(manager.longestHungerMs() <= minuteMs, `frozen: ${manager.frozen()}`);
    const statuses = manager.sent.flatMap(({ message }) => message.STATUS ?? []);
    assert.match(String(statuses.at(-1)), /^standby: waiting for process \d+ /);
    manager.reports.stopping('the end of the test');
    simulation.dispose();
  });
});
