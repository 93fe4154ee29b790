/**
 * `doctor` on what the installed unit sets for the service, and this shell does not have.
 *
 * A drop-in that names a Redis is the service's alone: a person's shell beside it looks for leases
 * where none are, and finds that all is quiet. Names are shown and no values, for some are secrets.
 */
import { readFileSync } from 'node:fs';
import type { Facts } from './doctor-facts.ts';
import { type Finding, fine, skipped, warning } from './doctor-finding.ts';
import type { Unit } from './doctor-unit.ts';

/** What says where things are kept, to the name in the configuration that a flag overrides. */
const places: Readonly<Record<string, string>> = {
  KEEPA_DEALS_REDIS_URL: 'redis_url',
  KEEPA_DEALS_DATA_DIR: 'data_dir',
  KEEPA_DEALS_KEEPA_URL: 'keepa.url',
  KEEPA_DEALS_CONFIG: 'the configuration file',
};

const id = 'unit-environment';

export function checkUnitEnvironment(facts: Facts): readonly Finding[] {
  const [unit] = facts.units;
  if (unit === undefined) return [skipped(id, 'no unit is installed')];
  const { set, unread } = settingsOf(unit);
  const missing = [...set].filter(([name]) => lacks(facts, name));
  const found = missing.map(([name, path]) =>
    warning(id, {
      what: `the unit sets ${name} (in ${path}), and this shell does not`,
      why: `${places[name]} is another here, and what is said of it is not true of the service`,
      todo: `set ${name} here as well, for doctor, locks and checkpoints`,
    }),
  );
  if (found.length > 0) return found;
  if (unread.length > 0) {
    return [skipped(id, `${unread.join(', ')} cannot be read here: it may name another Redis`)];
  }
  return [fine(id, 'it sets no place that this shell does not know')];
}

function lacks({ context: { env }, flags, loaded }: Facts, name: string): boolean {
  if (env[name]) return false;
  if (name === 'KEEPA_DEALS_CONFIG') return flags.config === undefined;
  return loaded.origins[places[name] ?? '']?.startsWith('--') !== true;
}

interface UnitSettings {
  /** Names of ours, each with the file that sets it last. */
  readonly set: ReadonlyMap<string, string>;
  readonly unread: readonly string[];
}

function settingsOf(unit: Unit): UnitSettings {
  const set = new Map<string, string>();
  const unread: string[] = [];
  const note = (text: string, path: string): void => {
    for (const [, name = ''] of text.matchAll(/(?:^|[\s"'])(KEEPA_DEALS_[A-Z_]+)=/g)) {
      if (name in places) set.set(name, path);
    }
  };
  const read = (path: string, use: (text: string) => void): void => {
    try {
      use(readFileSync(path, 'utf8'));
    } catch {
      unread.push(path);
    }
  };
  const look = (text: string, path: string): void => {
    for (const [, kind, value = ''] of text.matchAll(/^(Environment|EnvironmentFile)=(.*)$/gm)) {
      if (kind === 'Environment') note(value, path);
      // A file that may be absent begins with a minus.
      else if (value.trim() !== '') read(value.trim().replace(/^-/, ''), lines(note, path));
    }
  };
  look(unit.text, unit.path);
  for (const path of unit.dropIns) read(path, (text) => look(text, path));
  return { set, unread };
}

/** Of a file of variables, which has remarks of its own; a person looks for it by the unit's. */
function lines(note: (text: string, path: string) => void, path: string) {
  return (text: string): void => {
    for (const line of text.split('\n')) if (!/^\s*[#;]/.test(line)) note(line, path);
  };
}
