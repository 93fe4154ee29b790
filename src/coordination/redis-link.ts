/**
 * The connection to Redis: made when it is needed, asked one command at a time, dropped at the
 * first doubt.
 *
 * Nothing happens behind our back: no queue of commands for later, no retries, no reconnecting on a
 * timer. A lease may only be renewed by somebody who waits for the answer now, and the keeper of
 * the lease asks again soon by itself. Whoever does not answer in time loses the connection, for a
 * half-open one would stay silent for many minutes.
 *
 * Invariants:
 * - a command is sent only on a connection whose password and database were accepted;
 * - every rejection is one of redis-failure.ts and holds neither password nor arguments.
 */
import { isIP } from 'node:net';
import { Redis, ReplyError } from 'ioredis';
import { isSilence, redisFailure } from './redis-failure.ts';
import type { RedisPlace } from './redis-url.ts';

/** A renewal has ten seconds before the next; most answers take less than a millisecond. */
const answerMsMax = 2_000;
const connectMsMax = 2_000;

export class RedisLink {
  readonly place: RedisPlace;
  #open: Redis | undefined;
  #connecting: Promise<Redis> | undefined;
  #isClosed = false;

  constructor(place: RedisPlace) {
    this.place = place;
  }

  /**
   * The answer to one command, connecting first if need be.
   *
   * @throws CoordinationAwayError, CoordinationRefusedError, RedisGarbageError
   */
  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = await this.#connected();
    try {
      return await client.call(command, ...args);
    } catch (error) {
      if (!(error instanceof ReplyError)) this.#drop(client);
      throw redisFailure(error, { place: this.place, during: 'command' });
    }
  }

  /** Ends the connection; later calls are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connecting?.catch(() => undefined);
    if (this.#open !== undefined) this.#drop(this.#open);
  }

  async #connected(): Promise<Redis> {
    if (this.#isClosed) throw new Error('the connection to Redis was closed');
    // One that was cut may not have been told so yet.
    if (this.#open?.stream.writable === true) return this.#open;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  async #connect(): Promise<Redis> {
    const client = new Redis(optionsFor(this.place));
    // The reason of a failed connection comes only here; without a listener it would be printed.
    let reason: unknown;
    client.on('error', (error) => {
      reason ??= error;
    });
    client.once('end', () => this.#drop(client));
    try {
      await client.connect();
      await this.#introduce(client);
      this.#open = client;
      return client;
    } catch (error) {
      client.disconnect();
      const cause = isSilence(error) ? error : (reason ?? error);
      throw redisFailure(cause, { place: this.place, during: 'handshake' });
    }
  }

  #drop(client: Redis): void {
    client.disconnect();
    if (this.#open === client) this.#open = undefined;
  }

  /** By hand: the library goes on in database 0 when another one is refused. */
  async #introduce(client: Redis): Promise<void> {
    const { username, password, database } = this.place;
    const said = await Promise.allSettled([
      ...(password === undefined
        ? []
        : [client.call('AUTH', ...(username === undefined ? [] : [username]), password)]),
      client.call('SELECT', database),
      client.call('PING'),
    ]);
    for (const answer of said) if (answer.status === 'rejected') throw answer.reason;
  }
}

/** An address is no name to ask for (RFC 6066); the certificate is compared with it as well. */
function tlsOptions(host: string, trustedCas: string | undefined) {
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(trustedCas === undefined ? {} : { ca: trustedCas }),
  };
}

function optionsFor({ address, trustedCas }: RedisPlace) {
  const target =
    'path' in address
      ? { path: address.path }
      : {
          host: address.host,
          port: address.port,
          ...(address.isTls ? { tls: tlsOptions(address.host, trustedCas) } : {}),
        };
  return {
    ...target,
    lazyConnect: true,
    protocol: 2 as const,
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: connectMsMax,
    commandTimeout: answerMsMax,
  };
}
