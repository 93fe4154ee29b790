/**
 * A simulated Keepa over HTTP that remembers every request it was paid for: the one witness who
 * sees what a killed process had bought and could not write down.
 */
import type { WireRequest } from '../../src/keepa/transport.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type HttpKeepa, startHttpKeepa } from '../../src/simulator/http-door.ts';
import { createSimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';

export const watchedKey = 'k3y0123456789k3y0123456789k3y0123456789';

/** A paid request; `sweepPage` where it is a page of a sweep, `asins` where it is of products. */
export interface Bought {
  readonly atMs: number;
  readonly sweepPage: number | undefined;
  readonly asins: readonly string[];
}

export class WatchedKeepa {
  readonly bought: Bought[] = [];
  /** Called with a paid request as it arrives, before anything of it is answered. */
  onBought: (bought: Bought) => void = () => undefined;
  readonly #door: HttpKeepa;

  private constructor(door: HttpKeepa) {
    this.#door = door;
  }

  static async start(plan: { rows: number; ratePerMinute: number }): Promise<WatchedKeepa> {
    const clock = systemClock();
    const core = createSimulatedKeepa({ seed: 1, startMs: clock.now(), key: watchedKey, ...plan });
    const door = await startHttpKeepa({ core, clock, host: '127.0.0.1', port: 0 });
    const watched = new WatchedKeepa(door);
    core.setFaults((request) => {
      if (request.path !== '/token') {
        const bought = boughtBy(request, clock.now());
        watched.bought.push(bought);
        watched.onBought(bought);
      }
      return undefined;
    });
    return watched;
  }

  /** What a daemon needs to know to ask it. */
  get env(): Record<string, string> {
    return { KEEPA_DEALS_KEEPA_URL: this.#door.url, KEEPA_API_KEY: watchedKey };
  }

  /** Resolves with the first request after the first `count`. */
  async next(count: number): Promise<Bought> {
    for (;;) {
      const found = this.bought[count];
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
      await systemClock().sleep(2);
    }
  }

  close(): Promise<void> {
    return this.#door.close();
  }
}

function boughtBy({ path, query, body }: WireRequest, atMs: number): Bought {
  const selection = path === '/deal' ? JSON.parse(query.selection ?? body ?? '{}') : {};
  // Sorted newest first it is a poll of the head, which belongs to no sweep.
  const sweepPage =
    path === '/deal' && selection.sortType !== 1 ? Number(selection.page) : undefined;
  const asins = path === '/product' ? (query.asin ?? '').split(',') : [];
  return { atMs, sweepPage, asins };
}
