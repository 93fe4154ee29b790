/**
 * A deal query as the `[[feeds]]` section of a configuration file: the text that is printed, and
 * that is put at the end of the file without touching what is there.
 */
import { parse, stringify, TomlError } from 'smol-toml';
import type { DealQuery } from '../keepa/deal-query.ts';
import { suffixOf } from '../keepa/domain.ts';

/** TOML that the configuration's own schema takes; ends in a line break. */
export function feedSection(name: string, query: DealQuery): string {
  const { domainId: _domain, priceTypes: _type, ...selection } = query.selection;
  const header = stringify({
    name,
    domain: suffixOf(query.domainId),
    price_type: query.priceType,
  }).trimEnd();
  const fields = stringify({ sortType: query.sortType, ...selection }).trimEnd();
  return `[[feeds]]\n${header}\n\n[feeds.selection]\n${fields}\n`;
}

/** A file's text with the section at its end, or in a few words why it cannot be there. */
export function withSection(
  text: string,
  { name, section }: { readonly name: string; readonly section: string },
): { readonly text: string } | { readonly refused: string } {
  const before = parsed(text);
  if (before === undefined) return { refused: 'it is not TOML' };
  if (feedNames(before).includes(name)) return { refused: `it has a feed "${name}" already` };
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' ? '' : text.endsWith('\n') ? lineEnd : lineEnd.repeat(2);
  const joined = `${text}${gap}${section.replaceAll('\n', lineEnd)}`;
  const after = parsed(joined);
  // Feeds that were written as one inline list cannot be added to from below.
  if (after === undefined || !feedNames(after).includes(name)) {
    return { refused: 'its feeds are one inline list, to which no section can be added' };
  }
  return { text: joined };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
}

function feedNames({ feeds }: Readonly<Record<string, unknown>>): unknown[] {
  if (!Array.isArray(feeds)) return [];
  return feeds.map((feed) =>
    typeof feed === 'object' && feed !== null && 'name' in feed ? feed.name : undefined,
  );
}
