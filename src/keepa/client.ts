/**
 * The Keepa client: one call out, one Outcome back.
 *
 * It checks the call, sends it, waits at most two minutes and decodes. It decides nothing: whether
 * a failure is repeated, and what a lost answer may have cost, is the broker's to say.
 *
 * Invariants:
 * - a call that Keepa would not answer as meant never reaches the wire;
 * - `call` never rejects, and settles within the deadline even if the transport never does;
 * - no text in an Outcome comes from an error that could hold a URL.
 */
import type { Clock, Timer } from '../runtime/clock.ts';
import type { KeepaClient } from './call.ts';
import { checkCall } from './call-limits.ts';
import {
  type Transport,
  TransportError,
  type WireRequest,
  type WireResponse,
} from './transport.ts';
import { decodeResponse } from './wire-answer.ts';
import { oneLine } from './wire-envelope.ts';
import { requestFor } from './wire-request.ts';

/** Keepa's own client waits as long; batches with offers were seen to take 63 s. */
const answerMsMax = 120_000;
/** What an aborted transport has to tell how far the request got, before we assume the worst. */
const abortMsMax = 5_000;

/** A client that speaks through `transport`, which it closes with itself. */
export function createKeepaClient(options: {
  readonly transport: Transport;
  readonly clock: Pick<Clock, 'after'>;
}): KeepaClient {
  const { transport, clock } = options;
  return {
    async call(call, signal) {
      const why = checkCall(call);
      if (why !== undefined) {
        return { kind: 'permanent', reason: 'bad-request', status: 0, why, envelope: undefined };
      }
      if (signal.aborted) {
        return { kind: 'unavailable', status: undefined, why: 'cancelled before it was sent' };
      }
      const deadline = new Deadline(clock, signal);
      let response: WireResponse;
      try {
        response = await deadline.hold(transport, requestFor(call));
      } catch (error) {
        return explain(error, deadline.reason);
      } finally {
        deadline.release();
      }
      return decodeResponse(call, response);
    },
    close: () => transport.close(),
  };
}

/** What a request that brought no response may have cost. */
function explain(error: unknown, abortReason: string | undefined) {
  if (!(error instanceof TransportError)) {
    // Not of this port's making, so nothing is known of its text: it is not repeated.
    const name = error instanceof Error ? error.name : typeof error;
    return { kind: 'maybe-billed', why: `the transport failed: ${oneLine(name)}` } as const;
  }
  const why = abortReason ?? oneLine(error.message);
  return error.sent
    ? ({ kind: 'maybe-billed', why } as const)
    : ({ kind: 'unavailable', status: undefined, why } as const);
}

/** The end of a wait: by time or by the caller, whichever is first. */
class Deadline {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #caller: AbortSignal;
  readonly #abort = new AbortController();
  readonly #onCallerAbort = (): void => this.#end('cancelled');
  readonly #timer: Timer;
  #graceTimer: Timer | undefined;
  #giveUp: (error: TransportError) => void = () => undefined;
  #reason: string | undefined;

  constructor(clock: Pick<Clock, 'after'>, caller: AbortSignal) {
    this.#clock = clock;
    this.#caller = caller;
    this.#timer = clock.after(answerMsMax, () => this.#end(`no answer in ${answerMsMax / 1000} s`));
    caller.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  /** Why the wait was ended; undefined while it was not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** The transport's response, or its rejection, or ours when it does not end after an abort. */
  hold(transport: Transport, request: WireRequest): Promise<WireResponse> {
    const abandoned = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    return Promise.race([transport.send(request, this.#abort.signal), abandoned]);
  }

  /** Leaves no timer and no listener behind. */
  release(): void {
    this.#timer.cancel();
    this.#graceTimer?.cancel();
    this.#caller.removeEventListener('abort', this.#onCallerAbort);
  }

  #end(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#abort.abort(new Error(reason));
    this.#graceTimer = this.#clock.after(abortMsMax, () => {
      this.#giveUp(new TransportError(reason, { sent: true }));
    });
  }
}
