/**
 * Records as CSV (RFC 4180): a head line, CRLF, quotes doubled.
 *
 * Titles and seller names are written by strangers, and a spreadsheet runs a cell that begins with
 * `=`, `+`, `-` or `@` as a formula. Such a text gets an apostrophe before it, which spreadsheets
 * take as "this is text"; a program that wants it verbatim reads JSON or NDJSON. Numbers are ours:
 * a negative profit stays a number.
 */
export type CsvValue = string | number | boolean | null;

/** Also after a tab or a line break, and in the full-width form: all of them have been used. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

/** The lines under the heads, one per record; an absent value is an empty cell. */
export function csvText(
  heads: readonly string[],
  records: readonly (readonly CsvValue[])[],
): string {
  return [heads, ...records].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
