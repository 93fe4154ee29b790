/**
 * What a canary is: a small deliberate bug that the simulator must catch.
 *
 * A checker that never fails proves nothing. Each canary replaces one piece of one source text
 * before that module is compiled, so the bug lives in the daemon as it is run and nowhere else. Its
 * scenario is clean without the bug, and must report it within the stated number of seeds.
 */

export type ScenarioName =
  | 'peace'
  | 'scarce'
  | 'shares'
  | 'saturated'
  | 'saving'
  | 'narrow'
  | 'poor'
  | 'full'
  | 'busy'
  | 'crashes'
  | 'silent-deaths'
  | 'lock-file'
  | 'pauses'
  | 'taken-over'
  | 'restarts'
  | 'outage'
  | 'vanished'
  | 'picky'
  | 'few-rows'
  | 'healed'
  | 'refusals'
  | 'partial'
  | 'resets'
  | 'stranger'
  | 'drained'
  | 'dearer-plan'
  | 'two-plans'
  | 'asked'
  | 'quiet'
  | 'stripped'
  | 'bare'
  | 'paused-twice';

export interface Canary {
  /** The promise that it breaks. */
  readonly promise: string;
  /** Below `src/`. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The failure code that has to come. */
  readonly code: string;
  /** What the failure has to say, where a check has more than one sentence. */
  readonly says?: RegExp;
  readonly scenario: ScenarioName;
  /** It is caught within so many seeds, counted from 1. */
  readonly seeds: number;
}

/** By name. */
export type Canaries = Readonly<Record<string, Canary>>;
