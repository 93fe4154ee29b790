/**
 * Notes beside the leases: who is doing what now, for people who list the locks.
 *
 * They are entries like leases, with owner and expiry, and are listed and cleared like them, but
 * they guard nothing and nothing waits for them: one that cannot be written is left out, and one
 * that a dead process left behind is replaced. Only the last word on each is written, and that a
 * moment later: a store of leases that is slow or away never has a queue of them before it, and a
 * pass that found nothing to do, as most do, never reaches the disk.
 *
 * What an actor does only the one daemon says. By its side several processes may stand by, each of
 * which is to be seen: such a note takes the first free one of a row of names.
 *
 * Invariant: no method throws or rejects by itself, and none but `removeAll` makes its caller wait.
 */
import type { Clock } from '../runtime/clock.ts';
import { nthName, standbyNote } from './names.ts';
import type { Leases, Owner } from './ports.ts';

export interface NotesOptions {
  readonly leases: Leases;
  readonly owner: Owner;
  readonly clock: Clock;
}

/** A pass may wait for tokens for hours; its note is renewed three times within this. */
const ttlMs = 600_000;
/** How many processes are seen that stand by; of more nobody has a use. */
const besideMax = 20;
/** What is over within it is not worth a note. */
const lingerMs = 500;

/** What stands there: under which name, with which fence. */
interface Written {
  readonly at: string;
  readonly fence: number;
  readonly doing: string;
}

export class Notes {
  readonly #options: NotesOptions;
  /** What is to be said; undefined: nothing any more. */
  readonly #wanted = new Map<string, string | undefined>();
  readonly #written = new Map<string, Written>();
  #writing: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(options: NotesOptions) {
    this.#options = options;
  }

  put(name: string, doing: string): void {
    this.#want(name, doing);
  }

  remove(name: string): void {
    this.#want(name, undefined);
  }

  /** Takes away what is ours, before the store of leases is closed; nothing is put afterwards. */
  async removeAll(): Promise<void> {
    this.#ending.abort();
    for (const name of [...this.#wanted.keys(), ...this.#written.keys()]) this.remove(name);
    await this.#writing;
  }

  /** Keeps what is written from expiring, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(ttlMs / 3, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const [name, { doing }] of this.#written) {
        if (!this.#wanted.has(name)) this.put(name, doing);
      }
    }
  }

  /** Keeps what is written from expiring while this lasts, and answers as it does. */
  async keptDuring<T>(work: Promise<T>): Promise<T> {
    const ending = new AbortController();
    const renewing = this.run(ending.signal);
    try {
      return await work;
    } finally {
      ending.abort();
      await renewing;
    }
  }

  #want(name: string, doing: string | undefined): void {
    this.#wanted.set(name, doing);
    const isOver = doing === undefined && this.#written.has(name);
    this.#writing ??= isOver ? this.#writeAll() : this.#writeSoon();
  }

  async #writeSoon(): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(lingerMs, this.#ending.signal).catch(() => undefined);
    await this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      const [next] = this.#wanted;
      if (next === undefined) break;
      const [name, doing] = next;
      this.#wanted.delete(name);
      try {
        await (doing === undefined ? this.#takeAway(name) : this.#write(name, doing));
      } catch {
        // The leases say loudly enough that their store is away; nobody waits here for each name.
        this.#wanted.clear();
      }
    }
    this.#writing = undefined;
  }

  async #write(name: string, doing: string): Promise<void> {
    const { leases, owner } = this.#options;
    const known = this.#written.get(name);
    if (known !== undefined) {
      const isOurs = await leases.renew(known.at, { owner, fence: known.fence, ttlMs, doing });
      if (isOurs) this.#written.set(name, { ...known, doing });
      if (isOurs) return;
    }
    const taken = await (name === standbyNote
      ? this.#beside(name, doing)
      : this.#only(name, doing));
    if (taken !== undefined) this.#written.set(name, { ...taken, doing });
  }

  /** Who stood here before us may be on another host, where nobody can be proven dead. */
  async #only(name: string, doing: string): Promise<Omit<Written, 'doing'> | undefined> {
    const { leases, owner } = this.#options;
    const claim = { owner, ttlMs, fenceFloor: 0, doing };
    let taken = await leases.acquire(name, claim);
    if (!taken.granted) {
      await leases.clear(name);
      taken = await leases.acquire(name, claim);
    }
    return taken.granted ? { at: name, fence: taken.fence } : undefined;
  }

  /** Nobody who may be alive is replaced. */
  async #beside(name: string, doing: string): Promise<Omit<Written, 'doing'> | undefined> {
    const { leases, owner } = this.#options;
    for (let nth = 1; nth <= besideMax; nth += 1) {
      const at = nthName(name, nth);
      const taken = await leases.acquire(at, { owner, ttlMs, fenceFloor: 0, doing });
      if (taken.granted) return { at, fence: taken.fence };
    }
    return undefined;
  }

  async #takeAway(name: string): Promise<void> {
    const { leases, owner } = this.#options;
    const known = this.#written.get(name);
    this.#written.delete(name);
    if (known !== undefined) await leases.release(known.at, { owner, fence: known.fence });
  }
}
