/**
 * `doctor`: looks at everything that can be wrong with a set-up, and says what it found, why that
 * matters, and what to do.
 *
 * It is for whoever did not build this and has it before them broken, so nothing here may need
 * another thing to be well: each check stands alone, and one that fails is a finding itself. It
 * only looks: it takes no lease, spends no token, and writes nothing, whether the daemon is dead,
 * alive or standing by. (SQLite itself may leave an empty log and its index beside a file that was
 * read, as it does for every reader.)
 */

import { type Clock, systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/describe-error.ts';
import { printable } from '../runtime/printable.ts';
import { redactorOf } from '../runtime/redaction.ts';
import type { CliContext } from './context.ts';
import { checkConfig, checkQueries, effectiveValues } from './doctor-config.ts';
import { checkDaemon, checkLeases, checkRestarts, checkVersion } from './doctor-daemon.ts';
import { checkIntegrity, checkLog, checkSchema } from './doctor-database.ts';
import { checkDataDir, checkDiskSpace } from './doctor-disk.ts';
import { type DoctorFlags, type Facts, gatherFacts } from './doctor-facts.ts';
import { broken, exitCodeFor, type Finding } from './doctor-finding.ts';
import { doctorJson, doctorLines, type Examined } from './doctor-format.ts';
import { checkClock } from './doctor-keepa.ts';
import { checkKey, checkKeyAccepted } from './doctor-key.ts';
import { type Kept, lookAtCoordination } from './doctor-leases.ts';
import { checkPlan } from './doctor-plan.ts';
import { checkRedis } from './doctor-redis.ts';
import { checkUnit, systemUnitDirectories } from './doctor-unit.ts';
import { checkUnitEnvironment } from './doctor-unit-environment.ts';
import {
  checkCheckpoints,
  checkCoverage,
  checkFreshness,
  checkListings,
  checkSpenders,
} from './doctor-work.ts';

/** What lies elsewhere on the machine than the configuration says; other places are for tests. */
export interface DoctorMachine {
  readonly clock: Clock;
  readonly unitDirectories: readonly string[];
}

type Check = (facts: Facts, kept: Kept) => readonly Finding[] | Promise<readonly Finding[]>;

/** In the order in which they are printed among their like. */
const checks: Readonly<Record<string, Check>> = {
  config: checkConfig,
  feeds: checkQueries,
  key: checkKey,
  keepa: checkKeyAccepted,
  clock: checkClock,
  'data-dir': checkDataDir,
  disk: checkDiskSpace,
  schema: checkSchema,
  integrity: checkIntegrity,
  wal: checkLog,
  redis: checkRedis,
  daemon: checkDaemon,
  version: checkVersion,
  restarts: checkRestarts,
  leases: checkLeases,
  checkpoints: checkCheckpoints,
  freshness: checkFreshness,
  listings: checkListings,
  coverage: checkCoverage,
  plan: checkPlan,
  spenders: checkSpenders,
  unit: checkUnit,
  'unit-environment': checkUnitEnvironment,
};

/**
 * Prints what it found; 0 when all is well, 3 when something is not as it should be, 1 when
 * something is broken.
 *
 * @throws ConfigError when flags and environment do not even say where to look.
 */
export async function doctor(
  flags: DoctorFlags,
  context: CliContext,
  machine: Partial<DoctorMachine> = {},
): Promise<number> {
  const { terminal } = context;
  const { clock = systemClock(), unitDirectories = systemUnitDirectories } = machine;
  const facts = await gatherFacts(flags, context, { clock, unitDirectories });
  const examined: Examined = {
    atMs: facts.nowMs,
    version: flags.version,
    isLive: flags.live === true,
    dataDir: facts.loaded.config.dataDir,
    findings: await examine(facts),
    values: effectiveValues(facts).map((value) => ({
      ...value,
      value: safe(value.value, context),
    })),
  };
  if (flags.json === true) terminal.out(doctorJson(examined));
  else {
    const lines = doctorLines(examined, {
      columns: Math.min(terminal.columns(), columnsMax),
      isColoured: terminal.hasOutColour,
    });
    terminal.out(`${lines.join('\n')}\n`);
  }
  return exitCodeFor(examined.findings);
}

/** Longer lines are not read, whatever the terminal has room for. */
const columnsMax = 110;

async function examine(facts: Facts): Promise<readonly Finding[]> {
  const kept = await lookAtCoordination(facts);
  const found: Finding[] = [];
  // One after the other: the database and Redis are asked by several of them.
  for (const [id, check] of Object.entries(checks)) {
    try {
      found.push(...(await check(facts, kept)));
    } catch (error) {
      found.push(failure(id, error));
    }
  }
  return found.map((finding) => ({
    ...finding,
    what: safe(finding.what, facts.context),
    ...(finding.why === undefined ? {} : { why: safe(finding.why, facts.context) }),
    ...(finding.todo === undefined ? {} : { todo: safe(finding.todo, facts.context) }),
  }));
}

/** What the check looked at is not known to be well. */
function failure(id: string, error: unknown): Finding {
  return broken(id, {
    what: `this could not be looked at: ${describeError(error)}`,
    why: 'it may be well or not',
    todo: 'run doctor as root, or as the user of the service',
  });
}

/** One line without a secret (promise P11): files and other programs speak here, too. */
function safe(text: string, { secrets }: CliContext): string {
  return printable(redactorOf([...secrets])(text));
}
