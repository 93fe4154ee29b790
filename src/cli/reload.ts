/**
 * SIGHUP: reads the configuration again and goes on under what of it can change while running.
 *
 * Feeds, screens, costs, limits, retention, the sweep interval and the log level are the work's and
 * change at once. Where the data is, who is asked, what listens and how the income is shared belong
 * to the whole process: for them the line says that a restart is needed, and the old values stay in
 * force. A configuration with a mistake in it changes nothing, and the line says why.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Config, type LoadedConfig, loadConfig } from '../config.ts';
import { readKey, type Secret } from '../config-key.ts';
import type { ConfigFlags } from '../config-layers.ts';
import type { Daemon, Standing } from '../daemon-contract.ts';
import { describeError } from '../runtime/describe-error.ts';
import type { FlushableLog } from '../runtime/log-writer.ts';
import type { CliContext } from './context.ts';
import { describeFailure } from './failure.ts';
import { type ResolvedFeeds, resolveFeeds } from './feeds.ts';
import { problemLine } from './problem-line.ts';

export interface ReloadParts {
  /** What `start` was given, so that flags win as they did. */
  readonly flags: ConfigFlags;
  readonly context: Pick<CliContext, 'env' | 'cwd' | 'secrets'>;
  readonly daemon: Pick<Daemon, 'reconfigure'>;
  readonly log: FlushableLog;
  readonly key: Secret;
  /** What is in force when it is first asked. */
  readonly standing: Standing;
  /** Throws for what may be written down and cannot be done. */
  check(config: Config): void;
}

/** Where a value is in the file, and whether it can change while the process runs. */
const reach: Readonly<
  Record<keyof Config, { readonly section: string; readonly isLive: boolean }>
> = {
  feeds: { section: 'feeds', isLive: true },
  costs: { section: 'costs', isLive: true },
  acceptance: { section: 'acceptance', isLive: true },
  retention: { section: 'retention', isLive: true },
  sweepIntervalMs: { section: 'freshness', isLive: true },
  log: { section: 'log', isLive: true },
  dataDir: { section: 'data_dir', isLive: false },
  keepaUrl: { section: 'keepa.url', isLive: false },
  redisUrl: { section: 'redis_url', isLive: false },
  redisCaFile: { section: 'redis_ca_file', isLive: false },
  http: { section: 'http', isLive: false },
  deficitFloor: { section: 'tokens.deficit_floor', isLive: false },
  shares: { section: 'tokens.shares', isLive: false },
  standby: { section: '--no-standby', isLive: false },
};

/** Returns what reloads; it never rejects, and says in one line what became of it. */
export function reloader(parts: ReloadParts): () => Promise<void> {
  let inForce = parts.standing;
  return async () => {
    try {
      inForce = await reload(parts, inForce);
    } catch (error) {
      parts.log.error('reload-failed', { why: describeError(error), kept: 'the old one' });
    }
  };
}

async function reload(parts: ReloadParts, old: Standing): Promise<Standing> {
  const { context, daemon, log } = parts;
  const read = readAgain(parts);
  if ('refused' in read) {
    const { refused } = read;
    const more = refused.length > 1 ? { alsoWrong: refused.length - 1 } : {};
    log.warn('reload-refused', { why: refused[0] ?? 'unknown', ...more, kept: 'the old one' });
    return old;
  }
  const { loaded, resolved, key } = read;
  context.secrets.add(key.reveal());
  for (const warning of [...loaded.warnings.map(problemLine), ...resolved.warnings]) {
    log.warn('config', { warning });
  }
  const changed = changesBetween(old.config, loaded.config);
  const isKeySame = key.reveal() === parts.key.reveal();
  const next = { config: applied(loaded, old.config), feeds: resolved.feeds };
  // The level alone is the log's: nobody need stop working for it.
  if (changed.live.some((section) => section !== 'log')) await daemon.reconfigure(next);
  const needsRestart = [...changed.fixed, ...(isKeySame ? [] : ['the key'])];
  tell(log, next.config.log.level, { applied: changed.live, needsRestart });
  return next;
}

interface Changes {
  readonly live: readonly string[];
  readonly fixed: readonly string[];
}

function changesBetween(old: Config, next: Config): Changes {
  const changed = Object.entries(reach)
    .filter(([name]) => !isDeepStrictEqual(settingIn(old, name), settingIn(next, name)))
    .map(([, { section, isLive }]) => ({ section, isLive }));
  const sections = (isLive: boolean): string[] =>
    changed.filter((change) => change.isLive === isLive).map(({ section }) => section);
  const format = old.log.format === next.log.format ? [] : ['log.format'];
  return { live: sections(true), fixed: [...sections(false), ...format] };
}

function settingIn(config: Config, name: string): unknown {
  return Object.entries(config).find(([key]) => key === name)?.[1];
}

/** Before the log becomes more silent, or after it became less: the line has to be seen. */
function tell(
  log: FlushableLog,
  level: Config['log']['level'],
  { applied: live, needsRestart }: { applied: readonly string[]; needsRestart: readonly string[] },
): void {
  const isRule = (section: string): boolean => section === 'costs' || section === 'acceptance';
  const fields = {
    applied: live.join(', ') || 'nothing has changed',
    ...(needsRestart.length === 0 ? {} : { needsRestart: needsRestart.join(', ') }),
    ...(live.some(isRule) ? { hint: 'deals rejudge applies the rules to what is judged' } : {}),
  };
  const isMoreSilent = level === 'warn' || level === 'error';
  if (!isMoreSilent) log.setLevel(level);
  log.info('reloaded', fields);
  if (isMoreSilent) log.setLevel(level);
}

type Read =
  | { readonly refused: readonly string[] }
  | { readonly loaded: LoadedConfig; readonly resolved: ResolvedFeeds; readonly key: Secret };

function readAgain({ flags, context, check }: ReloadParts): Read {
  const { env, cwd, secrets } = context;
  try {
    const loaded = loadConfig({ flags, env, cwd });
    check(loaded.config);
    const resolved = resolveFeeds(loaded.config, loaded.file);
    return { loaded, resolved, key: readKey(env, loaded.keyFile) };
  } catch (error) {
    const { lines } = describeFailure(error, secrets);
    return { refused: lines.map((line) => line.replace(/^keepa-deals: /, '')) };
  }
}

/** The old configuration with what can change while running taken from the new one. */
function applied({ config }: LoadedConfig, old: Config): Config {
  const { feeds, costs, acceptance, retention, sweepIntervalMs } = config;
  const log = { ...old.log, level: config.log.level };
  return { ...old, feeds, costs, acceptance, retention, sweepIntervalMs, log };
}
