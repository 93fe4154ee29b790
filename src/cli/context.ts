/**
 * What a command gets from the process it runs in.
 */
import type { Environment } from '../config-layers.ts';
import type { Terminal } from './terminal.ts';

export interface CliContext {
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly terminal: Terminal;
  /** What a command has read and no message may hold; it adds to it. */
  readonly secrets: Set<string>;
}
