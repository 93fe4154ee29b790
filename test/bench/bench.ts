/**
 * `npm run bench [-- part ...]`: every measurement that the project stands by, or the parts named.
 *
 * Each part is a program of its own: what one leaves in memory or in the compiler's caches would be
 * measured by the next. Ends with 1 when one of them misses a target, after all were measured.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const parts: Readonly<Record<string, string>> = {
  policies: './token-policies.ts',
  judging: '../analysis/bench.ts',
  inference: '../simulation/inference-report.ts',
  resources: './resources.ts',
};

const named = process.argv.slice(2);
const unknown = named.find((name) => !(name in parts));
if (unknown !== undefined) {
  process.stderr.write(`bench: no part "${unknown}"; there are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
for (const [name, file] of Object.entries(parts)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
