/**
 * A clock that moves only when told to, so that thirty days pass in seconds and always alike.
 *
 * It runs the earliest deadline, then gives the event loop one real turn, in which everything that
 * the deadline set going (promises, and what they start) gets as far as its next wait. Jumping to
 * the end and running there what came due on the way would be shorter and wrong: whatever waits
 * again after each call would see the end of the jump as its start and lose its period.
 *
 * Invariants:
 * - callbacks run in order of deadline, ties in the order they were asked for, each exactly once;
 * - during a callback the clock shows that callback's own deadline;
 * - timers hang on the monotonic clock: stepping the wall clock moves no deadline.
 */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, sleepOn, type Timer } from '../runtime/clock.ts';

/** More calls than this at one instant is work that re-arms itself without ever waiting. */
const callsPerInstantMax = 100_000;

interface Deadline {
  readonly dueMs: number;
  readonly order: number;
  /** Absent once fired or cancelled; what is left in the heap is then only passed over. */
  fn: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  #monotonicMs = 0;
  #wallMinusMonotonicMs: number;
  #order = 0;
  #pending = 0;
  #callsThisInstant = 0;
  #isAdvancing = false;
  readonly #heap: Deadline[] = [];

  /** The wall clock starts at `startMs` (Unix milliseconds), the monotonic one at 0. */
  constructor(startMs: number) {
    this.#wallMinusMonotonicMs = startMs;
  }

  /** How many timers have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.#monotonicMs + this.#wallMinusMonotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(ms: number, fn: () => void): Timer {
    assert(!Number.isNaN(ms), 'a wait must be a number');
    const deadline: Deadline = {
      dueMs: this.#monotonicMs + Math.max(0, ms),
      order: this.#order,
      fn,
    };
    this.#order += 1;
    this.#pending += 1;
    push(this.#heap, deadline);
    return {
      cancel: () => {
        if (deadline.fn !== undefined) this.#pending -= 1;
        deadline.fn = undefined;
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Makes the wall clock jump, in either direction; no timer and no span notices. */
  stepWall(deltaMs: number): void {
    this.#wallMinusMonotonicMs += deltaMs;
  }

  /**
   * Moves on until the wall clock, unless it is stepped on the way, shows `ms`; resolves with every
   * deadline up to and including that instant run.
   *
   * @throws what a callback throws, with the clock standing at its deadline; a further advance
   *   goes on from there. RangeError when `ms` lies in the past.
   */
  advanceTo(ms: number): Promise<void> {
    return this.advanceBy(ms - this.now());
  }

  /** As `advanceTo`, by a span. */
  async advanceBy(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`a clock cannot advance by ${ms} ms`);
    assert(!this.#isAdvancing, 'two callers advance one clock: its order would depend on both');
    this.#isAdvancing = true;
    try {
      await this.#runUntil(this.#monotonicMs + ms);
    } finally {
      this.#isAdvancing = false;
    }
  }

  async #runUntil(endMs: number): Promise<void> {
    await nextTurn();
    for (let due = this.#takeDue(endMs); due; due = this.#takeDue(endMs)) {
      this.#moveTo(due.dueMs);
      this.#callsThisInstant += 1;
      if (this.#callsThisInstant > callsPerInstantMax) {
        throw new Error(`time stands still: ${callsPerInstantMax} calls due at ${this.now()}`);
      }
      due.fn();
      await nextTurn();
    }
    this.#moveTo(endMs);
  }

  #moveTo(ms: number): void {
    if (ms === this.#monotonicMs) return;
    this.#monotonicMs = ms;
    this.#callsThisInstant = 0;
  }

  #takeDue(endMs: number): { readonly dueMs: number; readonly fn: () => void } | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > endMs) return undefined;
      removeFirst(this.#heap);
      const { dueMs, fn } = first;
      if (fn === undefined) continue;
      first.fn = undefined;
      this.#pending -= 1;
      return { dueMs, fn };
    }
  }
}

/** A binary heap: no entry comes before its parent, the one at (i - 1) >> 1. */
function push(heap: Deadline[], added: Deadline): void {
  heap.push(added);
  let at = heap.length - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || isBefore(parent, added)) break;
    heap[at] = parent;
    heap[parentAt] = added;
    at = parentAt;
  }
}

function removeFirst(heap: Deadline[]): void {
  const sinking = heap.pop();
  if (sinking === undefined || heap.length === 0) return;
  heap[0] = sinking;
  let at = 0;
  for (;;) {
    const childAt = earlierChild(heap, at);
    const child = heap[childAt];
    if (child === undefined || isBefore(sinking, child)) return;
    heap[at] = child;
    heap[childAt] = sinking;
    at = childAt;
  }
}

function earlierChild(heap: readonly Deadline[], at: number): number {
  const leftAt = 2 * at + 1;
  const left = heap[leftAt];
  const right = heap[leftAt + 1];
  return left && right && isBefore(right, left) ? leftAt + 1 : leftAt;
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}
