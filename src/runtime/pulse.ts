/**
 * The sign of life of one loop: until when it may be silent before it counts as frozen.
 *
 * A process that is there proves nothing, and a timer that says "alive" proves only the timer. So
 * each loop gives its own signs, by what it does, and each silence has an end that is known
 * beforehand: a rest ends by the clock, a wait ends by another loop, which is watched itself, and
 * everything else has to end within the loop's bound. Then a long wait for tokens is no silence,
 * and a promise that nobody will ever keep is one.
 *
 * Monotonic time: a wall clock that is set must neither freeze a loop nor wake it.
 */
import type { Clock } from './clock.ts';

/** What a loop may do in silence, as of its last sign of life. */
export interface LoopProgress {
  readonly name: string;
  /** Monotonic; later than this without another sign it is frozen. Infinite while it waits. */
  readonly aliveUntilMs: number;
}

export interface PulseOptions {
  readonly name: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** The longest silence of this loop while it neither rests nor waits. */
  readonly silenceMsMax: number;
}

export class Pulse {
  readonly name: string;
  readonly #options: PulseOptions;
  #restUntilMs: number;
  #waits = 0;

  /** Born alive: the first sign is due within the bound from now. */
  constructor(options: PulseOptions) {
    this.name = options.name;
    this.#options = options;
    this.#restUntilMs = options.clock.monotonic();
  }

  /** It did something just now, and rests for `restMs` from here. */
  beat(restMs = 0): void {
    this.#restUntilMs = this.#options.clock.monotonic() + restMs;
  }

  /** Waits for another loop until the returned function is called, which is a sign as well. */
  wait(): () => void {
    let isOver = false;
    this.#waits += 1;
    this.beat();
    return () => {
      if (isOver) return;
      isOver = true;
      this.#waits -= 1;
      this.beat();
    };
  }

  /** `canEnd`: whether the other loop has anything of which it could tell this one. */
  progress(canEnd = true): LoopProgress {
    const isWaiting = this.#waits > 0 && canEnd;
    const aliveUntilMs = isWaiting
      ? Number.POSITIVE_INFINITY
      : this.#restUntilMs + this.#options.silenceMsMax;
    return { name: this.name, aliveUntilMs };
  }
}

/** The loops that are frozen now, those silent for longest first. */
export function frozenLoops(
  loops: readonly LoopProgress[],
  clock: Pick<Clock, 'monotonic'>,
): readonly LoopProgress[] {
  const nowMs = clock.monotonic();
  return loops
    .filter(({ aliveUntilMs }) => aliveUntilMs < nowMs)
    .sort((a, b) => a.aliveUntilMs - b.aliveUntilMs);
}
