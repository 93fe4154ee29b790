/**
 * A timetable of faults: episodes in which requests go wrong, each with its own chance.
 *
 * Trouble comes in spells: for an hour every third answer is a 500, then all is well. A timetable
 * is data, so it can be drawn from a seed, printed, and shortened by hand to see what matters.
 *
 * Invariants:
 * - the same timetable and seed give the same faults for the same requests at the same instants;
 * - outside its episodes nothing goes wrong;
 * - no two envelopes in a row tell the same wrong rate: two that agree are a change of plan, which
 *   is another thing and is done with `setRate`.
 */
import { chanceOf } from './draw.ts';
import { type Endpoint, endpointOf } from './endpoints.ts';
import type { Fault, FaultHook } from './faults.ts';

/** From inclusive, until exclusive, Unix ms on Keepa's clock. */
export interface FaultEpisode {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of each request, 0 to 1. */
  readonly chance: number;
  /** Which requests it may hit; absent: all. */
  readonly endpoints?: readonly Endpoint[];
  readonly fault: Fault;
}

/** The hook that carries the timetable out; of several episodes the first that hits wins. */
export function faultTimetable(episodes: readonly FaultEpisode[], seed: number): FaultHook {
  let asked = 0;
  let wasBlip = false;
  return (request, nowMs) => {
    asked += 1;
    const hit = episodes.find(
      (episode, index) =>
        isOn(episode, endpointOf(request.path), nowMs) &&
        !(wasBlip && episode.fault.kind === 'rate-blip') &&
        chanceOf(seed, asked, index) < episode.chance,
    );
    wasBlip = hit?.fault.kind === 'rate-blip';
    return hit?.fault;
  };
}

function isOn(
  { fromMs, untilMs, endpoints }: FaultEpisode,
  endpoint: Endpoint | undefined,
  nowMs: number,
): boolean {
  if (nowMs < fromMs || nowMs >= untilMs) return false;
  return endpoints === undefined || (endpoint !== undefined && endpoints.includes(endpoint));
}
