/**
 * `doctor` on places that the installed unit sets for the service, and that are others here.
 *
 * A drop-in that names a Redis is the service's alone: a person's shell beside it, with none or
 * with another, looks for leases where none are, and finds that all is quiet. Names are shown and
 * no values, for some are secrets.
 */
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config.ts';
import type { Facts } from './doctor-facts.ts';
import { type Finding, fine, skipped, warning } from './doctor-finding.ts';
import { environmentOf } from './unit-environment.ts';

interface PlaceSetting {
  readonly name: string;
  /** The flag of `start` that wins over the variable. */
  readonly flag?: string;
  /** For people. */
  readonly what: string;
  /** What is in force here, whoever set it; undefined where there is none. */
  here(loaded: LoadedConfig): string | undefined;
  /** The value of the unit, written as that of here is. */
  there(value: string): string;
}

/** A service works in the root directory. */
const asPath = (value: string): string => resolve('/', value);
const asUrl = (value: string): string => value.replace(/\/+$/, '');

const places: readonly PlaceSetting[] = [
  {
    name: 'KEEPA_DEALS_REDIS_URL',
    flag: '--redis-url',
    what: 'redis_url',
    here: ({ config }) => config.redisUrl?.reveal(),
    there: (value) => value,
  },
  {
    name: 'KEEPA_DEALS_DATA_DIR',
    flag: '--data-dir',
    what: 'data_dir',
    here: ({ config }) => config.dataDir,
    there: asPath,
  },
  {
    name: 'KEEPA_DEALS_KEEPA_URL',
    what: 'keepa.url',
    here: ({ config }) => config.keepaUrl,
    there: asUrl,
  },
  {
    name: 'KEEPA_DEALS_CONFIG',
    flag: '--config',
    what: 'the configuration file',
    here: ({ file }) => file,
    there: asPath,
  },
];

const id = 'unit-environment';

export function checkUnitEnvironment({ units, loaded }: Facts): readonly Finding[] {
  const [unit] = units;
  if (unit === undefined) return [skipped(id, 'no unit is installed')];
  const { variables, flags, unknown, unread } = environmentOf(unit);
  const found = places.flatMap(({ name, flag = '', what, here, there }) => {
    if (unknown.has(flag)) return [];
    const said = flags.get(flag);
    const set = said ?? variables.get(name);
    const ours = here(loaded);
    if (set === undefined || there(set.value) === ours) return [];
    const isHere = ours === undefined ? 'not set' : 'another';
    const sets = said === undefined ? `sets ${name}` : `starts it with ${flag}`;
    return warning(id, {
      what: `the unit ${sets} (in ${set.path}), and here it is ${isHere}`,
      why: `${what} is another here, and what is said of it is not true of the service`,
      todo: `set ${name} to the same here, for doctor, locks and checkpoints`,
    });
  });
  if (found.length > 0) return found;
  if (unread.length > 0) {
    return [skipped(id, `${unread.join(', ')} cannot be read here: it may name another Redis`)];
  }
  const inDoubt = places
    .flatMap(({ name, flag = name }) => (flags.has(flag) ? [] : [flag, name]))
    .filter((name) => unknown.has(name));
  if (inDoubt.length > 0) {
    return [skipped(id, `the unit sets ${inDoubt.join(', ')} to what is not known here`)];
  }
  return [fine(id, 'it sets no place that is another here')];
}
