/**
 * The checkpoint of each feed's sweep, kept one page behind the rows at most.
 *
 * The rows of a page are stored first, its checkpoint after. The place of the checkpoints may be
 * away for that moment, and a page that is stored must not wait for it, nor be bought again for it.
 * So a checkpoint that could not be written is owed, and caught up before the next page is bought:
 * a crash meanwhile repeats that one page, however long the place stays away.
 *
 * Where a sweep resumes is decided once for each sweep in the life of this process (cursor.ts).
 * After that the database alone says it: nobody else moves the cursor, and a checkpoint that an
 * operator has lost or set back while we run is written anew with the next page.
 *
 * Invariants:
 * - a checkpoint is written only after its page's rows are committed, so it is never ahead of them;
 * - no method throws because the place of the checkpoints is away.
 */
import type { Checkpoints } from '../coordination/ports.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { Log } from '../runtime/log.ts';
import type { Sweep } from '../store/ports.ts';
import { type Cursor, checkpointName, cursorAt, resumePage } from './cursor.ts';

export interface SweepProgressOptions {
  readonly checkpoints: Checkpoints;
  /** The fence that counts now; checkpoints are written under it. */
  fence(): number;
  readonly log: Log;
}

export type Agreed = { readonly page: number } | { readonly trouble: string };

export class SweepProgress {
  readonly #options: SweepProgressOptions;
  /** By feed: the sweep on which both memories agree. */
  readonly #agreed = new Map<string, Pick<Sweep, 'number' | 'queryHash'>>();
  /** By feed: what is stored and not yet written. */
  readonly #owed = new Map<string, Cursor>();

  constructor(options: SweepProgressOptions) {
    this.#options = options;
  }

  /** The page to go on with; or why it cannot be known now, and then nothing may be bought. */
  async resumeAt(feed: string, sweep: Sweep): Promise<Agreed> {
    const known = this.#agreed.get(feed);
    const isKnown = known?.number === sweep.number && known.queryHash === sweep.queryHash;
    try {
      const read = (): Promise<unknown> => this.#options.checkpoints.read(checkpointName(feed));
      const page = isKnown ? sweep.nextPage : resumePage(sweep, await read());
      // Where they do not, the database is set back first, and looked at again.
      if (page === sweep.nextPage) this.#agreed.set(feed, sweep);
      return { page };
    } catch (error) {
      return { trouble: describeError(error) };
    }
  }

  /** The rows before `page` of this sweep are committed. */
  async stored(feed: string, sweep: Sweep, page: number): Promise<void> {
    this.#agreed.set(feed, sweep);
    this.#owed.set(feed, cursorAt(sweep, page));
    const why = await this.catchUp();
    if (why !== undefined) this.#options.log.warn('checkpoint-owed', { feed, page, why });
  }

  /** Writes what is owed. Undefined when nothing is any more, else why it still is. */
  async catchUp(): Promise<string | undefined> {
    const { checkpoints, fence, log } = this.#options;
    for (const [feed, cursor] of this.#owed) {
      try {
        const isWritten = await checkpoints.write(checkpointName(feed), cursor, fence());
        // Whoever has the newer fence has the right, and the database refuses us as well.
        if (!isWritten) log.warn('checkpoint-refused', { feed, fence: fence() });
        this.#owed.delete(feed);
      } catch (error) {
        return describeError(error);
      }
    }
    return undefined;
  }
}
