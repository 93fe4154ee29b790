/**
 * The commands that show deals, and say why a product is one or not.
 */
import { type Command, Option } from 'commander';
import { type CommandRun, command, configFile, dataDir, whole } from './command-parts.ts';
import { parseCents, parsePercent, parseSpanMs } from './quantity.ts';

const sorts = ['newest', 'profit', 'percent-down', 'price', 'sales', 'seen'];

/** `deals`, and what may be done to all of them. */
export function addDeals(program: Command, { context, finish }: CommandRun): void {
  const deals = command(
    program,
    'deals',
    'List deals from the database; the daemon need not run.',
    [
      ['keepa-deals deals', 'the accepted ones'],
      ['keepa-deals deals --min-profit 500 --min-percent-down 40 --max-age 2h --sort profit'],
      ['keepa-deals deals --state candidate,accepted --limit 20'],
      ["keepa-deals deals --state all --format ndjson | jq -r '.asin'"],
    ],
  )
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
      const work = await import('./deals.ts');
      await finish(work.deals(flags, context));
    });

  command(deals, 'rejudge', 'Judge all kept evidence again by the present rules; costs no token.', [
    ['keepa-deals deals rejudge', 'after the costs or the limits were changed'],
  ])
    .addOption(configFile())
    .addOption(dataDir())
    .option('--json', 'print one JSON object')
    .action(async (flags) => {
      const { rejudge } = await import('./deals-rejudge.ts');
      await finish(rejudge(flags, context));
    });

  command(
    deals,
    'confirm-held',
    'Let the rows end that were held because they are too many at once.',
    [
      ['keepa-deals deals --held --state all', 'to look at them first'],
      ['keepa-deals deals confirm-held --yes', 'where nobody can be asked'],
    ],
  )
    .addOption(configFile())
    .addOption(dataDir())
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON object')
    .action(async (flags) => {
      const { confirmHeld } = await import('./deals-confirm-held.ts');
      await finish(confirmHeld(flags, context));
    });
}

/** What is thought of one product, and why. */
export function addJudgements(program: Command, { context, finish }: CommandRun): void {
  command(
    program,
    'why',
    'All that is known about a product: its row, its sales, its past, its cost.',
    [
      ['keepa-deals why 0833161865'],
      ['keepa-deals why https://www.amazon.de/dp/3161484100 --json'],
      [
        'keepa-deals why 0833161865 --refresh',
        'buys its history anew, once you agree to the price',
      ],
    ],
  )
    .argument('<product>', 'an ASIN, or the address of its page on Amazon')
    .addOption(configFile())
    .addOption(dataDir())
    .option('--domain <domain>', 'the marketplace, as com, co.uk, de, ...')
    .option('--refresh', 'have the running daemon buy its history anew first')
    .option('--verify', 'and its live offers; with --refresh')
    .option('--yes', 'do not ask before tokens are spent')
    .option('--json', 'print one JSON object')
    .action(async (product, flags) => {
      const { why } = await import('./why.ts');
      await finish(why(product, flags, context));
    });

  command(program, 'analyze', 'Judge a recorded product response: no daemon, no key, no tokens.', [
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
      const { analyze } = await import('./analyze.ts');
      await finish(analyze(file, flags, context));
    });
}
