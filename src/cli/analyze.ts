/**
 * `analyze`: judges recorded products from a file, with the same rules as the daemon.
 *
 * Needs no daemon, no key and no token, and reads no clock and, unless it is told to, no
 * configuration: the instant is an argument, so the same file gives the same verdict for ever. A
 * product without a history is an answer (insufficient), a file without a product is a failure.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { judge } from '../analysis/judge.ts';
import type { Config } from '../config.ts';
import { dealPriceTypes, isMoney } from '../keepa/price-type.ts';
import type { Product } from '../keepa/product.ts';
import { decodeProductDocument } from '../keepa/wire-document.ts';
import { analysesJson, analysesText } from './analyze-format.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { readConfig } from './reading.ts';

export interface AnalyzeFlags {
  readonly now: string;
  readonly priceType: string;
  /** Of the products in the file only this one. */
  readonly asin?: string;
  /** Whose costs and limits to judge with; without it none, so the file alone decides. */
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * Prints the verdict on every product of the file with its evidence. A product that cannot be read
 * is named and costs the others nothing; the exit code is then 1.
 *
 * @throws CliError 2 for a bad instant or price type, 1 when there is nothing to judge.
 */
export async function analyze(
  file: string,
  flags: AnalyzeFlags,
  context: CliContext,
): Promise<number> {
  const { cwd, terminal } = context;
  const nowMs = parseInstant(flags.now);
  const priceType = parsePriceType(flags.priceType);
  const rules = rulesFrom(flags, context);
  const { products, faults } = decodeProductDocument(readDocument(file, cwd));
  if (products.length === 0) {
    throw cannotJudge(file, faults[0]?.why ?? 'it holds no product');
  }
  for (const { asin, why } of faults) {
    terminal.say(`keepa-deals: ${file}: ${asin ?? 'a product'} cannot be read: ${why}`);
  }
  const analyses = chosen(products, flags.asin, file).map((product) => {
    const judgement = judge({ product, priceType, nowMs, ...rules });
    return { product, judgement, nowMs, priceType };
  });
  terminal.out(flags.json === true ? analysesJson(analyses) : analysesText(analyses));
  return faults.length === 0 ? exitCodes.fine : exitCodes.failed;
}

/** @throws ConfigError */
function rulesFrom(
  { config }: AnalyzeFlags,
  context: CliContext,
): Pick<Config, 'costs' | 'acceptance'> | undefined {
  if (config === undefined) return undefined;
  const { costs, acceptance } = readConfig({ config }, context);
  return { costs, acceptance };
}

function chosen(
  products: readonly Product[],
  asin: string | undefined,
  file: string,
): readonly Product[] {
  if (asin === undefined) return products;
  const found = products.filter((product) => product.asin === asin.toUpperCase());
  if (found.length > 0) return found;
  const held = products.slice(0, namedProductsMax).map((product) => product.asin);
  const more = products.length > held.length ? ', ...' : '';
  throw cannotJudge(file, `${asin} is not in it, but ${held.join(', ')}${more}`);
}

/** In a message about a file of a hundred, so many show what it is about. */
const namedProductsMax = 5;

function readDocument(file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw cannotJudge(file, readingReason(error));
  }
}

function readingReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a directory';
  return systemReason(error);
}

function cannotJudge(file: string, why: string): CliError {
  const todo = 'give the JSON of a Keepa product response';
  return new CliError(exitCodes.failed, { what: file, why, todo });
}

/** Date, optional time, optional zone: anything else means one thing here and another there. */
const instantPattern =
  /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/** Unix ms. Without a zone it is UTC, whatever the machine's own zone is. */
function parseInstant(text: string): number {
  const [, day = '', time = '00:00', zone = 'Z'] = instantPattern.exec(text.toUpperCase()) ?? [];
  const midnight = new Date(`${day}T00:00Z`);
  const atMs = Date.parse(`${day}T${time}${zone.replace(/^(.\d{2})(\d{2})$/, '$1:$2')}`);
  // February 30 would silently become March 2.
  const isCalendarDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  if (day !== '' && isCalendarDay && !Number.isNaN(atMs)) return atMs;
  throw new CliError(exitCodes.usage, {
    what: `--now ${JSON.stringify(text)}`,
    why: 'is no ISO-8601 instant',
    todo: 'write it like 2026-05-12T21:50:12Z',
  });
}

function parsePriceType(text: string): number {
  const priceType = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (isMoney(priceType)) return priceType;
  throw new CliError(exitCodes.usage, {
    what: `--price-type ${JSON.stringify(text)}`,
    why: 'is no price type of a deal',
    todo: `use one of ${[...dealPriceTypes].filter(isMoney).join(', ')} (2 is used, 1 new)`,
  });
}
