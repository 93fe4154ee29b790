/**
 * What happened since the process began, counted as it happens: requests and sweeps.
 *
 * The ledger has every request, but only by a walk over all of it, and a scrape comes every few
 * seconds. These counts begin at zero with the process, which is what a Prometheus counter may do.
 */
import { type LedgerEntry, spendClasses } from '../broker/request.ts';
import type { SweepOutcome } from '../store/ports.ts';

type Outcome = LedgerEntry['outcome'];

/** The reads of the balance count as a class of their own, which costs nothing. */
const requestClasses = [...spendClasses, 'status'] as const;
type RequestClass = (typeof requestClasses)[number];

export const requestOutcomes: readonly Outcome[] = [
  'answered',
  'refused',
  'maybe-billed',
  'permanent',
  'unavailable',
  'malformed',
];
export const sweepOutcomes: readonly SweepOutcome[] = [
  'complete',
  'truncated',
  'slow',
  'superseded',
];

export interface ClassTally {
  readonly spentTokens: number;
  readonly heldTokens: number;
  readonly waitMs: number;
  readonly tookMs: number;
  readonly requests: Readonly<Record<Outcome, number>>;
}

export interface TallyFigures {
  readonly classes: Readonly<Record<RequestClass, ClassTally>>;
  /** Requests that were not the first try, by what became of them. */
  readonly retries: Readonly<Record<Outcome, number>>;
  /** By feed. */
  readonly sweeps: ReadonlyMap<string, Readonly<Record<SweepOutcome, number>>>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class Tally {
  readonly #classes = recordOf(requestClasses, () => ({
    ...{ spentTokens: 0, heldTokens: 0, waitMs: 0, tookMs: 0 },
    requests: recordOf(requestOutcomes, () => 0),
  }));
  readonly #retries: Record<Outcome, number> = recordOf(requestOutcomes, () => 0);
  readonly #sweeps = new Map<string, Record<SweepOutcome, number>>();

  /** A request has ended and is in the ledger. */
  noteRequest(entry: LedgerEntry): void {
    const { spendClass, outcome, costTokens, holdTokens, waitedMs, tookMs, attempt } = entry;
    const tally: Mutable<ClassTally> & { requests: Record<Outcome, number> } =
      this.#classes[spendClass];
    tally.spentTokens += costTokens;
    tally.heldTokens += holdTokens;
    tally.waitMs += waitedMs;
    tally.tookMs += tookMs;
    tally.requests[outcome] += 1;
    if (attempt > 1) this.#retries[outcome] += 1;
  }

  noteSweep(feed: string, outcome: SweepOutcome): void {
    const sweeps = this.#sweeps.get(feed) ?? recordOf(sweepOutcomes, () => 0);
    sweeps[outcome] += 1;
    this.#sweeps.set(feed, sweeps);
  }

  figures(): TallyFigures {
    return { classes: this.#classes, retries: this.#retries, sweeps: this.#sweeps };
  }
}

function recordOf<K extends string, V>(names: readonly K[], make: () => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, make()])) as Record<K, V>;
}
