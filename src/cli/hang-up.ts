/**
 * What a SIGHUP means. From a service manager or a person with `kill -HUP` it asks to read the
 * configuration again. But a terminal that is closed sends it as well, to whatever runs in it: then
 * nobody is there any more who wants the process, and it has to end as it always did.
 */
import { closeSync, openSync } from 'node:fs';

/** True when the process talks to a terminal and that is gone. */
export function isHungUp({ isTalkTty }: { readonly isTalkTty: boolean }): boolean {
  if (!isTalkTty) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
