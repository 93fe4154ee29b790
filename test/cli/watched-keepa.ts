/**
 * A simulated Keepa over HTTP that remembers every request it was paid for: the one witness who
 * sees what a killed process had bought and could not write down.
 */
import type { WireRequest } from '../../src/keepa/transport.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type HttpKeepa, startHttpKeepa } from '../../src/simulator/http-door.ts';
import { createSimulatedKeepa, type SimulatedKeepa } from '../../src/simulator/simulated-keepa.ts';

export const watchedKey = 'k3y0123456789k3y0123456789k3y0123456789';

/** Sweeps and judges, and accepts nothing: what is bought is pages and histories alone. */
export const watchedToml = `
data_dir = "data"
[[feeds]]
name = "used"
domain = "com"
selection = { priceTypes = [2], dateRange = 3 }
[acceptance]
min_profit_cents = 100000000
`;

/** A paid request; `sweepPage` where it is a page of a sweep, `asins` where it is of products. */
export interface Bought {
  /** Whom `doorFor` was called for; '' at the door that is for everybody. */
  readonly by: string;
  readonly atMs: number;
  readonly sweepPage: number | undefined;
  readonly asins: readonly string[];
}

export class WatchedKeepa {
  readonly bought: Bought[] = [];
  /** Called with a paid request as it arrives, before anything of it is answered. */
  onBought: (bought: Bought) => void = () => undefined;
  readonly #core: SimulatedKeepa;
  readonly #doors: HttpKeepa[] = [];
  /** Who is asking now. */
  #by = '';

  private constructor(core: SimulatedKeepa) {
    this.#core = core;
  }

  static async start(plan: { rows: number; ratePerMinute: number }): Promise<WatchedKeepa> {
    const clock = systemClock();
    const core = createSimulatedKeepa({ seed: 1, startMs: clock.now(), key: watchedKey, ...plan });
    const watched = new WatchedKeepa(core);
    await watched.doorFor('');
    core.setFaults((request) => {
      if (request.path !== '/token') {
        const bought = { ...boughtBy(request, clock.now()), by: watched.#by };
        watched.bought.push(bought);
        watched.onBought(bought);
      }
      return undefined;
    });
    return watched;
  }

  /** What a daemon needs to know to ask it. */
  get env(): Record<string, string> {
    return { KEEPA_DEALS_KEEPA_URL: this.#doors[0]?.url ?? '', KEEPA_API_KEY: watchedKey };
  }

  /** The same Keepa at an address of its own, and what its one user needs to know to ask there. */
  async doorFor(by: string): Promise<Record<string, string>> {
    const core: Pick<SimulatedKeepa, 'begin'> = {
      begin: (asked, nowMs) => {
        this.#by = by;
        return this.#core.begin(asked, nowMs);
      },
    };
    const clock = systemClock();
    const door = await startHttpKeepa({ core, clock, host: '127.0.0.1', port: 0 });
    this.#doors.push(door);
    return { ...this.env, KEEPA_DEALS_KEEPA_URL: door.url };
  }

  /** Resolves with the first request after the first `count`. */
  next(count: number): Promise<Bought> {
    return this.#until(() => this.bought[count]);
  }

  /** The first request of that one after the first `count` of all. */
  nextOf(who: string, count: number): Promise<Bought> {
    return this.#until(() => this.bought.slice(count).find(({ by }) => by === who));
  }

  async #until(find: () => Bought | undefined): Promise<Bought> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
      await systemClock().sleep(2);
    }
  }

  async close(): Promise<void> {
    for (const door of this.#doors) await door.close();
  }
}

function boughtBy({ path, query, body }: WireRequest, atMs: number): Omit<Bought, 'by'> {
  const selection = path === '/deal' ? JSON.parse(query.selection ?? body ?? '{}') : {};
  // Sorted newest first it is a poll of the head, which belongs to no sweep.
  const sweepPage =
    path === '/deal' && selection.sortType !== 1 ? Number(selection.page) : undefined;
  const asins = path === '/product' ? (query.asin ?? '').split(',') : [];
  return { atMs, sweepPage, asins };
}
