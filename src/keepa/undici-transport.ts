/**
 * Keepa over HTTPS, by undici: the one file that knows the key and the one that imports undici.
 *
 * What matters is not only whether a response came, but whether the request left: one that left may
 * have been billed. undici tells exactly: it starts a request at the moment it is about to write it
 * on a connected socket. Whatever fails before (name, connection, TLS) cost nothing; whatever fails
 * after may have cost everything.
 *
 * The dispatch interface is used rather than undici's `request`, which hides that moment, and the
 * body is decompressed here, since undici's own way prints a warning about being experimental.
 *
 * Invariants:
 * - the key stands in the URL of the request and nowhere else: errors are made new, from a code and
 *   a phrase, without cause, and bodies small enough to be an error have it struck out;
 * - a response is held whole in memory and so is limited, compressed and decompressed;
 * - redirects are not followed: the key goes where it was configured to go.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { Agent, type Dispatcher } from 'undici';
import { redactorOf } from '../runtime/redaction.ts';
import {
  type Transport,
  TransportError,
  type WireRequest,
  type WireResponse,
} from './transport.ts';

const connectMsMax = 30_000;
/** The client's own deadline is as long; this one holds if nobody set another. */
const answerMsMax = 120_000;
/** The largest recorded answer has 1.5 MB; a batch of 100 with long histories some 60 MB. */
const bodyBytesMax = 64 * 2 ** 20;
/** Keepa's error bodies have 250 bytes. A page is not searched for the key: it holds no error. */
const errorBodyLengthMax = 64 * 2 ** 10;

const phrases: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EPIPE', 'connection closed'],
  ['ENOTFOUND', 'host name not found'],
  ['EAI_AGAIN', 'name server not reachable'],
  ['ENETUNREACH', 'network not reachable'],
  ['EHOSTUNREACH', 'host not reachable'],
  ['ETIMEDOUT', 'connection timed out'],
  ['UND_ERR_CONNECT_TIMEOUT', `no connection in ${connectMsMax / 1000} s`],
  ['UND_ERR_HEADERS_TIMEOUT', `no answer in ${answerMsMax / 1000} s`],
  ['UND_ERR_BODY_TIMEOUT', `the answer stopped for ${answerMsMax / 1000} s`],
  ['UND_ERR_SOCKET', 'connection closed before the answer was complete'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'the answer is shorter than announced'],
  ['UND_ERR_DESTROYED', 'the client was closed'],
]);

const decompressors = {
  gunzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  inflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  inflateRaw: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw),
  brotli: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

export interface UndiciTransportOptions {
  /** Scheme, host and port, for example `https://api.keepa.com`; a path is put before Keepa's. */
  readonly baseUrl: string;
  readonly key: string;
  readonly userAgent: string;
}

/**
 * A transport to one host with connections kept alive. `close` ends what is still under way.
 *
 * @throws TypeError when `baseUrl` is no URL; the message does not hold it.
 */
export function createUndiciTransport(options: UndiciTransportOptions): Transport {
  const base = URL.parse(options.baseUrl);
  if (base === null) throw new TypeError('the base URL of Keepa is not a URL');
  const strikeKey = redactorOf([options.key]);
  const agent = new Agent({
    connect: { timeout: connectMsMax },
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
    // One request is in flight at a time, by design: a second connection would only be a
    // handshake made because the first was still tidying up.
    connections: 1,
    // All recorded traffic is HTTP/1.1.
    allowH2: false,
  });
  return {
    async send(request, signal, mayLeave) {
      if (signal.aborted) throw new TransportError('cancelled (ABORTED)', { sent: false });
      const exchange = new Exchange(signal, mayLeave);
      agent.dispatch(dispatchOptions(base, options, request), exchange);
      const { status, headers, body } = await exchange.finished;
      const text = (await decompress(body, headers['content-encoding'])).toString('utf8');
      return {
        status,
        contentType: String(headers['content-type'] ?? '').toLowerCase(),
        body: text.length <= errorBodyLengthMax ? strikeKey(text) : text,
      };
    },
    close: () => agent.destroy(),
  };
}

function dispatchOptions(
  base: URL,
  options: UndiciTransportOptions,
  request: WireRequest,
): Dispatcher.DispatchOptions {
  const query = new URLSearchParams({ ...request.query, key: options.key });
  return {
    origin: base.origin,
    method: request.method,
    path: `${base.pathname.replace(/\/$/, '')}${request.path}?${query}`,
    headers: {
      'user-agent': options.userAgent,
      accept: 'application/json',
      'accept-encoding': 'gzip, deflate, br',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' }),
    },
    body: request.body ?? null,
  };
}

type RawResponse = Pick<WireResponse, 'status'> & {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

/** One request on its way: collects the response and remembers whether the request left. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle = Promise.withResolvers<RawResponse>();
  readonly finished = this.#settle.promise;
  readonly #signal: AbortSignal;
  readonly #mayLeave: () => boolean;
  readonly #onAbort = (): void => this.#fail('cancelled', 'ABORTED');
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: RawResponse['headers'] = {};
  #bytes = 0;

  constructor(signal: AbortSignal, mayLeave: () => boolean = () => true) {
    this.#signal = signal;
    this.#mayLeave = mayLeave;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The socket is connected and nothing is written yet: the last moment to take it back. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#signal.aborted) {
      controller.abort(new Error('cancelled'));
      return;
    }
    if (!this.#mayLeave()) {
      this.#fail('held back before it was sent', 'HELD_BACK');
      controller.abort(new Error('held back'));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: RawResponse['headers'],
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > bodyBytesMax) this.#fail('the answer is too large', 'TOO_LARGE');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    const body = Buffer.concat(this.#chunks);
    this.#settle.resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = codeOf(error);
    this.#fail(phrases.get(code) ?? 'the request failed', code);
  }

  /** Ends the exchange; what undici still says about it afterwards goes nowhere. */
  #fail(phrase: string, code: string): void {
    const sent = this.#controller !== undefined;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#chunks.length = 0;
    this.#settle.reject(new TransportError(`${phrase} (${code})`, { sent }));
    this.#controller?.abort(new Error(phrase));
  }
}

/** The system's or undici's code, which is a word of capitals; anything else could hold the URL. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'UNKNOWN';
}

async function decompress(body: Buffer, encoding: string | string[] | undefined): Promise<Buffer> {
  const name = String(encoding ?? 'identity').toLowerCase();
  if (body.length === 0 || name === 'identity') return body;
  const decompressor = decompressorFor(name, body);
  if (decompressor === undefined) {
    throw new TransportError('the answer is compressed in an unknown way', { sent: true });
  }
  try {
    return await decompressor(body, { maxOutputLength: bodyBytesMax });
  } catch (error) {
    const isTooLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
    const phrase = isTooLarge ? 'the answer is too large' : 'the answer cannot be decompressed';
    throw new TransportError(`${phrase} (${codeOf(error)})`, { sent: true });
  }
}

function decompressorFor(encoding: string, body: Buffer) {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return decompressors.gunzip;
    case 'br':
      return decompressors.brotli;
    case 'deflate':
      // Meant with a header and often sent without: 8 in the low half of the first byte is one.
      return ((body[0] ?? 0) & 0x0f) === 8 ? decompressors.inflate : decompressors.inflateRaw;
    default:
      return undefined;
  }
}
