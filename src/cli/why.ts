/**
 * `why`: everything that is known about one product, and why its row is what it is.
 *
 * Reading costs nothing and needs no daemon. With `--refresh` the running daemon, the only one that
 * may spend, buys the history anew first, after the price was named and agreed to.
 */
import type { Config } from '../config.ts';
import { suffixOf } from '../keepa/domain.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Deal, DealReader } from '../store/ports.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { type ProductRef, parseProductRef } from './product-ref.ts';
import { type PlaceFlags, readConfig, withStore } from './reading.ts';
import { gatherFacts, type ProductFacts } from './why-facts.ts';
import { whyJson, whyLines } from './why-format.ts';
import { type Refreshed, refreshProduct } from './why-refresh.ts';

export interface WhyFlags extends PlaceFlags {
  readonly domain?: string;
  readonly refresh?: boolean;
  readonly verify?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** What is not a terminal has no width of its own. */
const columnsPiped = 80;

/**
 * Prints what is known. The exit code is 1 when the kept evidence cannot be read, or a purchase
 * that was asked for changed nothing.
 *
 * @throws CliError 2 for what is no product, 1 for one that was never seen.
 */
export async function why(text: string, flags: WhyFlags, context: CliContext): Promise<number> {
  const ref = parseProductRef(text, flags.domain);
  const config = readConfig(flags, context);
  const { terminal } = context;
  checkFlags(flags);
  const refreshed =
    flags.refresh === true ? await refresh(ref, { flags, config, terminal }) : 'bought';
  if (refreshed === 'declined') return exitCodes.failed;
  const facts = await withStore(config.dataDir, async ({ reader }) => {
    const deals = await rowsOf(reader, ref);
    const [{ asin, domainId }] = deals;
    return gatherFacts(reader, { asin, domainId, deals }, { nowMs: systemClock().now(), config });
  });
  const columns = Number.isFinite(terminal.columns()) ? terminal.columns() : columnsPiped;
  terminal.out(
    flags.json === true ? whyJson(facts) : `${whyLines(facts, { columns }).join('\n')}\n`,
  );
  const code = codeOf(facts, context);
  return refreshed === 'bought' ? code : exitCodes.failed;
}

function refresh(
  ref: ProductRef,
  { flags, config, terminal }: Pick<CliContext, 'terminal'> & { flags: WhyFlags; config: Config },
): Promise<Refreshed> {
  const { dataDir } = config;
  return withStore(dataDir, async ({ reader }) => {
    const [deal] = await rowsOf(reader, ref);
    return await refreshProduct(deal, { flags, dataDir, reader, terminal });
  });
}

function checkFlags({ refresh, verify }: WhyFlags): void {
  if (verify !== true || refresh === true) return;
  throw new CliError(exitCodes.usage, {
    what: '--verify',
    why: 'says what to buy, and nothing is bought',
    todo: 'add --refresh',
  });
}

function codeOf({ evidence, asin }: ProductFacts, { terminal }: CliContext): number {
  if (evidence?.fault === undefined) return exitCodes.fine;
  terminal.say(`keepa-deals: ${asin}: the kept evidence cannot be read: ${evidence.fault}`);
  return exitCodes.failed;
}

/**
 * The rows of the product on one marketplace.
 *
 * @throws CliError (1) when it was never seen, (2) when nobody said which marketplace is meant.
 */
async function rowsOf(
  reader: DealReader,
  { asin, domainId }: ProductRef,
): Promise<readonly [Deal, ...Deal[]]> {
  const [first, ...others] = await reader.deal(asin, domainId);
  if (first === undefined) {
    const where = domainId === undefined ? '' : ` on amazon.${suffixOf(domainId)}`;
    throw new CliError(exitCodes.failed, {
      what: asin,
      why: `never seen${where}`,
      todo: 'only products that a feed has listed are known',
    });
  }
  const domains = [...new Set([first, ...others].map((deal) => String(deal.domainId)))];
  if (domains.length > 1) {
    throw new CliError(exitCodes.usage, {
      what: asin,
      why: `known on several marketplaces (${domains.join(', ')})`,
      todo: 'choose one with --domain',
    });
  }
  return [first, ...others];
}
