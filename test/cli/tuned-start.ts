/**
 * The command `start` as a process of its own, with leases that run out in seconds or with the id
 * of another host. The argument is JSON: `{ flags, tuning }`.
 */
import { type StartFlags, start, type Tuning } from '../../src/cli/start.ts';
import { processTerminal } from '../../src/cli/terminal.ts';

const asked: { readonly flags: Partial<StartFlags>; readonly tuning: Tuning } = JSON.parse(
  process.argv[2] ?? '{}',
);
const context = {
  env: process.env,
  cwd: process.cwd(),
  terminal: processTerminal(process.env),
  secrets: new Set<string>(),
};
process.exitCode = await start(
  { json: true, version: '0.0.0', ...asked.flags },
  context,
  asked.tuning,
);
