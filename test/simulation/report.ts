/**
 * What the report scripts of this folder share: their options, and how their figures are printed.
 */
import { parseArgs } from 'node:util';

export interface ReportOptions<Name extends string> {
  text(name: Name): string;
  /** @throws Error when it is no number. */
  number(name: Name): number;
  /** Several of them, as 1,5,25. */
  numbers(name: Name): readonly number[];
}

const labelWidth = 25;

/** Reads `--name value` from the command line; each name has a default. */
export function reportOptions<Name extends string>(
  defaults: Readonly<Record<Name, string>>,
): ReportOptions<Name> {
  const names = Object.keys(defaults);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const text = (name: Name): string => String(values[name] ?? defaults[name]);
  const read = (name: Name, word: string): number => {
    const value = Number(word);
    if (word === '' || Number.isNaN(value)) throw new Error(`--${name} ${word} is no number`);
    return value;
  };
  return {
    text,
    number: (name) => read(name, text(name)),
    numbers: (name) =>
      text(name)
        .split(',')
        .map((word) => read(name, word)),
  };
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a title and what was found, one figure a line, and how long that took. */
export function printFigures(
  title: string,
  figures: readonly (readonly [label: string, value: string | number])[],
  tookMs: number,
): void {
  printLine(title);
  const took = [`took`, `${(tookMs / 1_000).toFixed(1)} s of real time`] as const;
  for (const [label, value] of [...figures, took]) printLine(`${label.padEnd(labelWidth)}${value}`);
}
