/**
 * How wide a text is on a terminal, and a text cut to a width.
 *
 * Titles come in every script: a Japanese letter takes two cells and a combining accent none, so
 * counting characters would wrap one line and shift the next.
 */

/** East Asian wide letters and pictures; what is missing here is merely drawn a cell too far. */
const wide = new RegExp(
  [
    '[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff]',
    '[\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]',
    '[\\u{20000}-\\u{3fffd}]',
    '\\p{Extended_Pictographic}',
  ].join('|'),
  'u',
);
const markOnly = /^\p{Mark}$/u;
const plain = /^[\x20-\x7e]*$/;

/** In terminal cells; control characters must be gone already. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let cells = 0;
  for (const letter of text) cells += cellsOf(letter);
  return cells;
}

/** The text, or as much of it as fits `room` cells with a sign that more follows. */
export function shortened(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let cells = 1;
  let kept = '';
  for (const letter of text) {
    cells += cellsOf(letter);
    if (cells > room) break;
    kept += letter;
  }
  return `${kept}…`;
}

function cellsOf(letter: string): number {
  if (markOnly.test(letter)) return 0;
  return wide.test(letter) ? 2 : 1;
}
