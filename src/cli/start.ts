/**
 * `start`: reads the configuration, opens everything, composes the daemon and runs it.
 *
 * Whatever can be known to be wrong is found before the first token is spent: configuration, key,
 * queries, the data directory, the schema, the port.
 */
import type { Feed } from '../actors/feed.ts';
import { type Config, loadConfig } from '../config.ts';
import { readHttpToken, readKey, type Secret } from '../config-key.ts';
import type { ConfigFlags } from '../config-layers.ts';
import type { LeaseTimes } from '../coordination/lease-keeper.ts';
import type { Coordination, Owner } from '../coordination/ports.ts';
import type { RedisPlace } from '../coordination/redis-url.ts';
import { splitCoordination } from '../coordination/split.ts';
import { composeDaemon } from '../daemon.ts';
import type { Daemon, Ending } from '../daemon-contract.ts';
import { createUndiciTransport } from '../keepa/undici-transport.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { createLog, type FlushableLog } from '../runtime/log-writer.ts';
import { openNotifySocket, watchdogMsOf } from '../runtime/notify-socket.ts';
import { isProvablyDead } from '../runtime/process-identity.ts';
import { systemRandom } from '../runtime/random.ts';
import { isLoopback } from '../status/control-doors.ts';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { socketPath } from './data-dir.ts';
import { resolveFeeds } from './feeds.ts';
import { isHungUp } from './hang-up.ts';
import { openHostLeases } from './host-leases.ts';
import { keyHashOf } from './key-hash.ts';
import { type OpenedData, openData } from './open-data-dir.ts';
import { problemLine } from './problem-line.ts';
import { redisPlaceOf } from './redis.ts';
import { reloader } from './reload.ts';
import { runDaemon } from './run-daemon.ts';
import { SystemdReports } from './systemd-reports.ts';
import type { Terminal } from './terminal.ts';

export interface StartFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly http?: string;
  readonly redisUrl?: string;
  readonly standby?: boolean;
  readonly ownStore?: boolean;
  readonly logLevel?: string;
  readonly json?: boolean;
  readonly version: string;
}

/** What the command line does not offer: a lease that runs out while somebody watches. */
export interface Tuning {
  readonly times?: LeaseTimes;
  /** The id of another host than this one. */
  readonly host?: string;
}

/** Runs until it is told to stop; the exit code is the daemon's. */
export async function start(
  flags: StartFlags,
  context: CliContext,
  tuning: Tuning = {},
): Promise<number> {
  const { env, cwd, terminal } = context;
  const layered = configFlags(flags);
  const loaded = loadConfig({ flags: layered, env, cwd });
  const token = readHttpToken(env, loaded.httpTokenFile);
  if (token !== undefined) context.secrets.add(token.reveal());
  refuseOpen(loaded.config, token);
  const resolved = resolveFeeds(loaded.config, loaded.file);
  const key = readKey(env, loaded.keyFile);
  context.secrets.add(key.reveal());
  const redis = redisPlaceOf(loaded.config, context.secrets);
  const log = openLog(loaded.config, context.secrets, terminal);
  try {
    const warnings = [...loaded.warnings.map(problemLine), ...resolved.warnings];
    for (const warning of warnings) log.warn('config', { warning });
    const { feeds } = resolved;
    const { config } = loaded;
    const ending = await run({ config, feeds, key, token, redis, log, flags, context, tuning });
    log.info('ended', { code: ending.code, reason: ending.reason });
    if (ending.code !== exitCodes.fine) terminal.say(`keepa-deals: ${ending.reason}`);
    return ending.code;
  } finally {
    log.flush();
  }
}

function configFlags({ json, version: _, ...flags }: StartFlags): ConfigFlags {
  return { ...flags, logFormat: json === true ? 'json' : undefined };
}

interface Parts {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly key: Secret;
  readonly token: Secret | undefined;
  readonly redis: RedisPlace | undefined;
  readonly log: FlushableLog;
  readonly flags: StartFlags;
  readonly context: CliContext;
  readonly tuning: Tuning;
}

