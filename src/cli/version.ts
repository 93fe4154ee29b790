/**
 * Which version this is, from the package that the running code belongs to.
 */
import { readFileSync } from 'node:fs';

export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const found: unknown = JSON.parse(text).version;
  return typeof found === 'string' ? found : 'unknown';
}
