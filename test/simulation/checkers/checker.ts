/**
 * What a checker is told, and what it may look at.
 *
 * A checker holds one promise and one failure code or two. It compares what the daemon does with
 * the truth: the simulated Keepa's bucket and market, the files on the disk, the virtual clock.
 */
import type { Ending } from '../../../src/daemon-contract.ts';
import type { SimulatedKeepa } from '../../../src/simulator/simulated-keepa.ts';
import type { VirtualClock } from '../../../src/simulator/virtual-clock.ts';
import type { Host, LivedLife } from '../fault-host.ts';
import type { PortCall } from '../fault-life.ts';
import type { Trouble } from '../fault-plan.ts';
import type { Tables } from '../fault-tables.ts';
import type { WireCall } from '../fault-wire.ts';
import type { World } from '../fault-world.ts';
import type { Trace, TraceLine } from '../trace-log.ts';

export interface Failure {
  readonly code: string;
  readonly sentence: string;
  /** Ms since the start of the simulation. */
  readonly atMs: number;
}

/** The run, as checkers and troubles see it. */
export interface Watched {
  readonly world: World;
  readonly plan: readonly Trouble[];
  readonly clock: VirtualClock;
  readonly keepa: SimulatedKeepa;
  readonly host: Host;
  readonly trace: Trace;
  readonly key: string;
  readonly phase: 'faults' | 'healed';
  /** True time. */
  readonly nowMs: number;
  readonly startMs: number;
  /** When something last went wrong that is no fault of the daemon, or was put right. */
  readonly disturbedAtMs: number;
  disturb(): void;
  tables(): Tables | undefined;
  fail(code: string, sentence: string): void;
  /** A stranger took tokens. */
  taken(tokens: number): void;
  /** Keepa's plan changed; `lostTokens` lie above its new capacity. */
  rateChanged(ratePerMinute: number, lostTokens: number): void;
}

export interface Checker {
  /** A request reaches Keepa, or is lost on its way. */
  sent?(call: WireCall): void;
  /** Keepa has done with a request and taken its tokens. */
  billed?(call: WireCall): void;
  /** A call through another port, or the transport, took effect. */
  done?(call: PortCall, value: unknown): void;
  said?(line: TraceLine): void;
  started?(lived: LivedLife): void;
  crashed?(lived: LivedLife): void;
  ended?(lived: LivedLife, ending: Ending): void;
  taken?(tokens: number): void;
  rateChanged?(ratePerMinute: number, lostTokens: number): void;
  minute?(minute: number): void;
  /** Every half hour, with the whole table at hand. */
  look?(tables: Tables): void | Promise<void>;
  /** After healing: how long it may take until `end` holds. */
  convergesWithinMs?(): number;
  end?(tables: Tables): void | Promise<void>;
}
