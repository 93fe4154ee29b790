/**
 * Carries out what a fault plan has for the machine and for the account: everything but the faults
 * of single answers.
 *
 * Everything begins at a callback of the clock: no transaction is open then, as SQLite is done
 * within a turn.
 */

import type { Watched } from './checkers/checker.ts';
import type { Host } from './fault-host.ts';
import { People } from './fault-people.ts';
import type { Trouble } from './fault-plan.ts';

type Of<Kind extends Trouble['kind']> = Extract<Trouble, { readonly kind: Kind }>;

/** After a pause both processes may be there; so long they have to agree on one. */
const agreeMs = 60_000;

export class TroubleMaker {
  readonly #run: Watched;
  readonly #host: Host;
  readonly #people: People;
  #open = 0;
  #isHealed = false;

  constructor(run: Watched) {
    this.#run = run;
    this.#host = run.host;
    this.#people = new People(run);
  }

  /** True while something other than single answers is broken. */
  get isOn(): boolean {
    return this.#open > 0;
  }

  schedule(): void {
    for (const trouble of this.#run.plan) {
      this.#run.clock.after(trouble.atMs, () => this.#begin(trouble));
    }
  }

  /** Whatever is still broken is put right. */
  heal(): void {
    this.#isHealed = true;
    this.#host.disk.unlock();
    this.#host.disk.free(this.#host.dealsPath);
    this.#host.isDiskFull = false;
    this.#host.isCoordinationDown = false;
    this.#host.isEndless = false;
    this.#host.wallOffsetMs = 0;
    this.#run.keepa.setFaults(undefined);
    this.#run.keepa.setRate(this.#run.world.ratePerMinute, this.#run.nowMs);
    for (const { life } of this.#host.lives) life.resume();
    this.#people.heal();
  }

  #begin(trouble: Trouble): void {
    if (this.#isHealed) return;
    this.#run.trace.note(`trouble ${trouble.kind}`);
    const ends = this.#start(trouble);
    if (ends === undefined) return;
    this.#open += 1;
    this.#run.disturb();
    this.#run.clock.after(trouble.untilMs - trouble.atMs, () => {
      this.#open -= 1;
      this.#run.disturb();
      if (!this.#isHealed) ends();
    });
  }

  /** Breaks it, and returns how it is mended; undefined for what is over at once. */
  #start(trouble: Trouble): (() => void) | undefined {
    switch (trouble.kind) {
      case 'keepa':
        return () => undefined;
      case 'stranger':
        return this.#stranger(trouble);
      case 'rate':
        return this.#rate(trouble);
      case 'wall-step':
        this.#host.wallOffsetMs += trouble.deltaMs;
        return () => {
          this.#host.wallOffsetMs -= trouble.deltaMs;
        };
      case 'crash':
        return this.#crash(trouble);
      case 'restart':
        this.#host.downMs = trouble.downMs;
        void this.#host.current?.daemon?.stop('restarted');
        return () => undefined;
      case 'pause':
        return this.#pause();
      case 'person':
        this.#people.do(trouble);
        return undefined;
      case 'endless-list':
        this.#host.isEndless = true;
        return () => {
          this.#host.isEndless = false;
        };
      default:
        return this.#machine(trouble.kind);
    }
  }

  #machine(
    kind: 'busy' | 'disk-full' | 'coordination-down' | 'coordination-emptied' | 'lease-cleared',
  ): (() => void) | undefined {
    const host = this.#host;
    switch (kind) {
      case 'busy':
        host.disk.lock(host.dealsPath);
        return () => host.disk.unlock();
      case 'disk-full':
        host.isDiskFull = true;
        host.disk.fill(host.dealsPath);
        return () => {
          host.isDiskFull = false;
          host.disk.free(host.dealsPath);
        };
      case 'coordination-down':
        host.isCoordinationDown = true;
        return () => {
          host.isCoordinationDown = false;
        };
      default:
        void host.breakCoordination(kind === 'lease-cleared' ? 'clear' : 'empty');
        return () => undefined;
    }
  }

  /** Somebody with the same key who spends as Keepa lets them: while there is something left. */
  #stranger({ untilMs, everyMs, tokens }: Of<'stranger'>): () => void {
    const { clock, keepa, startMs } = this.#run;
    let isOver = false;
    const spend = (): void => {
      if (isOver || this.#isHealed || clock.now() - startMs >= untilMs) return;
      if (keepa.balance(clock.now()) > 0) {
        keepa.drain(tokens, clock.now());
        this.#run.taken(tokens);
      }
      clock.after(everyMs, spend);
    };
    spend();
    return () => {
      isOver = true;
    };
  }

  #rate({ ratePerMinute }: Of<'rate'>): () => void {
    const { clock, keepa, world } = this.#run;
    const change = (to: number): void => {
      // What lies above the new capacity is lost, and the next lumps are smaller than believed.
      const lost = Math.max(0, keepa.balance(clock.now()) - 60 * to);
      keepa.setRate(to, clock.now());
      this.#run.rateChanged(to, lost);
    };
    change(ratePerMinute);
    return () => change(world.ratePerMinute);
  }

  #crash(trouble: Of<'crash'>): () => void {
    const lived = this.#host.current;
    this.#host.downMs = trouble.downMs;
    lived?.life.crashAt(trouble);
    return () => {
      if (lived !== undefined) this.#host.kill(lived, 'at last');
    };
  }

  #pause(): (() => void) | undefined {
    const zombie = this.#host.current;
    if (zombie === undefined || this.#host.lives.length > 1) return undefined;
    zombie.life.pause();
    this.#host.start();
    return () => {
      zombie.life.resume();
      this.#run.clock.after(agreeMs, () => this.#settle());
    };
  }

  /** Of two processes the one that does not work goes. */
  #settle(): void {
    const { current, lives } = this.#host;
    for (const lived of lives) {
      if (lived !== current && current !== undefined) void lived.daemon?.stop('not needed');
    }
  }
}
