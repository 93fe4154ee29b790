/**
 * What the scenarios about endings share: a small market, feeds in which every re-check fails, and
 * faults that shorten sweeps.
 */
import type { Feed } from '../../src/actors/feed.ts';
import type { WireRequest } from '../../src/keepa/transport.ts';
import type { FaultHook } from '../../src/simulator/faults.ts';
import { bargains } from './outage.ts';
import { Simulation, type SimulationOptions } from './simulated-daemon.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
const plan: SimulationOptions = { seed: 5, ratePerMinute: 5, rows: 140, feeds: [bargains()] };
/** Three sweeps an hour, so that a day of them is simulated in seconds. */
export const calm = { sweepIntervalMs: 20 * minuteMs };

/** A daemon for one scenario; its files are gone afterwards. */
export async function simulate(
  { config, ...options }: Partial<SimulationOptions>,
  scenario: (simulation: Simulation) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation({ ...plan, ...options, config: { ...calm, ...config } });
  try {
    await scenario(simulation);
  } finally {
    await simulation.abandon();
    simulation.dispose();
  }
}

/** A feed whose screen no product passes: whatever goes missing in it fails its re-check. */
export function worthless(selection: object = {}): Feed {
  return { ...bargains('used', selection), screen: { maxPriceCents: 1 } };
}

export function said({ log }: Simulation, event: string) {
  return log.said.filter((line) => line.event === event);
}

/** Pages of sweeps, as opposed to head polls, which ask for the newest first. */
export function sweepPageOf({ path, body }: WireRequest): number | undefined {
  if (path !== '/deal' || body === undefined) return undefined;
  const { sortType, page } = JSON.parse(body) as { sortType: number; page: number };
  return sortType === 1 ? undefined : page;
}

/**
 * Every sweep lists only so many rows, and says that this is all; head polls list none, or they
 * would see what the sweeps lack.
 */
export function onlyRows(rows: number): FaultHook {
  return (request) => {
    if (request.path !== '/deal') return undefined;
    return { kind: 'short-page', rows: sweepPageOf(request) === undefined ? 0 : rows };
  };
}

export async function completeSweeps({ store }: Simulation): Promise<number> {
  return (await store.reader.completeSweeps({ feed: 'used', sinceMs: 0 })).length;
}