async function run(parts: Parts): Promise<Ending> {
  const { config, feeds, key, token, redis, log, flags, context, tuning } = parts;
  const { version, ownStore = false } = flags;
  const clock = systemClock();
  const random = systemRandom();
  const { host, times } = tuning;
  const data = await openData(config.dataDir, {
    clock,
    random,
    log,
    waits: true,
    ...(host === undefined ? {} : { host }),
  });
  const shared = await openShared(parts, data.owner);
  const transport = createUndiciTransport({
    baseUrl: config.keepaUrl,
    key: key.reveal(),
    userAgent: `keepa-deals/${version}`,
  });
  try {
    const daemon = composeDaemon({
      config,
      feeds,
      world: { clock, random, transport, coordination: coordinationOf(data, redis, shared), log },
      store: data.store,
      owner: data.owner,
      keyHash: keyHashOf(key),
      version,
      isOwnStore: ownStore,
      ...(times === undefined ? {} : { times }),
    });
    const leasesIn = redis?.text ?? 'the data directory';
    log.info('starting', { version, pid: process.pid, dataDir: config.dataDir, leasesIn });
    return await runDaemon({
      daemon,
      dataDir: config.dataDir,
      http: config.http && { ...config.http, token },
      clock,
      log,
      reload: reloader({
        ...{ context, daemon, log, key, check: (next) => refuseOpen(next, token) },
        flags: configFlags(flags),
        standing: { config, feeds },
      }),
      isHungUp: () => isHungUp(context.terminal),
      reports: systemdReports(daemon, { clock, log, context }),
      onListening: ({ url }) => log.info('listening', { socket: socketPath(config.dataDir), url }),
    });
  } finally {
    await transport.close();
    await shared?.close();
    await data.close();
  }
}

/** Undefined unless a service manager wants to be told. */
function systemdReports(
  daemon: Daemon,
  { clock, log, context: { env } }: Pick<Parts, 'log' | 'context'> & { clock: Clock },
): SystemdReports | undefined {
  const onFailure = (why: string): void => log.warn('notify-failed', { why });
  const notify = openNotifySocket({ env, onFailure });
  if (notify === undefined) return undefined;
  const watchdogMs = watchdogMsOf(env, process.pid);
  return new SystemdReports({ daemon, notify, watchdogMs, clock, log: log.scoped('systemd') });
}

/** What is kept for this key beyond the data directory: in Redis, or else on this host. */
async function openShared(
  { redis: place, key, log, context: { env } }: Parts,
  owner: Owner,
): Promise<Coordination | undefined> {
  const onNotice = (notice: string): void => log.warn('coordination', { notice });
  if (place === undefined) return await openHostLeases(keyHashOf(key), { env, owner, onNotice });
  // Half a hundred milliseconds and 20 MB that nobody needs without a Redis.
  const { redisCoordination } = await import('../coordination/redis.ts');
  return redisCoordination({
    place,
    keyHash: keyHashOf(key),
    isProvablyDead: (other) => isProvablyDead(other, owner),
    onNotice,
  });
}

/** Checkpoints are beside the data they are about, unless there is a Redis. */
function coordinationOf(
  { coordination: local }: Pick<OpenedData, 'coordination'>,
  redis: RedisPlace | undefined,
  shared: Coordination | undefined,
): Coordination {
  if (shared === undefined) return local;
  const { checkpoints } = redis === undefined ? local : shared;
  return splitCoordination({ local, shared, checkpoints });
}

/** Beyond this machine nobody may ask without showing something. */
function refuseOpen({ http }: Config, token: Secret | undefined): void {
  if (http !== undefined && !isLoopback(http.host) && token === undefined) {
    throw new CliError(exitCodes.badConfig, {
      what: `http ${http.host}:${http.port}`,
      why: 'only this machine may ask without a token',
      todo: `set 127.0.0.1:${http.port}, or http_token_file`,
    });
  }
}

function openLog(
  { log: { level, format } }: Config,
  secrets: ReadonlySet<string>,
  terminal: Terminal,
): FlushableLog {
  return createLog({
    clock: systemClock(),
    write: terminal.write,
    format: format === 'auto' ? (terminal.isTalkTty ? 'human' : 'json') : format,
    level,
    secrets: [...secrets],
    colour: terminal.hasTalkColour,
  });
}
