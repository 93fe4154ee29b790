/**
 * What a failed call to Redis means: wait for it, have it mended, or put garbage aside.
 *
 * Every error becomes one of ours with a text of our own. The library's errors carry the arguments
 * of the command, and those of AUTH are the password.
 */
import { redactorOf } from '../runtime/redaction.ts';
import { CoordinationAwayError, CoordinationRefusedError } from './ports.ts';
import type { RedisPlace } from './redis-url.ts';

/** One of our keys holds what no version of ours wrote. */
export class RedisGarbageError extends Error {
  override readonly name = 'RedisGarbageError';
  /** The key, when a script has found it; else the one of another type than ours. */
  readonly key: string | undefined;
  constructor(key: string | undefined) {
    super('a key of ours holds something else');
    this.key = key;
  }
}

/** What a script says before the name of the key. */
export const garbageSign = 'GARBAGE';

interface Refusal {
  readonly why: string;
  readonly todo: string;
  readonly isMisconfigured: boolean;
}

const mistaken = (why: string, todo: string): Refusal => ({ why, todo, isMisconfigured: true });
const unfit = (why: string, todo: string): Refusal => ({ why, todo, isMisconfigured: false });

/** By how Redis' answer begins. */
const refusals: readonly (readonly [RegExp, Refusal])[] = [
  [
    /^(WRONGPASS|ERR invalid password)/,
    mistaken('it refuses the user or the password', 'correct it in redis_url'),
  ],
  [/^NOAUTH/, mistaken('it asks for a password', 'add it to redis_url: redis://:password@host')],
  [
    /^ERR (AUTH|Client sent AUTH)/,
    mistaken('it has no password, and redis_url has one', 'take it out, or set it in Redis'),
  ],
  [
    /^ERR (DB index|invalid DB)/,
    mistaken('it has no database of that number', 'correct the number at the end of redis_url'),
  ],
  [
    // Inside a script it is told in other words, which version 7.2 changed.
    /^(NOPERM|(ERR )?(The user executing the script|ACL failure in script))/,
    mistaken(
      'its user may not do what is needed',
      'give it the rights that docs/operating.md names for a user of its own',
    ),
  ],
  [
    /^(MOVED|ASK|CROSSSLOT)\b/,
    mistaken('it is a node of a cluster', 'name a Redis that stands alone'),
  ],
  [
    /^ERR unknown command/,
    mistaken('it does not know what every Redis knows', 'is it a Redis of version 5 or later?'),
  ],
  [
    /^READONLY/,
    unfit('it is a read-only replica', 'name the primary in redis_url, or promote this one'),
  ],
  [
    /^OOM/,
    unfit('its memory is full and it may not evict (noeviction)', 'give it room: maxmemory'),
  ],
  [/^MISCONF/, unfit('it refuses writes, as it cannot save to its disk', 'see its log')],
];

/** What versions before 7 put before that which stopped a script. */
const scriptFrame = /^ERR Error running script[^@]*(@user_script: ?\d+: )+-?/;

/** A server that is on its way up, or between two primaries. */
const passing = /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED)\b/;

/** What the library says of bytes that are no answer of a Redis. */
const notRedis = /^(Unknown RESP type|Protocol error)/;

/** By the code of TLS, all for a person to mend. */
const tlsRefusals: readonly (readonly [RegExp, Refusal])[] = [
  [
    /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_(UNTRUSTED|SIGNATURE|CHAIN)|INVALID_CA)/,
    mistaken(
      'no CA that is trusted here has signed its certificate',
      "name the file of its CA's certificate in redis_ca_file",
    ),
  ],
  [
    /^(CERT_(HAS_EXPIRED|NOT_YET_VALID)|ERROR_IN_CERT_NOT_)/,
    mistaken('its certificate is not valid now', 'renew it, or see to the clock of this machine'),
  ],
  [
    /^(ERR_TLS_CERT_ALTNAME|HOSTNAME)/,
    mistaken('its certificate is for another name', 'write a name that is in it in redis_url'),
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/,
    mistaken(
      'it wants a certificate of whoever asks',
      'set tls-auth-clients no in it: a password is all that is offered here',
    ),
  ],
  [
    /^(EPROTO|ERR_(SSL|TLS)_|CERT_)/,
    mistaken('what answers there speaks no TLS that is known here', 'redis:// is without TLS'),
  ],
];

const hungUp = 'it closed the connection';
const codeWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: hungUp,
  EPIPE: hungUp,
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

/**
 * The error to throw. `during`: a server that stays silent when it is first spoken to is probably
 * none; one that did answer has gone away.
 */
export function redisFailure(
  error: unknown,
  { place, during }: { readonly place: RedisPlace; readonly during: 'handshake' | 'command' },
): Error {
  const whole = error instanceof Error ? error.message : String(error);
  const message = whole.replace(scriptFrame, '');
  const garbage = new RegExp(`${garbageSign} (\\S+)`).exec(message);
  if (garbage !== null) return new RedisGarbageError(garbage[1]);
  if (message.includes('WRONGTYPE')) return new RedisGarbageError(undefined);
  const refusal = refusalOf(error, { message, during });
  if (refusal !== undefined) {
    return new CoordinationRefusedError(`${place.text}: ${refusal.why}`, refusal);
  }
  const redact = redactorOf(place.password === undefined ? [] : [place.password]);
  return new CoordinationAwayError(
    `${place.text}: ${redact(awayWhy(error, { message, place, during }))}`,
    'is that Redis running?',
  );
}

function refusalOf(
  error: unknown,
  { message, during }: { message: string; during: 'handshake' | 'command' },
): Refusal | undefined {
  if (isSilence(error) && during === 'handshake') {
    return unfit('it takes the connection and does not answer', 'is a Redis listening there?');
  }
  if (notRedis.test(message)) {
    return mistaken('what answers there is no Redis', 'correct redis_url');
  }
  const code = codeOf(error);
  const tls = tlsRefusals.find(([pattern]) => pattern.test(code))?.[1];
  if (tls !== undefined) return { ...tls, why: `${tls.why} (${code})` };
  if (code === 'EACCES' || code === 'EPERM') {
    return mistaken('permission denied', 'let this user into the socket');
  }
  const known = refusals.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return known[1];
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (!isReply || passing.test(message)) return undefined;
  return unfit(`it answers with an error (${message.split(' ', 1)[0]})`, 'see its log');
}

function awayWhy(
  error: unknown,
  { message, place, during }: { message: string; place: RedisPlace; during: string },
): string {
  const why = plainAwayWhy(error, message);
  // One that speaks TLS only hangs up on whoever does not; one that ends does the same.
  const isPlain = 'isTls' in place.address && !place.address.isTls;
  if (why !== hungUp || !isPlain || during !== 'handshake') return why;
  return `${why} when it was spoken to (if it wants TLS, the URL begins with rediss://)`;
}

function plainAwayWhy(error: unknown, message: string): string {
  if (isSilence(error)) return 'no answer in time';
  const sign = passing.exec(message)?.[1];
  if (sign !== undefined) return `not ready (${sign})`;
  const code = codeOf(error);
  if (code !== '') return codeWords[code] ?? code;
  return /closed|isn't writeable/.test(message) ? hungUp : message;
}

/** The library's word for a command that ran out of time. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
