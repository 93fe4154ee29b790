/**
 * The port to Keepa's wire: one request, one response, no judgement.
 *
 * The API key travels in the URL, so only an implementation of this port ever holds it: requests
 * carry none, and no error that leaves here may hold a URL (promise P11).
 */

export interface WireRequest {
  readonly method: 'GET' | 'POST';
  /** For example `/product`. */
  readonly path: string;
  /** Query parameters without the key; values are not yet URL-encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** JSON text, with POST only. */
  readonly body?: string;
}

export interface WireResponse {
  readonly status: number;
  /** As sent, lower case; '' when absent. */
  readonly contentType: string;
  /** Decompressed text. */
  readonly body: string;
}

/**
 * No response arrived. `sent` tells whether Keepa may have done, and billed, the work: false only
 * when the request provably never left.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly sent: boolean;
  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.sent = options.sent;
  }
}

export interface Transport {
  /**
   * `mayLeave` is asked at the last moment before anything is written, which may be long after the
   * call: a connection has to be made, and the process may stand still. False: it does not leave.
   *
   * @throws TransportError when no complete response arrives; also on abort (`sent` as far as is
   * known, true in doubt).
   */
  send(request: WireRequest, signal: AbortSignal, mayLeave?: () => boolean): Promise<WireResponse>;
  close(): Promise<void>;
}
