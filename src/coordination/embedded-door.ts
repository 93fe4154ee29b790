/**
 * The one way into the embedded file: what may be over at any moment is told from what is broken.
 *
 * A file that another program keeps locked (a backup, a shell, a process that was stopped inside a
 * transaction) or whose disk is full is away as a Redis is that does not answer: whoever needs a
 * lease waits for it and says so. Whoever may wait need not have it open either: then it is opened
 * by the first call that can.
 *
 * SQLite waits for a lock by blocking this process. That is right for the moment that another
 * transaction takes; for a lock that has outlasted it, each further try is a short one.
 */
import { lacksRoom } from '../runtime/disk-room.ts';
import { CoordinationOpenError } from './embedded-file.ts';
import { type Coordination, CoordinationAwayError } from './ports.ts';

/** Transactions in this file take well below a millisecond; a disk may take its time. */
const busyMs = 2_000;
/** Once it is known that the lock does not go away: who asks for the status is to get an answer. */
const againMs = 100;

export interface OpenedFile extends Omit<Coordination, 'close'> {
  /** How long its next calls may block. */
  setBusyMs(ms: number): void;
  close(): void;
}

export class EmbeddedDoor {
  readonly #path: string;
  readonly #open: (busyMs: number) => OpenedFile;
  #opened: OpenedFile | undefined;
  #isAway = false;
  #isClosed = false;

  /** `open` is tried again after an error. */
  constructor(path: string, open: (busyMs: number) => OpenedFile) {
    this.#path = path;
    this.#open = open;
  }

  /**
   * Opens it now; with `waits` it may be away.
   *
   * @throws CoordinationOpenError
   */
  open({ waits }: { readonly waits: boolean }): void {
    try {
      this.#file();
    } catch (error) {
      if (!waits || awayErrorOf(this.#path, error) === undefined) throw error;
      this.#turn(true);
    }
  }

  /** @throws CoordinationAwayError, CoordinationOpenError; what `work` throws. */
  async call<T>(work: (file: OpenedFile) => Promise<T>): Promise<T> {
    try {
      const answer = await work(this.#file());
      this.#turn(false);
      return answer;
    } catch (error) {
      const away = awayErrorOf(this.#path, error);
      if (away === undefined) throw error;
      this.#turn(true);
      throw away;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#opened?.close();
  }

  #file(): OpenedFile {
    if (this.#isClosed) throw new Error(`the coordination file ${this.#path} was closed`);
    this.#opened ??= this.#open(this.#isAway ? againMs : busyMs);
    return this.#opened;
  }

  #turn(isAway: boolean): void {
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    this.#opened?.setBusyMs(isAway ? againMs : busyMs);
  }
}

interface Away {
  readonly why: string;
  readonly todo: string;
}

const locked: Away = {
  why: 'another program keeps it locked (a process that was stopped, a backup, a shell?)',
  todo: 'end that program and try again',
};
const full: Away = { why: 'the disk under it is full', todo: 'free some space and try again' };

/**
 * What is said of the file at `path` after it failed with `error`, at its opening or later, and may
 * be over at any moment; undefined for what no wait can mend.
 */
export function awayErrorOf(path: string, error: unknown): CoordinationAwayError | undefined {
  const away = whyAway(path, error);
  return away && new CoordinationAwayError(`${path}: ${away.why}`, away.todo);
}

function whyAway(path: string, error: unknown): Away | undefined {
  const cause = error instanceof CoordinationOpenError ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return locked;
  return lacksRoom(code, path) ? full : undefined;
}

/** Leases and checkpoints behind the door. */
export function behind(door: EmbeddedDoor): Coordination {
  return {
    leases: {
      acquire: (name, claim) => door.call(({ leases }) => leases.acquire(name, claim)),
      renew: (name, options) => door.call(({ leases }) => leases.renew(name, options)),
      release: (name, options) => door.call(({ leases }) => leases.release(name, options)),
      list: () => door.call(({ leases }) => leases.list()),
      clear: (name) => door.call(({ leases }) => leases.clear(name)),
    },
    checkpoints: {
      read: (name) => door.call(({ checkpoints }) => checkpoints.read(name)),
      write: (name, value, fence) =>
        door.call(({ checkpoints }) => checkpoints.write(name, value, fence)),
      list: () => door.call(({ checkpoints }) => checkpoints.list()),
      remove: (name) => door.call(({ checkpoints }) => checkpoints.remove(name)),
    },
    async close() {
      door.close();
    },
  };
}
