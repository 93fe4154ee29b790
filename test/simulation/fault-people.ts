/**
 * Carries out what people do to a daemon that works (`fault-deeds.ts`).
 *
 * People are persistent: who is refused, or gets no answer, asks again a minute later.
 *
 * Invariants:
 * - after `heal` the configuration is the world's own, and nobody has paused anything;
 * - a refusal is an answer; any other failure is one of the daemon's, unless the machine has one.
 */
import { ActionRefusedError, type ControlActions } from '../../src/status/actions.ts';
import { StaleFenceError } from '../../src/store/ports.ts';
import type { Watched } from './checkers/checker.ts';
import type { PlannedDeed } from './fault-deeds.ts';
import { isOfMachine } from './fault-plan.ts';

const minuteMs = 60_000;
/** What broke on the machine may show this much later in what a person is told. */
const latelyMs = 15 * minuteMs;
/** Looks like an ASIN, and the market has none such. */
const unknownAsin = 'B0NOBODY00';

type Of<Does extends PlannedDeed['does']> = Extract<PlannedDeed, { readonly does: Does }>;

export class People {
  readonly #run: Watched;
  #isHealed = false;
  #hasPaused = false;

  constructor(run: Watched) {
    this.#run = run;
  }

  do(deed: PlannedDeed): void {
    switch (deed.does) {
      case 'pause':
        this.#pause(deed);
        break;
      case 'reload':
        this.#reload(deed);
        break;
      case 'refresh':
        this.#refresh(deed);
        break;
    }
  }

  /** Nothing that people wished lasts longer. */
  heal(): void {
    this.#isHealed = true;
    this.#host.config.write('own');
    this.#hangUp();
    if (this.#hasPaused) this.#insist('resume', (actions) => actions.resume());
  }

  get #host() {
    return this.#run.host;
  }

  #pause({ atMs, untilMs, ends }: Of<'pause'>): void {
    this.#hasPaused = true;
    const { clock, nowMs } = this.#run;
    // A person names the end by the machine's own clock.
    const endsAtMs = nowMs + this.#host.wallOffsetMs + untilMs - atMs;
    const order = ends === 'by-itself' ? { untilMs: endsAtMs } : { reason: 'people' };
    const isOver = (): boolean => this.#isHealed || clock.now() - nowMs >= untilMs - atMs;
    this.#insist('pause', (actions) => actions.pause(order), isOver);
    if (ends !== 'by-resume') return;
    clock.after(untilMs - atMs, () => {
      if (!this.#isHealed) this.#insist('resume', (actions) => actions.resume());
    });
  }

  #reload({ atMs, untilMs, to }: Of<'reload'>): void {
    this.#host.config.write(to);
    this.#hangUp();
    // It is read by now. Nobody leaves a file behind that no process can start with.
    if (to === 'broken') this.#host.config.write('own');
    if (to !== 'changed') return;
    this.#run.clock.after(untilMs - atMs, () => {
      if (this.#isHealed) return;
      this.#host.config.write('own');
      this.#hangUp();
    });
  }

  /** SIGHUP, to every process that can hear it. */
  #hangUp(): void {
    this.#run.disturb();
    for (const { life, reload } of this.#host.lives) {
      if (!life.isPaused) void reload?.().then(() => this.#run.disturb());
    }
  }

  #refresh({ part, isVerifying }: Of<'refresh'>): void {
    const actions = this.#host.current?.daemon?.actions;
    const asins = this.#run.tables()?.asins() ?? [];
    const asin = part === undefined ? unknownAsin : asins[Math.floor(part * asins.length)];
    if (actions === undefined || asin === undefined) return;
    const told = actions.refresh({ domainId: 1, asin, isVerifying }, () => undefined);
    void told.then(
      ({ costTokens, why }) => this.#run.trace.note(`refreshed ${asin}: ${costTokens} ${why}`),
      (error: unknown) => this.#refused(`refresh of ${asin}`, error),
    );
  }

  /** Until somebody answers that it is done. */
  #insist(
    name: string,
    act: (actions: ControlActions) => Promise<unknown>,
    isOver: () => boolean = () => false,
  ): void {
    let isDone = false;
    const attempt = (): void => {
      if (isDone || isOver()) return;
      const actions = this.#host.current?.daemon?.actions;
      if (actions !== undefined) {
        this.#run.disturb();
        void act(actions).then(
          () => {
            isDone = true;
            this.#run.disturb();
            this.#run.trace.note(`${name}: done`);
          },
          (error: unknown) => this.#refused(name, error),
        );
      }
      this.#run.clock.after(minuteMs, attempt);
    };
    attempt();
  }

  /** Whoever is refused is told why, and that is all. */
  #refused(name: string, error: unknown): void {
    const { trace, plan, nowMs, startMs } = this.#run;
    trace.note(`${name}: ${String(error)}`);
    if (error instanceof ActionRefusedError || error instanceof StaleFenceError) return;
    const atMs = nowMs - startMs;
    const isBroken = plan.some(
      (trouble) =>
        isOfMachine(trouble) && atMs >= trouble.atMs && atMs <= trouble.untilMs + latelyMs,
    );
    if (!isBroken) this.#run.fail('action-failed', `${name}: ${String(error)}`);
  }
}
