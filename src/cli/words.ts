/**
 * Instants, spans and amounts in the words of a person.
 */

/** `41 s`, `12 min`, `3 h 05 min`, `4 d 2 h`. */
export function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `in 41 s`, `12 min ago`, `now`. */
export function relativeText(atMs: number, nowMs: number): string {
  const ahead = atMs - nowMs;
  if (Math.abs(ahead) < 1_000) return 'now';
  return ahead > 0 ? `in ${spanText(ahead)}` : `${spanText(-ahead)} ago`;
}

/** Local clock time; with the date where it is not today. */
export function clockText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** Aligned columns, two spaces apart; a column of figures is aligned to the right. */
export function columnsText(
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return right[at] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

const colours = { dim: 2, red: 31, green: 32, yellow: 33, bold: 1 } as const;

export function painted(text: string, colour: keyof typeof colours, isColoured: boolean): string {
  return isColoured ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}
