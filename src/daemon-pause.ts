/**
 * The pause of the running daemon: what the store remembers of it, and when it is over.
 *
 * The order of writes is the safe one: a pause counts once it is stored, so that a crash cannot
 * forget it, and a resumption once it is stored, so that a crash cannot undo it. The end of a pause
 * is an instant of the wall clock, because that is what a person named; a timer looks at it then,
 * and the broker at least once a tick, whatever happened to the clock meanwhile.
 */
import type { Gate } from './broker/request.ts';
import type { Clock, Timer } from './runtime/clock.ts';
import { describeError } from './runtime/describe-error.ts';
import type { Log } from './runtime/log.ts';
import type { Phase } from './status/sources.ts';
import type { DealReader, DealWriter, Pause, PauseOrder } from './store/ports.ts';

export interface WorkPauseOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A pause has begun, changed or ended. */
  onTurned(): void;
}

/** A timer far ahead is of no use once the clock was set; the look after it arms the next. */
const timerMsMax = 3_600_000;

export class WorkPause {
  readonly #options: WorkPauseOptions;
  #writer: Pick<DealWriter, 'endPause'> | undefined;
  #pause: Pause | undefined;
  #timer: Timer | undefined;
  #endedAtMs: number | undefined;

  constructor(options: WorkPauseOptions) {
    this.#options = options;
  }

  /** The pause in force now. */
  current(): Pause | undefined {
    const pause = this.#pause;
    const isOver = pause?.untilMs !== undefined && pause.untilMs <= this.#options.clock.now();
    return isOver ? undefined : pause;
  }

  /** What the broker is told while all else is in order. */
  gate(): Gate {
    const pause = this.current();
    if (pause === undefined) return { open: true };
    return { open: false, cause: 'paused', why: describePause(pause) };
  }

  /** A phase as others see it: a paused daemon works, but for the spending. */
  shownOver(phase: Phase): Phase {
    const pause = phase.name === 'active' ? this.current() : undefined;
    if (pause === undefined) return phase;
    const { sinceMs, untilMs } = pause;
    return { name: 'paused', why: describePause(pause), sinceMs, untilMs };
  }

  /** Monotonic: when work was last paused, which is now while it is; undefined: never yet. */
  lastPausedAtMs(): number | undefined {
    return this.#pause === undefined ? this.#endedAtMs : this.#options.clock.monotonic();
  }

  /** Takes over what the life before was told; before anything is spent. */
  async adopt(reader: Pick<DealReader, 'pause'>, writer: DealWriter): Promise<void> {
    this.#writer = writer;
    const pause = await reader.pause(this.#options.clock.now());
    if (pause === undefined) return;
    this.#options.log.info('paused', { ...describedPause(pause), isRemembered: true });
    this.#set(pause);
  }

  /** Afterwards nothing more is admitted; what is under way is finished. */
  async begin(writer: DealWriter, order: PauseOrder): Promise<Pause> {
    const { clock, log } = this.#options;
    const pause = await writer.beginPause({ ...order, atMs: clock.now() });
    log.info('paused', describedPause(pause));
    this.#set(pause);
    return pause;
  }

  /** Returns the pause that ends with it; undefined when there was none. */
  async end(writer: DealWriter): Promise<Pause | undefined> {
    const { clock, log } = this.#options;
    const pause = await writer.endPause(clock.now());
    if (this.#pause !== undefined) this.#clear();
    if (pause !== undefined) log.info('resumed', { afterMs: clock.now() - pause.sinceMs });
    return pause;
  }

  /** Ends a pause whose time is over; to be called whenever somebody wants to spend. */
  look(): void {
    const pause = this.#pause;
    if (pause === undefined || this.current() !== undefined) return;
    const { clock, log } = this.#options;
    log.info('resumed', { why: 'its time is over', afterMs: clock.now() - pause.sinceMs });
    this.#clear();
    // The row says itself that it is over; but a clock that is set back must not revive it.
    this.#writer?.endPause(clock.now()).catch((error: unknown) => {
      log.warn('pause-kept', { error: describeError(error) });
    });
  }

  /** Looks at no clock any more. */
  stop(): void {
    this.#timer?.cancel();
  }

  #set(pause: Pause): void {
    this.#pause = pause;
    this.#arm();
    this.#options.onTurned();
  }

  #clear(): void {
    this.#timer?.cancel();
    this.#endedAtMs = this.#options.clock.monotonic();
    this.#pause = undefined;
    this.#options.onTurned();
  }

  #arm(): void {
    this.#timer?.cancel();
    const untilMs = this.#pause?.untilMs;
    if (untilMs === undefined) return;
    const { clock } = this.#options;
    const leftMs = Math.min(Math.max(0, untilMs - clock.now()), timerMsMax);
    this.#timer = clock.after(leftMs, () => {
      this.look();
      if (this.#pause !== undefined) this.#arm();
    });
  }
}

/** For people: until when nothing is spent, and why. */
export function describePause({ untilMs, reason }: Pause): string {
  const until = untilMs === undefined ? 'until somebody resumes' : `until ${isoOf(untilMs)}`;
  return `paused ${until}${reason === undefined ? '' : `: ${reason}`}`;
}

function describedPause({ sinceMs, untilMs, reason }: Pause) {
  const until = untilMs === undefined ? null : isoOf(untilMs);
  return { since: isoOf(sinceMs), until, reason: reason ?? null };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
