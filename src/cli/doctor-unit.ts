/**
 * `doctor` on the systemd unit: whether one is installed, and whether it is the one that came with
 * this version.
 *
 * A unit that was copied once and never again misses what later versions rely on, such as the
 * watchdog or the credential. Settings of one's own belong into a drop-in, which is named here.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from './doctor-facts.ts';
import { broken, type Finding, fine, note, warning } from './doctor-finding.ts';

const unitName = 'keepa-deals.service';
const shippedPath = new URL(`../../systemd/${unitName}`, import.meta.url);

/** Where systemd looks, what wins first. */
export const systemUnitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
] as const;

export interface Unit {
  readonly path: string;
  readonly text: string;
  /** Names of the files that change it. */
  readonly dropIns: readonly string[];
}

/** The units that are installed, the one that counts first; what cannot be read counts as none. */
export function installedUnits(directories: readonly string[]): readonly Unit[] {
  const dropIns = directories.flatMap((directory) => filesIn(join(directory, `${unitName}.d`)));
  return directories.flatMap((directory) => {
    const path = join(directory, unitName);
    const text = existsSync(path) ? textOf(path) : undefined;
    return text === undefined ? [] : { path, text, dropIns };
  });
}

function filesIn(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.conf'));
    return names.sort().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The file of the credential of that name in a unit. */
export function credentialIn(text: string, name: string): string | undefined {
  return new RegExp(`^LoadCredential=${name}:(/.*)$`, 'm').exec(text)?.[1]?.trim();
}

/** Where the service keeps its data unless its configuration says otherwise. */
export function stateDirectoryIn(text: string): string | undefined {
  const name = /^StateDirectory=(\S+)/m.exec(text)?.[1];
  return name === undefined ? undefined : `/var/lib/${name}`;
}

export function checkUnit({ units }: Facts): readonly Finding[] {
  const [unit] = units;
  if (unit === undefined) {
    return [
      note('unit', {
        what: `${unitName} is not installed`,
        why: 'unless something else does, nothing starts it after a boot or a crash',
        todo: 'see README, "As a service"',
      }),
    ];
  }
  if (unit.text.trim() === '') {
    const what = `${unit.path} is masked or empty`;
    const why = 'systemd refuses to start the service';
    return [broken('unit', { what, why, todo: `systemctl unmask ${unitName}` })];
  }
  const changed = changedSettings(readFileSync(shippedPath, 'utf8'), unit.text);
  const own = unit.dropIns.length === 0 ? '' : `; drop-ins: ${unit.dropIns.join(', ')}`;
  if (changed.length === 0) {
    return [fine('unit', `${unit.path} has the settings that came with this version${own}`)];
  }
  return [
    warning('unit', {
      what: `${unit.path} differs from the shipped unit in ${changed.join(', ')}${own}`,
      why: 'it may lack what this version relies on',
      todo: `copy systemd/${unitName} again; changes of your own go into ${unitName}.d/*.conf`,
    }),
  ];
}

/** Names of the settings with other values: values may hold what nobody should see. */
function changedSettings(shipped: string, installed: string): readonly string[] {
  const [ours, theirs] = [settingsOf(shipped), settingsOf(installed)];
  const names = [...new Set([...ours.keys(), ...theirs.keys()])];
  return names.filter((name) => ours.get(name) !== theirs.get(name)).map(bareName);
}

/** `[Service] Restart` to its values, in order; comments say nothing to systemd. */
function settingsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[')) {
      section = line;
      continue;
    }
    const [name = '', ...value] = line.split('=');
    const key = `${section} ${name.trim()}`;
    found.set(key, [found.get(key) ?? '', value.join('=').trim()].join('\n'));
  }
  return found;
}

function bareName(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}
