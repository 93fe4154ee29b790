/**
 * The command line: what there is to say, and which file answers it.
 *
 * Each command's work is imported only when it is asked for, because `status` has to answer in a
 * blink and the daemon's libraries take longer than that to load. What goes wrong anywhere ends
 * here, as one line for the person and an exit code for the program (cli/cli-error.ts).
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitCodes } from './cli/cli-error.ts';
import type { CliContext } from './cli/context.ts';
import { describeFailure } from './cli/failure.ts';
import { parseCents, parsePercent, parseRates, parseSpanMs } from './cli/quantity.ts';
import { processTerminal } from './cli/terminal.ts';
import { readVersion } from './cli/version.ts';

const context: CliContext = {
  env: process.env,
  cwd: process.cwd(),
  terminal: processTerminal(process.env),
  secrets: new Set(process.env.KEEPA_API_KEY === undefined ? [] : [process.env.KEEPA_API_KEY]),
};
const version = readVersion();
const sorts = ['newest', 'profit', 'percent-down', 'price', 'sales', 'seen'];
const program = new Command('keepa-deals')
  .description('Keeps a local database of Amazon deals fresh from the Keepa API.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'show this help')
  .helpCommand(false)
  // Or `deals` would take the options of `deals rejudge` for its own.
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ writeErr: context.terminal.write, outputError: () => undefined });

command('start', 'Run the daemon until it is told to stop.', [
  ['KEEPA_API_KEY=... keepa-deals start', 'with ./keepa-deals.toml'],
  ['keepa-deals start --config /etc/keepa-deals/keepa-deals.toml --http 127.0.0.1:8080'],
])
  .addOption(configFile())
  .addOption(dataDir())
  .option('--http <address>', 'also answer status requests there: an address, a port or off')
  .addOption(redisUrl())
  .option('--no-standby', 'exit with 75 when another one runs, rather than wait to take over')
  .option('--own-store', 'where the key is used with another database: wait until that one ends')
  .addOption(logLevel())
  .option('--json', 'log one JSON object a line')
  .action(async (flags) => {
    const { start } = await import('./cli/start.ts');
    await finish(start({ ...flags, version }, context));
  });

command('demo', 'Run the daemon on a simulated Keepa: no key, nothing to set up.', [
  ['keepa-deals demo', 'until Ctrl-C'],
  ['keepa-deals demo --seconds 30 --rows 2000 --data-dir ./demo', 'and keep the database'],
])
  .option('--rows <n>', 'rows on sale in the simulated market', whole(1, 20_000), 750)
  .option('--rate <n>', 'tokens per minute of the simulated plan', whole(1, 10_000), 600)
  .option('--seed <n>', 'same seed, same market', whole(0, 2 ** 31 - 1), 1)
  .option('--seconds <n>', 'stop after so long', whole(1, 86_400))
  .addOption(dataDir('keep the data there instead of in a temporary directory'))
  .option('--json', 'print one JSON object a line instead of the screen')
  .action(async (flags) => {
    const { demo } = await import('./cli/demo.ts');
    await finish(demo({ ...flags, version }, context));
  });

command('status', 'What it does, why, what it waits for and until when.', [
  ['keepa-deals status'],
  ['keepa-deals status --watch', 'again every two seconds'],
  ["keepa-deals status --json | jq '.tokens'"],
])
  .addOption(configFile())
  .addOption(dataDir())
  .option('--watch', 'repeat until Ctrl-C; on a terminal only')
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nExit code: 0 working or waiting, 3 degraded, stalled or stopped.')
  .action(async (flags) => {
    const { status } = await import('./cli/status.ts');
    await finish(status(flags, context));
  });

const dealsCommand = command('deals', 'List deals from the database; the daemon need not run.', [
  ['keepa-deals deals', 'the accepted ones'],
  ['keepa-deals deals --min-profit 500 --min-percent-down 40 --max-age 2h --sort profit'],
  ['keepa-deals deals --state candidate,accepted --limit 20'],
  ["keepa-deals deals --state all --format ndjson | jq -r '.asin'"],
])
  .addOption(configFile())
  .addOption(dataDir())
  .option('--state <states>', 'all, or a list of states', 'accepted')
  .option('--feed <name>', 'of this feed only')
  .option('--min-profit <cents>', 'with at least this profit, in whole cents', parseCents)
  .option('--min-percent-down <n>', 'at least so far below the 1-year average', parsePercent)
  .option('--max-age <span>', 'last seen within, as 30m, 2h or 3d', parseSpanMs)
  .option('--verified', 'only those of which a live offer was seen')
  .option('--held', 'also those that would end and are held until someone says yes')
  .addOption(
    new Option('--sort <order>', 'the newest first unless it says otherwise').choices(sorts),
  )
  .option('--limit <n>', 'at most so many', whole(1, 1_000_000))
  .addOption(new Option('--format <format>').choices(['table', 'json', 'ndjson', 'csv']))
  .option('--json', 'the same as --format json')
  .helpCommand(false)
  .action(async (flags) => {
    const { deals } = await import('./cli/deals.ts');
    await finish(deals(flags, context));
  });

command(
  'rejudge',
  'Judge all kept evidence again by the present rules; costs no token.',
  [['keepa-deals deals rejudge', 'after the costs or the limits were changed']],
  dealsCommand,
)
  .addOption(configFile())
  .addOption(dataDir())
  .option('--json', 'print one JSON object')
  .action(async (flags) => {
    const { rejudge } = await import('./cli/deals-rejudge.ts');
    await finish(rejudge(flags, context));
  });

command(
  'confirm-held',
  'Let the rows end that were held because they are too many at once.',
  [
    ['keepa-deals deals --held --state all', 'to look at them first'],
    ['keepa-deals deals confirm-held --yes', 'where nobody can be asked'],
  ],
  dealsCommand,
)
  .addOption(configFile())
  .addOption(dataDir())
  .option('--yes', 'do not ask')
  .option('--json', 'print one JSON object')
  .action(async (flags) => {
    const { confirmHeld } = await import('./cli/deals-confirm-held.ts');
    await finish(confirmHeld(flags, context));
  });

command('why', 'All that is known about a product: its row, its sales, its past, its cost.', [
  ['keepa-deals why 0833161865'],
  ['keepa-deals why https://www.amazon.de/dp/3161484100 --json'],
  ['keepa-deals why 0833161865 --refresh', 'buys its history anew, once you agree to the price'],
])
  .argument('<product>', 'an ASIN, or the address of its page on Amazon')
  .addOption(configFile())
  .addOption(dataDir())
  .option('--domain <domain>', 'the marketplace, as com, co.uk, de, ...')
  .option('--refresh', 'have the running daemon buy its history anew first')
  .option('--verify', 'and its live offers; with --refresh')
  .option('--yes', 'do not ask before tokens are spent')
  .option('--json', 'print one JSON object')
  .action(async (product, flags) => {
    const { why } = await import('./cli/why.ts');
    await finish(why(product, flags, context));
  });

command('tokens', 'Who spent what, and what each kind of request costs in truth.', [
  ['keepa-deals tokens', 'the last day'],
  ["keepa-deals tokens --hours 1 --json | jq '.shapes'"],
])
  .addOption(configFile())
  .addOption(dataDir())
  .option('--hours <n>', 'look so far back', whole(1, 10_000), 24)
  .option('--last <n>', 'list so many of the latest requests', whole(0, 10_000), 10)
  .option('--json', 'print one JSON object')
  .action(async (flags) => {
    const { tokens } = await import('./cli/tokens.ts');
    await finish(tokens(flags, context));
  });

command('plan', 'What this plan of tokens sustains, and what another one would buy.', [
  ['keepa-deals plan', 'your own rate and rows, and the next larger plans'],
  ['keepa-deals plan --rate 5,25 --rows 3000'],
  ["keepa-deals plan --ttl 24 --json | jq '.plans'"],
])
  .addOption(configFile())
  .addOption(dataDir())
  .option('--rate <rates>', 'tokens a minute, one or several as 5,25', parseRates)
  .option('--rows <n>', 'rows listed, over all feeds', whole(1, 1_000_000))
  .option('--ttl <hours>', 'hours after which a row not seen ends', whole(1, 10_000))
  .option('--json', 'print one JSON object')
  .action(async (flags) => {
    const { plan } = await import('./cli/plan.ts');
    await finish(plan(flags, context));
  });

command('analyze', 'Judge a recorded product response: no daemon, no key, no tokens.', [
  ['keepa-deals analyze product.json --now 2026-05-12T21:50:12Z'],
  ["keepa-deals analyze product.json --now 2026-05-12 --json | jq '.sales'"],
])
  .argument('<file>', 'the JSON of a Keepa product response')
  .requiredOption('--now <instant>', 'judge as of then; ISO-8601, UTC unless it says otherwise')
  .option('--price-type <n>', "Keepa's index of the price that the deal is about", '2')
  .option('--asin <asin>', 'of several products only this one')
  .option('--config <file>', 'judge with the costs and the limits of this file')
  .option('--json', 'print one JSON object')
  .action(async (file, flags) => {
    const { analyze } = await import('./cli/analyze.ts');
    await finish(analyze(file, flags, context));
  });

const locks = command('locks', 'The locks that keep two daemons apart: see them, clear them.', [
  ['keepa-deals locks list'],
  ['keepa-deals locks clear daemon-0123456789abcdef', 'as locks list names it'],
]);
subcommand(locks, 'list', {
  description: 'Show every lock, its owner and what that is doing.',
  example: 'keepa-deals locks list --json',
}).action(async (flags) => {
  const { listLocks } = await import('./cli/locks.ts');
  await finish(listLocks(flags, context));
});
subcommand(locks, 'clear', {
  description: 'Delete exactly the named locks; refuses those of a live owner.',
  example: 'keepa-deals locks clear data-dir --yes',
})
  .argument('[names...]', 'as locks list shows them')
  .option('--all', 'every one that is listed')
  .option('--force', 'also from an owner that may be alive; what it writes is then refused')
  .option('--yes', 'do not ask')
  .action(async (names, flags) => {
    const { clearLocks } = await import('./cli/locks.ts');
    await finish(clearLocks(names, flags, context));
  });

const checkpoints = command('checkpoints', 'The saved progress from which work resumes.', [
  ['keepa-deals checkpoints list --json'],
]);
subcommand(checkpoints, 'list', {
  description: 'Show how far each part had come.',
  example: 'keepa-deals checkpoints list --json',
}).action(async (flags) => {
  const { listCheckpoints } = await import('./cli/checkpoints.ts');
  await finish(listCheckpoints(flags, context));
});
subcommand(checkpoints, 'reset', {
  description: "Have a feed's unfinished sweep begin again at its first page.",
  example: 'keepa-deals checkpoints reset used-books --yes',
})
  .argument('<feed>', 'as status names it')
  .option('--yes', 'do not ask')
  .action(async (feed, flags) => {
    const { resetCheckpoint } = await import('./cli/checkpoints.ts');
    await finish(resetCheckpoint(feed, flags, context));
  });

command('import-query', "Turn a deal query that Keepa's page exports into a feed.", [
  ['keepa-deals import-query keepa_query.json', 'prints the section and what may surprise'],
  ['keepa-deals import-query keepa_query.json --name used-books --write'],
])
  .argument('<file>', 'the JSON that keepa.com shows under Deals, "Show API query"')
  .addOption(configFile())
  .option('--name <name>', "the feed's name (default: from the file's)")
  .option('--write', 'put it at the end of the configuration file')
  .option('--json', 'print one JSON object')
  .action(async (file, flags) => {
    const { importQuery } = await import('./cli/import-query.ts');
    await finish(importQuery(file, flags, context));
  });

command('simulate', 'Serve a simulated Keepa over HTTP.', [
  ['keepa-deals simulate --port 8787 --rate 20 --rows 5000'],
  ['KEEPA_DEALS_KEEPA_URL=http://127.0.0.1:8787 KEEPA_API_KEY=any keepa-deals start'],
])
  .option('--port <n>', '0 for any free port', whole(0, 65_535), 8787)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--rate <n>', 'tokens per minute', whole(1, 100_000), 20)
  .option('--rows <n>', 'rows on sale in the market', whole(1, 20_000), 750)
  .option('--seed <n>', 'same seed, same market', whole(0, 2 ** 31 - 1), 1)
  .option('--tokens <n>', 'tokens to begin with (default: a full bucket)', whole(0, 6_000_000))
  .option('--latency <n>', 'per cent of the time that Keepa takes to answer', whole(0, 1_000), 100)
  .option('--key <key>', 'the only key it accepts (default: any)')
  .option('--json', 'print the address as one JSON object')
  .action(async (flags) => {
    const { simulate } = await import('./cli/simulate.ts');
    await finish(simulate(flags, context));
  });

function command(
  name: string,
  description: string,
  examples: readonly (readonly string[])[],
  parent: Command = program,
): Command {
  const lines = examples.map(([line = '', note]) =>
    note === undefined ? `  ${line}` : `  ${line}   # ${note}`,
  );
  return parent
    .command(name)
    .description(description)
    .helpCommand(false)
    .addHelpText('before', `Examples:\n${lines.join('\n')}\n`);
}

function subcommand(
  parent: Command,
  name: string,
  { description, example }: { description: string; example: string },
): Command {
  return parent
    .command(name)
    .description(description)
    .addHelpText('before', `Examples:\n  ${example}\n`)
    .addOption(configFile())
    .addOption(dataDir())
    .addOption(redisUrl())
    .option('--json', 'print one JSON object');
}

function configFile(): Option {
  return new Option('--config <file>', 'configuration file (default: ./keepa-deals.toml)');
}

function dataDir(description = 'where the database is'): Option {
  return new Option('--data-dir <directory>', description);
}

function redisUrl(): Option {
  const what = 'where leases and checkpoints are (a password is safer in KEEPA_DEALS_REDIS_URL)';
  return new Option('--redis-url <url>', what);
}

function logLevel(): Option {
  const levels = ['debug', 'info', 'warn', 'error'];
  return new Option('--log-level <level>', 'how much to say').choices(levels);
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** The exit code is set, not taken: what is still being written gets written. */
async function finish(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version are no failures, and help has said all there is to say.
    if (error.exitCode === 0) return exitCodes.fine;
    if (error.code === 'commander.help') return exitCodes.usage;
  }
  const { exitCode, lines } = describeFailure(error, context.secrets);
  for (const line of lines) context.terminal.say(line);
  return exitCode;
}

// A fault outside every promise would print a stack, and the key may be in it.
process.on('uncaughtException', (error) => process.exit(fail(error)));
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}
