/**
 * Batches whose request died while Keepa answered nobody else: an outage, or a product of theirs?
 *
 * An outage is no row's fault and must not space the best candidates out. A product that Keepa can
 * never answer must be, and on a small plan minutes pass in which nothing else is asked for, so the
 * silence around one death proves nothing. The next answer decides, whoever gets it: had there been
 * an outage there would be none. Until then other rows are asked for, which brings that answer; the
 * rows in doubt would be asked for again and again otherwise, a thousand times a day.
 *
 * It is remembered by the process only: after a restart a row in doubt is asked for once more.
 */
import type { WorkRow } from '../store/judging-ports.ts';
import type { Batch } from './batch-spacing.ts';

export interface DoubtfulBatch {
  readonly batch: Batch;
  readonly why: string;
  /** How many answers the broker had heard before it was first sent. */
  readonly answersBefore: number;
}

export class DoubtfulBatches {
  #doubtful: readonly DoubtfulBatch[] = [];

  add(doubtful: DoubtfulBatch): void {
    this.#doubtful = [...this.#doubtful, doubtful];
  }

  /** Those that an answer has cleared up: it was no outage. In doubt until they are dropped. */
  cleared(answers: number): readonly DoubtfulBatch[] {
    return this.#doubtful.filter(({ answersBefore }) => answers > answersBefore);
  }

  /** Its rows are spaced by the store from now on. */
  drop(doubtful: DoubtfulBatch): void {
    this.#doubtful = this.#doubtful.filter((it) => it !== doubtful);
  }

  /** The rows that are not in doubt. When all are, none is any more: a new round begins. */
  others(due: readonly WorkRow[]): readonly WorkRow[] {
    if (this.#doubtful.length === 0) return due;
    const asins = new Set(this.#doubtful.flatMap(({ batch }) => batch.asins));
    const others = due.filter(({ asin }) => !asins.has(asin));
    if (others.length > 0 || due.length === 0) return others;
    this.#doubtful = [];
    return due;
  }
}
