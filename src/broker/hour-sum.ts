/**
 * Adds up what happened within the last hour: spending, drains, reads of the balance.
 */

const hourMs = 3_600_000;

export class HourSum {
  #entries: { readonly atMs: number; readonly amount: number }[] = [];

  add(atMs: number, amount: number): void {
    if (amount === 0) return;
    this.#entries = [...this.#recent(atMs), { atMs, amount }];
  }

  /** Over the hour that ends at `nowMs`; what is older is forgotten. */
  total(nowMs: number): number {
    return this.#recent(nowMs).reduce((sum, { amount }) => sum + amount, 0);
  }

  /** The most that was added at once within that hour; 0 without an entry above 0. */
  largest(nowMs: number): number {
    return Math.max(0, ...this.#recent(nowMs).map(({ amount }) => amount));
  }

  /** When the `count`th newest entry will be an hour old; undefined with fewer entries. */
  freeAtMs(nowMs: number, count: number): number | undefined {
    const entry = this.#recent(nowMs).at(-count);
    return entry && entry.atMs + hourMs;
  }

  #recent(nowMs: number): readonly { readonly atMs: number; readonly amount: number }[] {
    const firstKept = this.#entries.findIndex(({ atMs }) => atMs > nowMs - hourMs);
    this.#entries = firstKept < 0 ? [] : this.#entries.slice(firstKept);
    return this.#entries;
  }
}
