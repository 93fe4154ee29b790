/**
 * `doctor` on the API key: whether there is one, where it came from, and who else may read it.
 *
 * A service gets its key from systemd, as a credential that only it can see. Whoever runs doctor
 * from a shell has none and yet nothing is wrong; so the file that the unit names is looked at as
 * well, and a daemon that works has a key, whatever this shell has.
 */
import { statSync } from 'node:fs';
import { credentialName, keyFrom, keyPlace, readKey, type Secret } from '../config-key.ts';
import type { Environment } from '../config-layers.ts';
import { ConfigError, type ConfigProblem } from '../config-problem.ts';
import type { Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, skipped, warning } from './doctor-finding.ts';
import { credentialIn, type Unit } from './doctor-unit.ts';

export interface FoundKey {
  readonly secret: Secret | undefined;
  /** `KEEPA_API_KEY`, or a file; `none`. */
  readonly origin: string;
  readonly file: string | undefined;
  /** Why there is none. */
  readonly problem?: ConfigProblem;
}

/** Bits of a file's mode that let somebody else read it. */
const othersReadBits = 0o044;

/** Never throws. */
export function findKey(
  env: Environment,
  { keyFile, units }: { keyFile: string | undefined; units: readonly Unit[] },
): FoundKey {
  const place = keyPlace(env, keyFile) ?? unitPlace(units);
  const file = place !== undefined && 'file' in place ? place.file : undefined;
  const origin = file === undefined ? (place?.from ?? 'none') : `file ${file}`;
  try {
    const secret =
      place?.from === 'unit'
        ? keyFrom(place.file, `credential ${credentialName} of the unit`)
        : readKey(env, keyFile);
    return { secret, origin, file };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [problem = { where: 'Keepa API key', what: 'missing' }] = error.problems;
    return { secret: undefined, origin, file, problem };
  }
}

/** The file of which systemd makes the service's credential. */
function unitPlace(
  units: readonly Unit[],
): { readonly from: 'unit'; readonly file: string } | undefined {
  const file = units.map(({ text }) => credentialIn(text, credentialName)).find(Boolean);
  return file === undefined ? undefined : { from: 'unit', file };
}

export function checkKey({ key, daemon }: Facts): readonly Finding[] {
  if (key.problem !== undefined) return [withoutKey(key.problem, daemon)];
  return [fine('key', `set, from ${key.origin}`), ...readableByOthers(key)];
}

function withoutKey({ where, what, todo }: ConfigProblem, daemon: Facts['daemon']): Finding {
  const said = `${where}: ${what}`;
  const report = daemon.kind === 'answered' ? daemon.report : undefined;
  if (report?.state === 'running' || report?.state === 'waiting') {
    const why = 'the daemon has one that Keepa accepts, for it is at work; only doctor has none';
    return note('key', { what: said, why, todo: 'run doctor as root, or set KEEPA_API_KEY' });
  }
  return broken('key', {
    what: said,
    why: 'without a key start ends with exit code 78',
    todo:
      todo ?? 'run doctor as the user of the daemon or as root; correct the path if that fails too',
  });
}

function readableByOthers({ file }: FoundKey): Finding[] {
  const mode = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.mode;
  if (file === undefined || mode === undefined || (mode & othersReadBits) === 0) return [];
  return [
    warning('key', {
      what: `${file} can be read by others (mode ${(mode & 0o777).toString(8)})`,
      why: 'whoever has the key spends its tokens',
      todo: `chmod 600 ${file}`,
    }),
  ];
}

/** Whether Keepa accepts it; asked only with --live. */
export function checkKeyAccepted({ key, keepa, flags }: Facts): readonly Finding[] {
  const id = 'keepa';
  if (keepa === undefined) {
    const isWanted = flags.live === true && key.secret === undefined;
    const why = isWanted ? 'there is no key to ask with' : '--live asks, and it costs nothing';
    return [skipped(id, `whether Keepa accepts the key: ${why}`)];
  }
  const { outcome } = keepa;
  switch (outcome.kind) {
    case 'answered': {
      const { balance, refillRate } = outcome.envelope;
      const tokens = `${balance} of ${60 * refillRate} tokens, ${refillRate} a minute`;
      if (balance >= 0) return [fine(id, `it accepts the key: ${tokens}`)];
      const debt = { why: 'nothing can be bought until the refill has paid the debt' };
      return [warning(id, { what: `the balance is ${balance}`, ...debt, todo: howToSee })];
    }
    case 'refused': {
      const what = 'it accepts the key and refuses requests (429): the balance is used up';
      return [warning(id, { what, why: 'nothing can be bought until the refill', todo: howToSee })];
    }
    case 'permanent':
      return [refusal(id, outcome)];
    default:
      return [
        warning(id, {
          what: `it does not answer as it should: ${outcome.why}`,
          why: 'nothing can be bought meanwhile; it heals by itself once Keepa answers again',
          todo: 'look at the network, the proxy and keepa.url',
        }),
      ];
  }
}

const howToSee = 'see keepa-deals tokens for who spent it';

function refusal(id: string, { reason, why: said }: { reason: string; why: string }): Finding {
  const isUnpaid = reason === 'payment-required';
  const isKey = reason === 'invalid-key';
  return broken(id, {
    what: isKey ? `it refuses the key: ${said}` : `it refuses the request (${reason}): ${said}`,
    why: isUnpaid
      ? 'nothing can be bought until it is paid'
      : 'nothing can be bought; start ends with exit code 77 where the key is refused',
    todo: isUnpaid
      ? 'pay for the plan, see keepa.com/#!api; the daemon then goes on by itself'
      : 'compare keepa.com/#!api',
  });
}
