/**
 * Tells of rounds as they are played, for runs that last for many minutes: one line each, and in
 * any case how it ended. Whoever looks afterwards must be able to tell a run that found nothing
 * from one that was killed.
 */

/** Plays the rounds; `play` is given what is to be called after each. Undefined: it failed. */
export async function tellingOfRounds<Told, Played = Told>(
  rounds: number,
  play: (onRound: (round: Told) => void) => Promise<readonly Played[]>,
): Promise<readonly Played[] | undefined> {
  let done = 0;
  let isOver = false;
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  // Also when the event loop runs dry while something is waited for.
  process.once('exit', (code) => {
    if (!isOver) say(`ended with ${code} in round ${done + 1} of ${rounds}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      say(`${signal} in round ${done + 1} of ${rounds}`);
      process.exit(1);
    });
  }
  try {
    return await play((round) => {
      done += 1;
      say(`${done}/${rounds} ${JSON.stringify(round)}`);
    });
  } catch (error) {
    say(`round ${done + 1} of ${rounds} failed: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
    return undefined;
  } finally {
    isOver = true;
  }
}

/** What `work` resolves with; rejects when that takes longer than any round may. */
export async function withinRound<T>(work: Promise<T>, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not done in ${roundMsMax} ms: ${what()}`)),
      roundMsMax,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Far above what any takes, also on a busy machine. */
const roundMsMax = 120_000;
