/**
 * Gives one owner its messages one at a time, so that its state needs no other guard.
 *
 * A message may await (one request, one transaction), and the next begins only after it. It must
 * not wait for a time or a balance: a message that waits shuts the mailbox for whatever is more
 * urgent. Waiting is a timer that posts the next message. A message that awaits another message of
 * its own mailbox, or its drain, waits for ever.
 *
 * Invariants:
 * - messages run in the order of posting, never two at a time, and never inside `post` itself;
 * - what a message throws reaches its poster and nobody else; the next message runs all the same;
 * - what was accepted runs, also after `close`.
 */
import PQueue from 'p-queue';

export class MailboxClosedError extends Error {
  override readonly name = 'MailboxClosedError';
}

export class Mailbox {
  /** Neither `interval` nor `timeout`: both would read the real clock. */
  readonly #queue = new PQueue({ concurrency: 1 });
  #isClosed = false;

  /**
   * Resolves with what the message returns, rejects with what it throws.
   *
   * @throws MailboxClosedError (as a rejection) after `close`; the message then never runs.
   */
  async post<T>(message: () => Promise<T> | T): Promise<T> {
    if (this.#isClosed) throw new MailboxClosedError('the mailbox is closed');
    return await this.#queue.add(async () => {
      // An idle queue would begin inside this very call, in the middle of the poster's own step.
      await Promise.resolve();
      return await message();
    });
  }

  /** Resolves when no message is running or waiting, counting those posted meanwhile. */
  drain(): Promise<void> {
    return this.#queue.onIdle();
  }

  /** Refuses every further message; those already accepted still run. */
  close(): void {
    this.#isClosed = true;
  }
}
