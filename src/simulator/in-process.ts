/**
 * The in-process door: a Transport straight into the simulated Keepa, on a given clock.
 *
 * It waits the processing time on that clock, so virtual time passes as real time would. The work
 * is Keepa's, not the caller's: whoever stops waiting is billed all the same.
 */
import { type Transport, TransportError, type WireRequest } from '../keepa/transport.ts';
import type { Clock } from '../runtime/clock.ts';
import type { SimulatedKeepa } from './simulated-keepa.ts';

/** A Transport that asks `core` with `key`, in the time of `clock`. */
export function createInProcessTransport(options: {
  readonly core: Pick<SimulatedKeepa, 'begin'>;
  readonly clock: Clock;
  readonly key: string;
}): Transport {
  const { core, clock, key } = options;
  return {
    send: (request: WireRequest, signal: AbortSignal, mayLeave = () => true) =>
      new Promise((resolve, reject) => {
        if (signal.aborted || !mayLeave()) {
          reject(new TransportError('cancelled before it was sent', { sent: false }));
          return;
        }
        const exchange = core.begin({ ...request, key }, clock.now());
        if (exchange.delivery === 'reset-before') {
          reject(new TransportError('connection reset before sending', { sent: false }));
          return;
        }
        const onAbort = (): void => {
          reject(new TransportError('cancelled while waiting for the answer', { sent: true }));
        };
        signal.addEventListener('abort', onAbort, { once: true });
        clock.after(exchange.processingMs, () => {
          const response = exchange.finish();
          if (exchange.delivery === 'silence') return;
          signal.removeEventListener('abort', onAbort);
          if (exchange.delivery === 'answer') resolve(response);
          else reject(new TransportError('connection reset', { sent: true }));
        });
      }),
    close: async () => undefined,
  };
}
