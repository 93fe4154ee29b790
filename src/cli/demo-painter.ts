/**
 * Puts the demo's views where they are looked at: repainted in place on a terminal, else as lines.
 *
 * The terminal's other screen is used and given back, so that nothing a person had on theirs is
 * lost, also when the demo ends badly.
 */
import { type DemoView, progressLine, screenLines } from './demo-screen.ts';
import type { Terminal } from './terminal.ts';

export interface DemoPainter {
  /** Milliseconds from one view to the next. */
  readonly everyMs: number;
  begin(dataDir: string): void;
  show(view: DemoView): void;
  /** A log line; on a screen it waits until the end. */
  warn(text: string): void;
  /** Safe to call again. */
  end(): void;
}

const enterScreen = '\u001b[?1049h\u001b[?25l';
const leaveScreen = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';
/** The latest log lines that are shown after the screen is gone. */
const warningsMax = 20;

export function painterFor(terminal: Terminal, { isJson }: { isJson: boolean }): DemoPainter {
  if (isJson) return jsonPainter(terminal);
  return terminal.isOutTty ? screenPainter(terminal) : linePainter(terminal);
}

function screenPainter(terminal: Terminal): DemoPainter {
  const warnings: string[] = [];
  let last: DemoView | undefined;
  let isOn = false;
  return {
    everyMs: 500,
    begin: () => {
      isOn = true;
      terminal.out(enterScreen);
    },
    show: (view) => {
      last = view;
      if (!isOn) return;
      const size = { columns: terminal.columns(), rows: terminal.rows() };
      const lines = screenLines(view, { size, isColoured: terminal.hasOutColour });
      const shown = lines.slice(0, size.rows).map((line) => line + clearLine);
      terminal.out(home + shown.join('\n') + clearBelow);
    },
    warn: (text) => {
      warnings.push(text);
      if (warnings.length > warningsMax) warnings.shift();
    },
    end: () => {
      if (!isOn) return;
      isOn = false;
      terminal.out(leaveScreen);
      if (last !== undefined) terminal.out(`${progressLine(last)}\n`);
      for (const text of warnings) terminal.write(text);
    },
  };
}

function linePainter(terminal: Terminal): DemoPainter {
  return {
    everyMs: 2_000,
    begin: (dataDir) => {
      terminal.say(`demo in ${dataDir}: keepa-deals status --data-dir ${dataDir}`);
    },
    show: (view) => terminal.out(`${progressLine(view)}\n`),
    warn: terminal.write,
    end: () => undefined,
  };
}

function jsonPainter(terminal: Terminal): DemoPainter {
  return {
    ...linePainter(terminal),
    show: ({ report }) => terminal.out(`${JSON.stringify(report)}\n`),
  };
}
