/**
 * The commands for whoever keeps a daemon in order, and for whoever has no key yet.
 */
import type { Command } from 'commander';
import {
  type CommandRun,
  command,
  configFile,
  dataDir,
  redisUrl,
  subcommand,
  whole,
} from './command-parts.ts';

/** The leases and the saved progress. */
export function addCoordination(program: Command, { context, finish }: CommandRun): void {
  const locks = command(
    program,
    'locks',
    'The locks that keep two daemons apart: see them, clear them.',
    [
      ['keepa-deals locks list'],
      ['keepa-deals locks clear daemon-0123456789abcdef', 'as locks list names it'],
    ],
  );
  subcommand(locks, 'list', {
    description: 'Show every lock, its owner and what that is doing.',
    example: 'keepa-deals locks list --json',
  }).action(async (flags) => {
    const { listLocks } = await import('./locks.ts');
    await finish(listLocks(flags, context));
  });
  subcommand(locks, 'clear', {
    description: 'Delete exactly the named locks; refuses those of a live owner.',
    example: 'keepa-deals locks clear data-dir --yes',
  })
    .argument('[names...]', 'as locks list shows them')
    .option('--all', 'every one that is listed')
    .option(
      '--force',
      'also from an owner that may be alive, whose writes are then refused, and what is no lock',
    )
    .option('--yes', 'do not ask')
    .action(async (names, flags) => {
      const { clearLocks } = await import('./locks.ts');
      await finish(clearLocks(names, flags, context));
    });

  const checkpoints = command(
    program,
    'checkpoints',
    'The saved progress from which work resumes.',
    [['keepa-deals checkpoints list --json']],
  );
  subcommand(checkpoints, 'list', {
    description: 'Show how far each part had come.',
    example: 'keepa-deals checkpoints list --json',
  }).action(async (flags) => {
    const { listCheckpoints } = await import('./checkpoints.ts');
    await finish(listCheckpoints(flags, context));
  });
  subcommand(checkpoints, 'reset', {
    description: "Have a feed's unfinished sweep begin again at its first page.",
    example: 'keepa-deals checkpoints reset used-books --yes',
  })
    .argument('<feed>', 'as status names it')
    .option('--yes', 'do not ask')
    .action(async (feed, flags) => {
      const { resetCheckpoint } = await import('./checkpoints.ts');
      await finish(resetCheckpoint(feed, flags, context));
    });
}

/** What is wrong, and what to do about it. */
export function addDoctor(program: Command, { context, version, finish }: CommandRun): void {
  command(program, 'doctor', 'Look for what is wrong with the set-up, and say what to do.', [
    ['keepa-deals doctor', 'changes nothing, spends nothing; the daemon need not run'],
    ['keepa-deals doctor --live', 'also asks Keepa whether it accepts the key'],
    ['keepa-deals doctor --json | jq \'.findings[] | select(.level == "error")\''],
  ])
    .addOption(configFile())
    .addOption(dataDir())
    .addOption(redisUrl())
    .option('--live', 'ask Keepa for the balance, which is free: is the key good, is the clock?')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code: 0 healthy, 3 not as it should be, 1 broken.')
    .action(async (flags) => {
      const { doctor } = await import('./doctor.ts');
      await finish(doctor({ ...flags, version }, context));
    });
}

/** Keepa's side: its queries, and a simulated one. */
export function addOutside(program: Command, { context, finish }: CommandRun): void {
  command(program, 'import-query', "Turn a deal query that Keepa's page exports into a feed.", [
    ['keepa-deals import-query keepa_query.json', 'prints the section and what may surprise'],
    ['keepa-deals import-query keepa_query.json --name used-books --write'],
  ])
    .argument('<file>', 'the JSON that keepa.com shows under Deals, "Show API query"')
    .addOption(configFile())
    .option('--name <name>', "the feed's name (default: from the file's)")
    .option('--write', 'put it at the end of the configuration file')
    .option('--json', 'print one JSON object')
    .action(async (file, flags) => {
      const { importQuery } = await import('./import-query.ts');
      await finish(importQuery(file, flags, context));
    });

  command(program, 'simulate', 'Serve a simulated Keepa over HTTP.', [
    ['keepa-deals simulate --port 8787 --rate 20 --rows 5000'],
    ['KEEPA_DEALS_KEEPA_URL=http://127.0.0.1:8787 KEEPA_API_KEY=any keepa-deals start'],
  ])
    .option('--port <n>', '0 for any free port', whole(0, 65_535), 8787)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--rate <n>', 'tokens per minute', whole(1, 100_000), 20)
    .option('--rows <n>', 'rows on sale in the market', whole(1, 20_000), 750)
    .option('--seed <n>', 'same seed, same market', whole(0, 2 ** 31 - 1), 1)
    .option('--tokens <n>', 'tokens to begin with (default: a full bucket)', whole(0, 6_000_000))
    .option(
      '--latency <n>',
      'per cent of the time that Keepa takes to answer',
      whole(0, 1_000),
      100,
    )
    .option('--key <key>', 'the only key it accepts (default: any)')
    .option('--json', 'print the address as one JSON object')
    .action(async (flags) => {
      const { simulate } = await import('./simulate.ts');
      await finish(simulate(flags, context));
    });
}
