/**
 * Runs a composed daemon as a process: the control server beside it, signals to it, its end as an
 * exit code.
 *
 * The first SIGTERM or SIGINT asks it to finish what is paid for, for which the broker has a limit
 * of its own. A second signal, or the end of the grace period, ends the process at once: that costs
 * at most one answer, as a power cut would (promises P1 and P12). SIGHUP reads the configuration
 * again where the caller can do that, and ends the process where not.
 */
import type { Daemon, Ending } from '../daemon-contract.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { type LoopLag, loopLag } from '../runtime/loop-lag.ts';
import type { ControlAnswers } from '../status/control-answers.ts';
import {
  type ControlServer,
  startControlServer,
  type TcpOptions,
} from '../status/control-server.ts';
import { fitsSocket } from '../status/control-socket.ts';
import type { Exposition } from '../status/exposition.ts';
import { healthOf } from '../status/health.ts';
import { gatherFacts } from '../status/metric-facts.ts';
import { buildReport } from '../status/report.ts';
import type { StatusSources } from '../status/sources.ts';
import { CliError, exitCodes, systemReason } from './cli-error.ts';
import { socketPath } from './data-dir.ts';
import type { SystemdReports } from './systemd-reports.ts';

/** The unit's TimeoutStopSec has to be longer, or systemd kills what would have ended by itself. */
export const stopGraceMs = 30_000;
/** Nobody presses Ctrl-C twice within it. */
const samePressMs = 300;

export interface RunOptions {
  readonly daemon: Daemon;
  readonly dataDir: string;
  readonly http?: TcpOptions | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads the configuration again at SIGHUP; never rejects. */
  reload?(): Promise<void>;
  /** At SIGHUP: whether it says that nobody is there any more, rather than asking for a reload. */
  isHungUp?(): boolean;
  /** Where the service manager is told how it is. */
  readonly reports?: SystemdReports | undefined;
  /** Called when it can be asked for its status, before it starts to work. */
  onListening?(control: { readonly url: string | undefined }): void;
}

/**
 * Runs until the daemon has ended, by itself or by a signal; then nothing of it is left but what
 * the caller opened.
 *
 * @throws CliError when the control server cannot listen; what the daemon's start threw.
 */
export async function runDaemon(options: RunOptions): Promise<Ending> {
  const { daemon, reports } = options;
  const lag = loopLag();
  const control = await listen(options, lag);
  const release = actOnSignals(options);
  // Also of an end that nobody asked for.
  void daemon.ended.then(({ reason }) => reports?.stopping(reason));
  try {
    options.onListening?.({ url: control.url() });
    reports?.start();
    await daemon.start();
    return await daemon.ended;
  } catch (error) {
    // Gives back the lease, which would otherwise hold up the next start for its time to live.
    await daemon.stop('the start failed');
    throw error;
  } finally {
    release();
    await control.close();
    lag.stop();
    await reports?.stop();
  }
}

/** The library of the metrics is loaded when somebody first asks for them. */
function answersOf(sources: StatusSources, lag: LoopLag): ControlAnswers {
  let loading: Promise<Exposition> | undefined;
  const load = async (): Promise<Exposition> => {
    const { Exposition: Loaded } = await import('../status/exposition.ts');
    return new Loaded();
  };
  return {
    report: () => buildReport(sources),
    health: () => healthOf(sources),
    async metrics() {
      loading ??= load();
      const exposition = await loading;
      const facts = await gatherFacts(sources, () => lag.take());
      return { text: await exposition.render(facts), contentType: exposition.contentType };
    },
  };
}

async function listen(options: RunOptions, lag: LoopLag): Promise<ControlServer> {
  const { daemon, dataDir, http, clock, log } = options;
  const path = socketPath(dataDir);
  if (!fitsSocket(path)) {
    throw new CliError(exitCodes.badConfig, {
      what: `data directory ${dataDir}`,
      why: 'its path is too long for the control socket in it',
      todo: 'set a shorter one with --data-dir',
    });
  }
  try {
    return await startControlServer({
      answers: answersOf(daemon.sources(), lag),
      actions: daemon.actions,
      socketPath: path,
      ...(http === undefined ? {} : { http }),
      clock,
      log: log.scoped('control'),
    });
  } catch (error) {
    throw new CliError(exitCodes.unavailable, {
      what: `http ${http?.host}:${http?.port}`,
      why: systemReason(error),
      todo: 'set another address with --http, or off',
    });
  }
}

/** Returns what takes the handlers and the deadline away again. */
function actOnSignals(options: RunOptions): () => void {
  const { daemon, reports, clock, log } = options;
  let grace: Timer | undefined;
  let askedAtMs = 0;
  let askedBy: NodeJS.Signals | undefined;
  const leave = (why: string): never => {
    log.error('stop-forced', { why });
    process.exit(exitCodes.failed);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (grace !== undefined) {
      // npm forwards the SIGINT that its terminal has sent already: one key press, two signals.
      const isRepeated = signal === 'SIGINT' && askedBy === signal;
      const isSamePress = isRepeated && clock.monotonic() - askedAtMs < samePressMs;
      if (!isSamePress) leave(`a second ${signal}`);
      return;
    }
    askedAtMs = clock.monotonic();
    askedBy = signal;
    log.info('stopping', { signal, graceMs: stopGraceMs });
    reports?.stopping(signal);
    grace = clock.after(stopGraceMs, () => leave(`not done after ${stopGraceMs} ms`));
    void daemon.stop(signal);
  };
  const reload = reloadOnce(options);
  const onHangUp = (signal: NodeJS.Signals): void => {
    // A closed terminal is a request to end, too.
    if (reload === undefined || options.isHungUp?.() === true) onSignal(signal);
    else if (grace === undefined) reload();
  };
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  process.on('SIGHUP', onHangUp);
  return () => {
    grace?.cancel();
    for (const signal of signals) process.off(signal, onSignal);
    process.off('SIGHUP', onHangUp);
  };
}

/** One reload at a time; of those that are asked for meanwhile one follows. */
function reloadOnce({ reload, reports }: RunOptions): (() => void) | undefined {
  if (reload === undefined) return undefined;
  let isRunning = false;
  let isAskedAgain = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    do {
      isAskedAgain = false;
      await (reports === undefined ? reload() : reports.reloading(reload));
    } while (isAskedAgain);
    isRunning = false;
  };
  return () => {
    isAskedAgain = isRunning;
    if (!isRunning) void run();
  };
}
