/**
 * The end of a daemon whose Keepa does not answer, in virtual time: nobody waits 20 s for a test.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openData } from '../../src/cli/open-data-dir.ts';
import { runDaemon, stopGraceMs } from '../../src/cli/run-daemon.ts';
import { defaultShares } from '../../src/config.ts';
import { defaultJudging } from '../../src/config-judging.ts';
import { composeDaemon } from '../../src/daemon.ts';
import { parseDealQuery } from '../../src/keepa/deal-query.ts';
import {
  type Transport,
  TransportError,
  type WireRequest,
  type WireResponse,
} from '../../src/keepa/transport.ts';
import type { Log } from '../../src/runtime/log.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createInProcessTransport } from '../../src/simulator/in-process.ts';
import { createSimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';
import { VirtualClock } from '../../src/simulator/virtual-clock.ts';

/** Turns of the event loop, some seconds of them: far more than a file or a signal takes. */
const turnsMax = 500_000;

/** Tells the balance, takes every other request, and answers none of them until it is closed. */
class MuteTransport implements Transport {
  asked = 0;
  readonly #tokens: Transport;
  readonly #waiting: ((error: Error) => void)[] = [];

  constructor(tokens: Transport) {
    this.#tokens = tokens;
  }

  send(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
    if (request.path === '/token') return this.#tokens.send(request, signal);
    this.asked += 1;
    return new Promise((_, reject) => this.#waiting.push(reject));
  }

  async close(): Promise<void> {
    for (const reject of this.#waiting.splice(0)) {
      reject(new TransportError('the client was closed', { sent: true }));
    }
  }
}

test('an answer that does not come is given up, and SIGTERM ends with 0 within the grace', {
  timeout: 300_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keepa-deals-stop-'));
  const events: string[] = [];
  const note = (event: string): void => void events.push(event);
  const log: Log = { debug: note, info: note, warn: note, error: note, scoped: () => log };
  const clock = new VirtualClock(Date.UTC(2026, 4, 12));
  const random = seededRandom(1);
  const data = await openData(dataDir, { clock, random, log });
  const startMs = clock.now();
  const core = createSimulatedKeepa({ seed: 1, rows: 10, ratePerMinute: 60, startMs });
  const transport = new MuteTransport(createInProcessTransport({ core, clock, key: 'k' }));
  const daemon = composeDaemon({
    config: {
      dataDir,
      keepaUrl: 'mute',
      deficitFloor: 0,
      shares: defaultShares,
      sweepIntervalMs: 300_000,
      standby: false,
      log: { level: 'info', format: 'auto' },
      feeds: [],
      ...defaultJudging,
    },
    feeds: [{ name: 'a', query: parseDealQuery({ domainId: 1, priceTypes: [2] }), screen: {} }],
    world: { clock, random, transport, coordination: data.coordination, log },
    store: data.store,
    owner: data.owner,
    keyHash: 'k',
    version: '0',
  });
  /** Lets real sockets, files and signals come in, with the virtual time standing still. */
  const pump = async (isDone: () => boolean, stepMs = 0): Promise<void> => {
    for (let turn = 0; !isDone(); turn += 1) {
      assert.ok(turn < turnsMax, 'it hangs');
      await clock.advanceBy(stepMs);
    }
  };
  const ending = runDaemon({ daemon, dataDir, clock, log });
  let isEnded = false;
  void ending.then(() => {
    isEnded = true;
  });
  try {
    await pump(() => transport.asked > 0, 10);
    const stoppedAtMs = clock.now();
    process.kill(process.pid, 'SIGTERM');
    await pump(() => events.includes('stopping'));

    await pump(() => isEnded || clock.now() >= stoppedAtMs + stopGraceMs - 1_000, 100);
    assert.ok(isEnded, 'not done within the grace');
    assert.ok(clock.now() - stoppedAtMs > 10_000, 'it did not wait for the answer');
    assert.deepEqual(await ending, { code: 0, reason: 'SIGTERM' });
    assert.ok(!events.includes('stop-forced'));
    const [latest] = await data.store.reader.recentRequests(1);
    assert.equal(latest?.outcome, 'maybe-billed');
  } finally {
    await transport.close();
    await pump(() => isEnded);
    await data.close();
    rmSync(dataDir, { recursive: true });
  }
});
