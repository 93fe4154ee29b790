/**
 * Time since the machine booted: one clock that all its processes share and nobody can set.
 *
 * A lease kept in a file must expire by a clock that the next process reads the same way. Monotonic
 * time begins anew in each process, and the wall clock jumps. Time since boot does neither, and
 * goes on counting while the machine is suspended.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

export interface BootClock {
  /** New at every boot; '' where the system tells none. */
  readonly bootId: string;
  /** Milliseconds since boot, the same in every process of this machine. */
  sinceBootMs(): number;
}

/** The machine's own; exact to about 10 ms. */
export function systemBootClock(): BootClock {
  return { bootId: readBootId(), sinceBootMs: () => uptime() * 1000 };
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
