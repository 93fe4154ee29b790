/**
 * Signs of life of the daemon's own loops: the lease's renewals, the broker's looks and its channel
 * to Keepa. Each sign is the work itself, seen on its way through: a renewal that is tried, a look
 * at what may be admitted, a request that is sent, an answer that is stored or tried to be.
 *
 * So a Keepa that fails, a store that cannot write and a lease that cannot be renewed all give
 * signs, because they are tried again and again; what hangs gives none.
 */
import type { Broker } from './broker/request.ts';
import { tickMs } from './broker/token-bucket.ts';
import type { LeaseTimes } from './coordination/lease-keeper.ts';
import type { Transport } from './keepa/transport.ts';
import type { Clock } from './runtime/clock.ts';
import { type LoopProgress, Pulse } from './runtime/pulse.ts';

/** Opening, migrating and one more try for a lease: seconds, and minutes on a slow disk. */
const startMsMax = 300_000;
/** The broker looks at least once a tick; a second look may come late. */
const lookMsMax = 3 * tickMs;
/** 30 s to connect and 120 s to answer, or a write and the 30 s until it is tried again. */
const flightMsMax = 150_000 + tickMs;

export class DaemonPulses {
  readonly start: Pulse;
  readonly lease: Pulse;
  readonly broker: Pulse;
  readonly #channel: Pulse;

  constructor(clock: Clock, { ttlMs }: LeaseTimes) {
    this.start = new Pulse({ name: 'start', clock, silenceMsMax: startMsMax });
    this.lease = new Pulse({ name: 'lease', clock, silenceMsMax: 3 * ttlMs });
    this.broker = new Pulse({ name: 'broker', clock, silenceMsMax: lookMsMax });
    this.#channel = new Pulse({ name: 'channel', clock, silenceMsMax: flightMsMax });
  }

  /** Once it works: until when each of them may be silent. */
  atWork(broker: Broker): readonly LoopProgress[] {
    const isBusy = broker.snapshot().inFlight !== undefined;
    const channel = isBusy ? [this.#channel.progress()] : [];
    return [this.lease.progress(), this.broker.progress(), ...channel];
  }

  /** The transport, each request of which is a sign of the channel, and leaves if it may. */
  ofTransport(transport: Transport, mayLeave: () => boolean): Transport {
    return {
      send: (request, signal) => {
        this.#channel.beat();
        return transport.send(request, signal, mayLeave);
      },
      close: () => transport.close(),
    };
  }

  /** A write of the channel, each try of which is a sign. */
  ofWrite<A extends readonly unknown[]>(
    write: (...args: A) => Promise<void>,
  ): (...args: A) => Promise<void> {
    return (...args) => {
      this.#channel.beat();
      return write(...args);
    };
  }

  /** The broker, each stored answer of which is a sign of the channel. */
  ofBroker(broker: Broker): Broker {
    return {
      start: () => broker.start(),
      drain: () => broker.drain(),
      nudge: () => broker.nudge(),
      snapshot: () => broker.snapshot(),
      request: (request) =>
        broker.request({ ...request, commit: this.ofWrite((bought) => request.commit(bought)) }),
    };
  }
}
