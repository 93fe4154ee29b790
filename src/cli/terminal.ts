/**
 * Where a command writes: data to standard output, talk to standard error.
 *
 * Colour and repainting only where a person looks at it, and never against NO_COLOR. A reader that
 * closes its end early (`| head`) has what it wanted: that is no error.
 */

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal {
  /** Data, as it is. */
  out(text: string): void;
  /** Talk as it is, with its line breaks. */
  write(text: string): void;
  /** One line for a person. */
  say(line: string): void;
  readonly isOutTty: boolean;
  readonly isTalkTty: boolean;
  /** Whether somebody can be asked. */
  readonly isInTty: boolean;
  /** Whether standard output may be coloured. */
  readonly hasOutColour: boolean;
  readonly hasTalkColour: boolean;
  columns(): number;
  rows(): number;
  /** One line from the person, after `question`; undefined when they end the input instead. */
  ask(question: string): Promise<string | undefined>;
}

/** Standard output that is no terminal has no end to its lines, and as many as it takes. */
const unbounded = Number.POSITIVE_INFINITY;

export function processTerminal(env: Readonly<Record<string, string | undefined>>): Terminal {
  const { stdin, stdout, stderr } = process;
  // The exit code stays what it is so far: the command did its part.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  stderr.on('error', () => undefined);
  const mayColour = !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    out: (text) => void stdout.write(text),
    write: (text) => void stderr.write(text),
    say: (line) => void stderr.write(`${line}\n`),
    isOutTty: stdout.isTTY === true,
    isTalkTty: stderr.isTTY === true,
    isInTty: stdin.isTTY === true && stderr.isTTY === true,
    hasOutColour: stdout.isTTY === true && mayColour,
    hasTalkColour: stderr.isTTY === true && mayColour,
    // A terminal that was never told its size says that it has none.
    columns: () => stdout.columns || unbounded,
    rows: () => stdout.rows || unbounded,
    ask: (question) => askOn(stdin, stderr, question),
  };
}

/** The question is talk: standard output may be a file. */
async function askOn(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  question: string,
): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input, output });
  try {
    return await new Promise((resolve) => {
      lines.once('close', () => resolve(undefined));
      // Ctrl-C ends the process as it does everywhere else.
      lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
}
