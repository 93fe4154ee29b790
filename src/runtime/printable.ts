/**
 * Text from elsewhere as a terminal may show it: a title of a product or a name in a Redis may come
 * with an escape sequence in it, which would repaint the screen or forge a line.
 */

/** Without control and format characters; each run of them is one blank. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}
