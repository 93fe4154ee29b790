/**
 * The commands that run the daemon, show it, and reckon what it spends.
 */
import { type Command, Option } from 'commander';
import {
  type CommandRun,
  command,
  configFile,
  dataDir,
  logLevel,
  redisUrl,
  whole,
} from './command-parts.ts';
import { parseInstantMs, parseRates, parseReason, parseSpanMs } from './quantity.ts';

/** The daemon, and what it is doing. */
export function addRunning(program: Command, { context, version, finish }: CommandRun): void {
  command(program, 'start', 'Run the daemon until it is told to stop.', [
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
      const { start } = await import('./start.ts');
      await finish(start({ ...flags, version }, context));
    });

  command(program, 'demo', 'Run the daemon on a simulated Keepa: no key, nothing to set up.', [
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
      const { demo } = await import('./demo.ts');
      await finish(demo({ ...flags, version }, context));
    });

  command(program, 'status', 'What it does, why, what it waits for and until when.', [
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
      const { status } = await import('./status.ts');
      await finish(status(flags, context));
    });
}

/** The wish that nothing be spent for a while. */
export function addPausing(program: Command, { context, finish }: CommandRun): void {
  command(program, 'pause', 'Spend nothing for a while: kept over restarts, until it ends.', [
    ['keepa-deals pause --for 2h --reason "the key is needed elsewhere"'],
    ['keepa-deals pause --until 2026-12-24T18:00:00Z'],
    ['keepa-deals pause', 'until keepa-deals resume'],
  ])
    .addOption(configFile())
    .addOption(dataDir())
    .addOption(
      new Option('--for <span>', 'how long: 90s, 30m, 2h or 3d')
        .argParser(parseSpanMs)
        .conflicts('until'),
    )
    .addOption(
      new Option('--until <instant>', 'when it ends, with its zone').argParser(parseInstantMs),
    )
    .option('--reason <text>', 'shown wherever the pause is', parseReason)
    .option('--json', 'print one JSON object')
    .action(async (flags) => {
      const { pause } = await import('./pause.ts');
      await finish(pause(flags, context));
    });

  command(program, 'resume', 'End a pause before its time.', [['keepa-deals resume']])
    .addOption(configFile())
    .addOption(dataDir())
    .option('--json', 'print one JSON object')
    .action(async (flags) => {
      const { resume } = await import('./pause.ts');
      await finish(resume(flags, context));
    });
}

/** Where the tokens went, and where they would go. */
export function addReckoning(program: Command, { context, finish }: CommandRun): void {
  command(program, 'tokens', 'Who spent what, and what each kind of request costs in truth.', [
    ['keepa-deals tokens', 'the last day'],
    ["keepa-deals tokens --hours 1 --json | jq '.shapes'"],
  ])
    .addOption(configFile())
    .addOption(dataDir())
    .option('--hours <n>', 'look so far back', whole(1, 10_000), 24)
    .option('--last <n>', 'list so many of the latest requests', whole(0, 10_000), 10)
    .option('--json', 'print one JSON object')
    .action(async (flags) => {
      const { tokens } = await import('./tokens.ts');
      await finish(tokens(flags, context));
    });

  command(program, 'plan', 'What this plan of tokens sustains, and what another one would buy.', [
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
      const { plan } = await import('./plan.ts');
      await finish(plan(flags, context));
    });
}
