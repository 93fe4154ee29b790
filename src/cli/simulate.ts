/**
 * `simulate`: a simulated Keepa on a port, for trying a configuration without spending a token.
 */
import { systemClock } from '../runtime/clock.ts';
import { startHttpKeepa } from '../simulator/http-door.ts';
import { createSimulatedKeepa } from '../simulator/simulated-keepa.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { untilSignal } from './until-signal.ts';

export interface SimulateFlags {
  readonly port: number;
  readonly host: string;
  readonly rate: number;
  readonly rows: number;
  readonly seed: number;
  readonly tokens?: number;
  readonly latency: number;
  readonly key?: string;
  readonly json?: boolean;
}

/**
 * Serves until a signal, then 0. Standard output has the address, as lines for a shell or as one
 * object.
 *
 * @throws CliError (69) when the port cannot be had.
 */
export async function simulate(flags: SimulateFlags, { terminal }: CliContext): Promise<number> {
  const { host, port, rate, rows, seed, tokens, latency, key } = flags;
  const clock = systemClock();
  const core = createSimulatedKeepa({
    seed,
    rows,
    ratePerMinute: rate,
    startMs: clock.now(),
    latencyPercent: latency,
    ...(tokens === undefined ? {} : { initialTokens: tokens }),
    ...(key === undefined ? {} : { key }),
  });
  const ended = untilSignal();
  const door = await startHttpKeepa({ core, clock, host, port }).catch((error: unknown) => {
    throw new CliError(exitCodes.unavailable, {
      what: `${host}:${port}`,
      why: systemReason(error),
      todo: 'choose another with --port (0 for any free one) or --host',
    });
  });
  const { url } = door;
  if (flags.json === true) {
    terminal.out(`${JSON.stringify({ schema: 1, url, rate, rows, seed })}\n`);
  } else {
    // The key that somebody gave is theirs to repeat: it may be a real one.
    const shownKey = key === undefined ? 'simulated' : '<the key given with --key>';
    terminal.out(`KEEPA_DEALS_KEEPA_URL=${url}\nKEEPA_API_KEY=${shownKey}\n`);
  }
  terminal.say(`simulated Keepa at ${url}: ${rate} tokens a minute, ${rows} rows; Ctrl-C ends it`);
  await ended;
  await door.close();
  return exitCodes.fine;
}
