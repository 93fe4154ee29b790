/** Every canary. */

import { dealCanaries } from './canaries-of-deals.ts';
import { peopleCanaries } from './canaries-of-people.ts';
import { processCanaries } from './canaries-of-processes.ts';
import { tokenCanaries } from './canaries-of-tokens.ts';
import type { Canaries } from './canary.ts';

export const canaries: Canaries = {
  ...tokenCanaries,
  ...dealCanaries,
  ...peopleCanaries,
  ...processCanaries,
};
