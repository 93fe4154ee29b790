/** Every rule that looks at one file at a time. */
import { banRule, keepaWordRule, leftoverRule, moduleRule, sqlRule } from './bans.ts';
import type { Rule } from './finding.ts';
import { doorRule, floorRule, knownPartRule, writtenOutRule } from './floors.ts';
import {
  fileLengthRule,
  functionLengthRule,
  lineLengthRule,
  nameRule,
  openingRule,
} from './shape.ts';

export const rules: readonly Rule[] = [
  floorRule,
  knownPartRule,
  writtenOutRule,
  doorRule,
  banRule,
  moduleRule,
  sqlRule,
  keepaWordRule,
  leftoverRule,
  fileLengthRule,
  lineLengthRule,
  functionLengthRule,
  openingRule,
  nameRule,
];
