/**
 * The status on a terminal's screen, for who watches it: what it does, why and when it goes on is
 * seen whatever the screen's size, since nothing is printed that would scroll it away.
 */
import type { ScreenSize } from './terminal.ts';
import { shortened, widthOf } from './text-width.ts';

/**
 * As many of the lines as fit, with one row left for the cursor, and how many are missing. The
 * first, which is the state and its reason, gets the rows that it takes; the others are cut.
 */
export function fitted(lines: readonly string[], { columns, rows }: ScreenSize): string[] {
  const [head = '', ...others] = lines;
  const all = [...broken(head, columns), ...others.map((line) => shortened(line, columns))];
  const room = Math.max(1, rows - 1);
  if (all.length <= room) return all;
  const shown = all.slice(0, Math.max(1, room - 1));
  const rest = `… ${all.length - shown.length} more lines: keepa-deals status`;
  return room === 1 ? shown : [...shown, shortened(rest, columns)];
}

/** At blanks, or anywhere in a word that is wider than a row. */
function broken(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (widthOf(longer) <= columns) {
      row = longer;
      continue;
    }
    if (row !== '') rows.push(row);
    row = '';
    for (const letter of word) {
      if (row !== '' && widthOf(row + letter) > columns) {
        rows.push(row);
        row = '';
      }
      row += letter;
    }
  }
  return [...rows, row];
}
