/**
 * A track that is written only as far as anybody has asked.
 *
 * Its points come from a generator, in order of time, from a random stream of the series' own. How
 * far it was asked before therefore changes nothing about what it holds: the next point is always
 * the same one. A point that repeats the value before it is dropped, so the time of the last point
 * is the time of the last change.
 */
import { Track } from './track.ts';

export interface Point {
  readonly minute: number;
  readonly value: number;
}

export class GrowingTrack {
  readonly #track = new Track();
  readonly #points: Iterator<Point>;
  #pending: Point | undefined;
  #isStarted = false;

  /**
   * @param write yields the points in order of time. It may read the track it is given: when it is
   * resumed, every point it has yielded so far is in there.
   */
  constructor(write: (soFar: Track) => Iterator<Point>) {
    this.#points = write(this.#track);
  }

  /** The track with every point up to and including `minute`; it may hold later ones as well. */
  upTo(minute: number): Track {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#pull();
    }
    while (this.#pending !== undefined && this.#pending.minute <= minute) {
      const { minute: at, value } = this.#pending;
      const last = this.#track.length - 1;
      if (last < 0 || this.#track.nthValue(last) !== value) this.#track.push(at, value);
      this.#pull();
    }
    return this.#track;
  }

  #pull(): void {
    const next = this.#points.next();
    this.#pending = next.done === true ? undefined : next.value;
  }
}
