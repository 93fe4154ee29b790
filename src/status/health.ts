/**
 * Two questions that a service manager asks: is it alive, and is it ready.
 *
 * Alive is a matter of the process and its loops alone. A Keepa that fails, a plan that is unpaid,
 * tokens that are short and a pause are no reason to restart anything: it would change nothing, and
 * a restart costs what was learned. So the only answer of "no" names a loop that is frozen, by the
 * same signs of life that feed the watchdog.
 *
 * Ready means that it has what it needs to work: the store, the lease, and a first balance. (A
 * process without a sound configuration is not there to answer.)
 */
import type { BrokerSnapshot } from '../broker/request.ts';
import type { Clock } from '../runtime/clock.ts';
import { frozenLoops, type LoopProgress } from '../runtime/pulse.ts';
import type { Phase } from './sources.ts';

export interface Health {
  /** Names of the loops that are frozen, the longest silent first; none: it lives. */
  readonly frozen: readonly string[];
  /** Why it is not ready; undefined: it is. */
  readonly unreadyWhy: string | undefined;
}

export interface HealthSources {
  readonly clock: Pick<Clock, 'monotonic'>;
  phase(): Phase;
  broker(): BrokerSnapshot | undefined;
  /** Until when each loop may be silent. */
  progress(): readonly LoopProgress[];
}

/** As things are at this moment; reads no database, so it answers whatever the disk does. */
export function healthOf(sources: HealthSources): Health {
  const frozen = frozenLoops(sources.progress(), sources.clock);
  return {
    frozen: frozen.map(({ name }) => name),
    unreadyWhy: whyUnready(sources.phase(), sources.broker()),
  };
}

function whyUnready(phase: Phase, broker: BrokerSnapshot | undefined): string | undefined {
  if (phase.name !== 'active' && phase.name !== 'paused') return `${phase.name}: ${phase.why}`;
  const stopped = broker?.stopped;
  if (stopped?.cause === 'gate' || stopped?.cause === 'store') return stopped.why;
  if (broker?.balance !== undefined) return undefined;
  const rest = phase.name === 'paused' ? `; ${phase.why}` : '';
  return `the balance is not known yet${rest}`;
}
