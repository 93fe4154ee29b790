/**
 * P7, and that nothing ends by itself without a reason.
 *
 * *Takeover*: on a host that can tell the dead from the living, a process that starts alone adopts
 * its fence within a second; elsewhere within the dead one's TTL, a retry later. Quiet coordination
 * and disk are the condition.
 * *Store*: a write fails only while, or soon after, a disk was broken.
 * *Ended*: the daemon ends uninvited only over a lease, a coordination store or a disk that was
 * broken lately, and never with 0, after which systemd would leave it down; `broker-fault` in the
 * log is a failure whatever came of it.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { LivedLife } from '../fault-host.ts';
import type { PortCall } from '../fault-life.ts';
import { isOfMachine } from '../fault-plan.ts';
import type { TraceLine } from '../trace-log.ts';
import type { Checker, Watched } from './checker.ts';

/** The TTL, and one look more of whoever waits or is started again. */
const takeoverMsMax = 30_000 + 11_000;
const provenMsMax = 1_000;
const latelyMs = 15 * 60_000;
/** What the host says to a process that it asks to end. */
const invitations: ReadonlySet<string> = new Set(['told to', 'restarted', 'not needed']);

export class LivesChecker implements Checker {
  readonly #run: Watched;
  /** Since when there has been a process, and none that works. */
  #waitsSinceMs: number | undefined;
  #isAlone = true;

  constructor(run: Watched) {
    this.#run = run;
  }

  started({ startedAtMs }: LivedLife): void {
    this.#waitsSinceMs ??= startedAtMs;
    this.#isAlone = this.#run.host.lives.length === 1;
  }

  done({ name }: PortCall): void {
    if (!name.endsWith('.adoptFence') || this.#waitsSinceMs === undefined) return;
    const { nowMs, world } = this.#run;
    const waitedMs = nowMs - this.#waitsSinceMs;
    this.#waitsSinceMs = undefined;
    const boundMs = world.isDeathProvable ? provenMsMax : takeoverMsMax;
    if (!this.#isAlone || waitedMs <= boundMs || this.#wasBroken(latelyMs)) return;
    this.#run.fail('P7-takeover', `the lease was taken ${waitedMs} ms after the start`);
  }

  crashed(): void {
    this.#waitsSinceMs = undefined;
  }

  ended(_lived: LivedLife, { code, reason }: Ending): void {
    if (code !== 75) this.#waitsSinceMs = undefined;
    if (code === 0 && invitations.has(reason)) return;
    if (code === 75 && !this.#run.world.isDeathProvable) return;
    if (code !== 0 && this.#wasBroken(latelyMs)) return;
    this.#run.fail('daemon-ended', `the daemon ended with ${code}: ${reason}`);
  }

  minute(): void {
    const { nowMs, world } = this.#run;
    if (this.#waitsSinceMs === undefined || !this.#isAlone || this.#wasBroken(latelyMs)) return;
    const waitedMs = nowMs - this.#waitsSinceMs;
    if (waitedMs <= (world.isDeathProvable ? provenMsMax : takeoverMsMax)) return;
    this.#run.fail('P7-takeover', `the lease was not taken within ${waitedMs} ms of the start`);
  }

  said({ event, fields }: TraceLine): void {
    if (event === 'spending-stopped' && fields.cause === 'store' && !this.#wasBroken(latelyMs)) {
      this.#run.fail('store-refuses', String(fields.why));
    }
    if (event !== 'broker-fault') return;
    this.#run.fail('daemon-fault', `the broker broke: ${String(fields.error)}`);
  }

  #wasBroken(withinMs: number): boolean {
    const { plan, nowMs, startMs } = this.#run;
    const atMs = nowMs - startMs;
    return plan.some(
      (trouble) =>
        isOfMachine(trouble) &&
        !['crash', 'restart', 'wall-step'].includes(trouble.kind) &&
        atMs >= trouble.atMs &&
        atMs <= trouble.untilMs + withinMs,
    );
  }
}
