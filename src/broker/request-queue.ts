/**
 * Every request from its arrival to its end, and who is first in its class.
 *
 *            ┌─────────────── refused (429) ──┐
 *            ▼                                │
 *   add ─▶ queued ──▶ admitted ──▶ in-flight ─┼─▶ settled    stored, let go, or refused for good
 *            ▲ │                       │      └─▶ dead       out of attempts, or not to be stored
 *            │ ├─▶ too-large           ▼
 *            │ └─▶ cancelled ◀──── retrying
 *            └───── backoff is over ───┘
 *
 * Order lives here and nowhere else, so that the broker can look at the head's price before it
 * decides: within a class the older goes first. A request that was refused keeps its place. One in
 * backoff is no head and blocks nobody; when its wait is over it stands where its age puts it.
 *
 * Invariants:
 * - a move that the table below does not list is an assertion, hence a crash and a restart;
 * - nothing leaves the queue but by one of the four ends.
 */
import assert from 'node:assert/strict';
import type { KeepaCall } from '../keepa/call.ts';
import { perClass } from './credits.ts';
import type { SpendClass } from './request.ts';

type EndState = 'settled' | 'dead' | 'cancelled' | 'too-large';
type RequestState = 'queued' | 'admitted' | 'in-flight' | 'retrying' | EndState;

const moves: Readonly<Record<RequestState, readonly RequestState[]>> = {
  queued: ['admitted', 'cancelled', 'too-large'],
  admitted: ['in-flight'],
  'in-flight': ['queued', 'retrying', 'settled', 'dead'],
  retrying: ['queued', 'cancelled'],
  settled: [],
  dead: [],
  cancelled: [],
  'too-large': [],
};
const ends: ReadonlySet<RequestState> = new Set(['settled', 'dead', 'cancelled', 'too-large']);

/** One request; replaced by a new record at every move. `P` is whatever its owner hangs on it. */
export interface QueuedRequest<P> {
  /** Counts up with every arrival, so it is also the order of age. */
  readonly id: number;
  readonly spendClass: SpendClass;
  readonly call: KeepaCall;
  readonly payload: P;
  readonly queuedAtMs: number;
  readonly state: RequestState;
  /** Failures so far; a 429 is none. */
  readonly attempts: number;
  /** How many answers had come before its first attempt; of no meaning before that. */
  readonly answersBefore: number;
  /** When a retrying request may be sent again. */
  readonly readyAtMs: number;
}

/** The head of a class, and from when it goes before all others. */
interface HeadMark {
  readonly id: number;
  readonly overdueAtMs: number;
}

export class RequestQueue<P> {
  #lastId = 0;
  readonly #requests = new Map<number, QueuedRequest<P>>();
  readonly #marks: Record<SpendClass, HeadMark | undefined> = perClass(() => undefined);

  add(request: {
    spendClass: SpendClass;
    call: KeepaCall;
    payload: P;
    nowMs: number;
  }): QueuedRequest<P> {
    const { nowMs, ...rest } = request;
    this.#lastId += 1;
    const added: QueuedRequest<P> = {
      ...rest,
      id: this.#lastId,
      queuedAtMs: nowMs,
      state: 'queued',
      attempts: 0,
      answersBefore: 0,
      readyAtMs: nowMs,
    };
    this.#requests.set(added.id, added);
    return added;
  }

  /** Its present record; undefined once it has ended. */
  find(id: number): QueuedRequest<P> | undefined {
    return this.#requests.get(id);
  }

  /** @throws AssertionError for a move that the diagram does not have, or a request that ended. */
  move(id: number, to: Exclude<RequestState, 'retrying'>): void {
    this.#replace(id, to, {});
  }

  /**
   * From admitted into flight. Returns how many answers had come before its first attempt: now, if
   * this is the first, as one that was refused is none.
   */
  send(id: number, answers: number): number {
    const before = this.#requests.get(id);
    const isTriedAgain = before !== undefined && before.attempts > 0;
    const answersBefore = isTriedAgain ? before.answersBefore : answers;
    this.#replace(id, 'in-flight', { answersBefore });
    return answersBefore;
  }

  /** From in-flight into backoff; counts as an attempt. */
  retry(id: number, readyAtMs: number): void {
    const attempts = (this.#requests.get(id)?.attempts ?? 0) + 1;
    this.#replace(id, 'retrying', { attempts, readyAtMs });
  }

  /** Puts every request whose backoff is over back into its place. */
  wake(nowMs: number): void {
    for (const { id, state, readyAtMs } of this.#requests.values()) {
      if (state === 'retrying' && readyAtMs <= nowMs) this.move(id, 'queued');
    }
  }

  /** The oldest queued request of the class. */
  head(spendClass: SpendClass): QueuedRequest<P> | undefined {
    return this.#first((request) => request.spendClass === spendClass && isQueued(request));
  }

  /**
   * What the class saves for: its head, else what it has under way, else what it will try again.
   * A class with one request under way is not idle, or a lump in that moment would cost it its
   * savings.
   */
  workOf(spendClass: SpendClass): QueuedRequest<P> | undefined {
    return this.head(spendClass) ?? this.#first((request) => request.spendClass === spendClass);
  }

  /** All that wait for their turn or for the end of a backoff, oldest first. */
  waiting(): readonly QueuedRequest<P>[] {
    return [...this.#requests.values()]
      .filter(({ state }) => state === 'queued' || state === 'retrying')
      .sort((a, b) => a.id - b.id);
  }

  /** When the next backoff ends. */
  nextReadyAtMs(): number | undefined {
    const times = [...this.#requests.values()]
      .filter(({ state }) => state === 'retrying')
      .map(({ readyAtMs }) => readyAtMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Remembers from when the class's present head goes first: the earliest that was promised to it
   * since it became the head. A later one takes nothing back; an earlier one counts, or a head that
   * came while strangers took the whole refill, when nothing could be promised, would never be
   * overdue.
   */
  markHead(spendClass: SpendClass, overdueAtMs: number): void {
    const head = this.head(spendClass);
    if (head === undefined) return;
    const promisedMs = Math.min(this.overdueAtMs(head), overdueAtMs);
    this.#marks[spendClass] = { id: head.id, overdueAtMs: promisedMs };
  }

  /** From when the head goes before all others; never, unless it was marked. */
  overdueAtMs(head: QueuedRequest<P>): number {
    const mark = this.#marks[head.spendClass];
    return mark?.id === head.id ? mark.overdueAtMs : Number.POSITIVE_INFINITY;
  }

  #first(matches: (request: QueuedRequest<P>) => boolean): QueuedRequest<P> | undefined {
    let oldest: QueuedRequest<P> | undefined;
    for (const request of this.#requests.values()) {
      if (matches(request) && (oldest === undefined || request.id < oldest.id)) oldest = request;
    }
    return oldest;
  }

  #replace(id: number, to: RequestState, change: Partial<QueuedRequest<P>>): void {
    const before = this.#requests.get(id);
    assert(before !== undefined, `request ${id} has ended and cannot become ${to}`);
    assert(
      moves[before.state].includes(to),
      `request ${id} cannot go from ${before.state} to ${to}`,
    );
    if (ends.has(to)) this.#requests.delete(id);
    else this.#requests.set(id, { ...before, ...change, state: to });
  }
}

function isQueued({ state }: QueuedRequest<unknown>): boolean {
  return state === 'queued';
}
