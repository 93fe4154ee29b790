/**
 * The findings for people, the worst first and what is well in a line each, and as JSON.
 *
 * The verdict comes first, since it is what a person came for; the values of the configuration come
 * last, since they are many.
 */
import type { ExitCode } from './cli-error.ts';
import type { EffectiveValue } from './doctor-config.ts';
import { exitCodeFor, type Finding, type Level, levels } from './doctor-finding.ts';
import { columnsText, painted } from './words.ts';

export interface Examined {
  readonly atMs: number;
  readonly version: string;
  readonly isLive: boolean;
  readonly dataDir: string;
  readonly findings: readonly Finding[];
  readonly values: readonly EffectiveValue[];
}

const colours = {
  error: 'red',
  warning: 'yellow',
  note: 'bold',
  ok: 'green',
  skipped: 'dim',
} as const satisfies Record<Level, string>;
const plurals: Readonly<Record<Level, readonly [string, string]>> = {
  error: ['error', 'errors'],
  warning: ['warning', 'warnings'],
  note: ['note', 'notes'],
  ok: ['fine', 'fine'],
  skipped: ['not looked at', 'not looked at'],
};
const textColumnsMin = 40;

function verdictOf(code: ExitCode): 'healthy' | 'degraded' | 'broken' {
  return code === 0 ? 'healthy' : code === 1 ? 'broken' : 'degraded';
}

/** Fields are only ever added; `why` and `todo` are null where all is well. */
export function doctorJson(examined: Examined): string {
  const { atMs, version, isLive, dataDir, findings, values } = examined;
  const exitCode = exitCodeFor(findings);
  const record = {
    schema: 1,
    verdict: verdictOf(exitCode),
    exitCode,
    at: new Date(atMs).toISOString(),
    version,
    live: isLive,
    dataDir,
    findings: findings.map(({ id, level, what, why = null, todo = null }) => ({
      ...{ id, level, what, why, todo },
    })),
    configuration: values,
  };
  return `${JSON.stringify(record)}\n`;
}

/** Without line breaks at their ends; broken at `columns`, where there is room for words. */
export function doctorLines(
  { findings, values }: Examined,
  { columns, isColoured }: { columns: number; isColoured: boolean },
): string[] {
  const idWidth = Math.max(...findings.map(({ id }) => id.length));
  const indent = levelWidth + idWidth + 4;
  const room = Math.max(textColumnsMin, columns - indent);
  const lines = levels.flatMap((level) =>
    findings
      .filter((finding) => finding.level === level)
      .flatMap(({ id, what, why, todo }) => {
        const name = painted(level.padEnd(levelWidth), colours[level], isColoured);
        const parts = [what, ...labelled('why', why), ...labelled('do', todo)];
        const [first = '', ...rest] = parts.flatMap((part) => broken(part, room));
        const head = `${name}  ${id.padEnd(idWidth)}  ${first}`.trimEnd();
        return [head, ...rest.map((line) => `${' '.repeat(indent)}${line}`)];
      }),
  );
  const shown = values.map(({ key, value, origin }) => [key, value, origin]);
  return [
    verdictLine(findings, isColoured),
    '',
    ...lines,
    '',
    ...columnsText([['value', '', 'set by'], ...shown], []),
  ];
}

const levelWidth = Math.max(...levels.map((level) => level.length));

function verdictLine(findings: readonly Finding[], isColoured: boolean): string {
  const verdict = verdictOf(exitCodeFor(findings));
  const counts = levels.flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : `${count} ${plurals[level][count === 1 ? 0 : 1]}`;
  });
  const colour = { healthy: 'green', degraded: 'yellow', broken: 'red' } as const;
  return `${painted(verdict, colour[verdict], isColoured)}: ${counts.join(', ')}`;
}

function labelled(label: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`${label}: ${text}`];
}

/** The text in lines of at most `room`, broken between words; a longer word stays whole. */
function broken(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
