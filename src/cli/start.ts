/**
 * `start`: reads the configuration, opens everything, composes the daemon and runs it.
 *
 * Whatever can be known to be wrong is found before the first token is spent: configuration, key,
 * queries, the data directory, the schema, the port.
 */
import { createHash } from 'node:crypto';
import type { Feed } from '../actors/feed.ts';
import { type Config, loadConfig } from '../config.ts';
import { readKey, type Secret } from '../config-key.ts';
import { composeDaemon, type Ending } from '../daemon.ts';
import { createUndiciTransport } from '../keepa/undici-transport.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { createLog, type FlushableLog } from '../runtime/log-writer.ts';
import { systemRandom } from '../runtime/random.ts';
import { isLoopback } from '../status/control-server.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { socketPath } from './data-dir.ts';
import { resolveFeeds } from './feeds.ts';
import { openData } from './open-data-dir.ts';
import { problemLine } from './problem-line.ts';
import { runDaemon } from './run-daemon.ts';
import type { Terminal } from './terminal.ts';

export interface StartFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly http?: string;
  readonly standby?: boolean;
  readonly logLevel?: string;
  readonly json?: boolean;
  readonly version: string;
}

/** Runs until it is told to stop; the exit code is the daemon's. */
export async function start(flags: StartFlags, context: CliContext): Promise<number> {
  const { env, cwd, terminal } = context;
  const logFormat = flags.json === true ? 'json' : undefined;
  const loaded = loadConfig({ flags: { ...flags, logFormat }, env, cwd });
  refuseUnbuilt(loaded.config);
  const resolved = resolveFeeds(loaded.config, loaded.file);
  const key = readKey(env, loaded.keyFile);
  context.secrets.add(key.reveal());
  const log = openLog(loaded.config, key, terminal);
  try {
    const warnings = [...loaded.warnings.map(problemLine), ...resolved.warnings];
    for (const warning of warnings) log.warn('config', { warning });
    const ending = await run({ config: loaded.config, feeds: resolved.feeds, key, log, flags });
    log.info('ended', { code: ending.code, reason: ending.reason });
    if (ending.code !== exitCodes.fine) terminal.say(`keepa-deals: ${ending.reason}`);
    return ending.code;
  } finally {
    log.flush();
  }
}

interface Parts {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly key: Secret;
  readonly log: Log;
  readonly flags: StartFlags;
}

async function run({ config, feeds, key, log, flags: { version } }: Parts): Promise<Ending> {
  const clock = systemClock();
  const random = systemRandom();
  const data = await openData(config.dataDir, { clock, random, log });
  const transport = createUndiciTransport({
    baseUrl: config.keepaUrl,
    key: key.reveal(),
    userAgent: `keepa-deals/${version}`,
  });
  try {
    const daemon = composeDaemon({
      config,
      feeds,
      world: { clock, random, transport, coordination: data.coordination, log },
      store: data.store,
      owner: data.owner,
      keyHash: keyHashOf(key),
      version,
    });
    log.info('starting', { version, pid: process.pid, dataDir: config.dataDir });
    return await runDaemon({
      daemon,
      dataDir: config.dataDir,
      http: config.http,
      clock,
      log,
      onListening: ({ url }) => log.info('listening', { socket: socketPath(config.dataDir), url }),
    });
  } finally {
    await transport.close();
    await data.close();
  }
}

/** What the configuration may say and this version cannot do yet must not be ignored. */
function refuseUnbuilt({ redisUrl, http }: Config): void {
  if (redisUrl !== undefined) {
    throw new CliError(exitCodes.badConfig, {
      what: 'redis_url',
      why: 'coordination through Redis is not part of this version',
      todo: 'leave it out: leases and checkpoints are then kept in the data directory',
    });
  }
  if (http !== undefined && !isLoopback(http.host)) {
    throw new CliError(exitCodes.badConfig, {
      what: `http ${http.host}:${http.port}`,
      why: 'only this machine may ask, since there is no password yet',
      todo: `set 127.0.0.1:${http.port}, and put a proxy with a password before it`,
    });
  }
}

function openLog(
  { log: { level, format } }: Config,
  key: Secret,
  terminal: Terminal,
): FlushableLog {
  return createLog({
    clock: systemClock(),
    write: terminal.write,
    format: format === 'auto' ? (terminal.isTalkTty ? 'human' : 'json') : format,
    level,
    secrets: [key.reveal()],
    colour: terminal.hasTalkColour,
  });
}

/** Names the spender without naming the key: a hash of 64 random characters tells nothing. */
function keyHashOf(key: Secret): string {
  return createHash('sha256').update(`keepa-deals/${key.reveal()}`).digest('hex').slice(0, 16);
}
