/**
 * A step function of time that only ever grows at its end: one series of a product's history.
 *
 * Two typed arrays of 4 bytes a point hold it, because ten thousand products with some hundred
 * points each have to fit into memory beside everything else.
 *
 * Invariants: times strictly increase; a value holds from its minute until the next point; -1 means
 * "none from then on".
 */

export class Track {
  #times = new Int32Array(16);
  #values = new Int32Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends a point; one in the same minute as the last replaces it. */
  push(minute: number, value: number): void {
    if (this.#length > 0 && this.nthMinute(this.#length - 1) === minute) {
      this.#values[this.#length - 1] = value;
      return;
    }
    if (this.#length === this.#times.length) this.#grow();
    this.#times[this.#length] = minute;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  nthMinute(index: number): number {
    return this.#times[index] ?? 0;
  }

  nthValue(index: number): number {
    return this.#values[index] ?? -1;
  }

  /** Index of the last point at or before `minute`; -1 when the track begins later. */
  indexAt(minute: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.nthMinute(middle) <= minute) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The value in force at `minute`; -1 before the first point. */
  at(minute: number): number {
    const index = this.indexAt(minute);
    return index < 0 ? -1 : this.nthValue(index);
  }

  #grow(): void {
    const times = new Int32Array(this.#times.length * 2);
    const values = new Int32Array(this.#times.length * 2);
    times.set(this.#times);
    values.set(this.#values);
    this.#times = times;
    this.#values = values;
  }
}

/**
 * Time-weighted means over the windows that end at `minute`, in one walk backwards. `windows` are
 * lengths in minutes, ascending. Stretches without an offer carry no weight. A mean is -1 when
 * there was no offer in the window, -2 when the track had not begun.
 */
export function meansOf(track: Track, minute: number, windows: readonly number[]): number[] {
  const means: number[] = [];
  let index = track.indexAt(minute);
  if (index < 0) return windows.map(() => -2);
  let until = minute;
  let area = 0;
  let weight = 0;
  for (const window of windows) {
    const from = minute - window;
    while (index >= 0 && until > from) {
      const start = Math.max(track.nthMinute(index), from);
      const value = track.nthValue(index);
      if (value >= 0) {
        area += value * (until - start);
        weight += until - start;
      }
      until = start;
      if (track.nthMinute(index) >= from) index -= 1;
    }
    means.push(weight > 0 ? Math.round(area / weight) : instantMean(track, minute));
  }
  return means;
}

/** The mean over no time at all (a product seen for the first time this minute): its value now. */
function instantMean(track: Track, minute: number): number {
  const index = track.indexAt(minute);
  return track.nthMinute(index) === minute ? track.nthValue(index) : -1;
}
