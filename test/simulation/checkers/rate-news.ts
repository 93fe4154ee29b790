/**
 * Since when the daemon can know the refill rate as it is: a changed one is believed when two
 * answers in a row told it, which may be long after the change.
 */
import type { PortCall } from '../fault-life.ts';
import { isOfNoPlan } from '../fault-wire.ts';

const toldMax = 2;

export class RateNews {
  #told = toldMax;
  #knownAtMs = 0;

  changed(): void {
    this.#told = 0;
  }

  done({ name }: PortCall, value: unknown, nowMs: number): void {
    if (this.#told === toldMax || name !== 'transport.send') return;
    const { status, body } = value as { readonly status: number; readonly body: string };
    if (status !== 200 || isOfNoPlan(body)) return;
    this.#told += 1;
    this.#knownAtMs = nowMs;
  }

  /** The last time at which it was not known. */
  unknownAtMs(nowMs: number): number {
    return this.#told < toldMax ? nowMs : this.#knownAtMs;
  }
}
