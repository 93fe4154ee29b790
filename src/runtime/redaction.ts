/**
 * Strikes secrets out of text, in whatever spelling they travelled.
 *
 * A key gets into an error message through a URL, a password through a JSON body, either of them
 * through both: so each character of a secret is matched as itself, percent-encoded and
 * JSON-escaped, once or several times over. Upper and lower case count as the same, since host
 * names and hex digits change case on the way: striking out too much is no leak.
 */

const replacement = '[redacted]';

/**
 * A function that replaces every occurrence of every secret. White space around a secret does not
 * count as part of it (key files end in a newline), and an empty one is none.
 */
export function redactorOf(secrets: readonly string[]): (text: string) => string {
  const patterns = [...new Set(secrets.map((secret) => secret.trim()))]
    .filter((secret) => secret !== '')
    // The longest first: a secret that contains another must not survive in part.
    .sort((a, b) => b.length - a.length)
    .map((secret) => [...secret].map(spellings).join(''));
  if (patterns.length === 0) return (text) => text;
  const anySecret = new RegExp(patterns.join('|'), 'giu');
  return (text) => text.replace(anySecret, replacement);
}

/** A pattern for one character: itself, also behind backslashes, `%XX` per byte, `\uXXXX`. */
function spellings(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  const self = `\\u{${codePoint.toString(16)}}`;
  const bytes = [...Buffer.from(character, 'utf8')].map(hex);
  const escaped = utf16Units(character).map((unit) => `\\\\{1,8}u${hex(unit).padStart(4, '0')}`);
  return `(?:${[
    `\\\\{0,8}${self}`,
    // %25 is the percent sign itself: each further encoding adds one.
    bytes.map((byte) => `%(?:25)*${byte}`).join(''),
    escaped.join(''),
    ...(character === ' ' ? ['\\+'] : []),
  ].join('|')})`;
}

function utf16Units(character: string): number[] {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
