/**
 * The configuration file of a run, and what a process does when it is told to read it again.
 *
 * Every life reads it with the daemon's own code, and a reload is the one of `start` at SIGHUP: the
 * world that a seed draws is what the file says, so both are held to the same.
 *
 * Invariant: `changed` asks for nothing that a checker would have to know: an end comes later, a
 * sweep more rarely, and of the rules that decide there are two sets (`acceptancesOf`).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { resolveFeeds } from '../../src/cli/feeds.ts';
import { reloader } from '../../src/cli/reload.ts';
import { loadConfig } from '../../src/config.ts';
import { type AcceptanceRules, defaultJudging } from '../../src/config-judging.ts';
import { Secret } from '../../src/config-key.ts';
import type { Daemon, Standing } from '../../src/daemon-contract.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { World } from './fault-world.ts';

export type ConfigText = 'own' | 'changed' | 'broken';

const stricter: AcceptanceRules = { minProfitCents: 200, minSales1y: 3 };

/** Every set of rules that can be in force in a run. */
export function acceptancesOf({ config }: World): readonly AcceptanceRules[] {
  return [config.acceptance ?? defaultJudging.acceptance, stricter];
}

export class ConfigFile {
  readonly #world: World;
  readonly #directory: string;
  readonly #key: string;

  /** The file is made, with the world's own settings. */
  constructor(options: {
    readonly world: World;
    readonly directory: string;
    readonly key: string;
  }) {
    this.#world = options.world;
    this.#directory = options.directory;
    this.#key = options.key;
    this.write('own');
  }

  write(text: ConfigText): void {
    const path = join(this.#directory, 'keepa-deals.toml');
    writeFileSync(path, text === 'broken' ? '[[feeds' : tomlOf(this.#world, text === 'changed'));
  }

  /** What a process is told when it starts. */
  load(): Standing {
    const loaded = loadConfig({ ...this.#context(), flags: this.#flags() });
    return { config: loaded.config, feeds: resolveFeeds(loaded.config, loaded.file).feeds };
  }

  /** What a process that was started with `standing` does at SIGHUP. */
  reloaderFor(daemon: Daemon, { standing, log }: { standing: Standing; log: Log }) {
    return reloader({
      ...{ daemon, standing, flags: this.#flags(), context: this.#context() },
      log: { ...log, setLevel: () => undefined, flush: () => undefined },
      key: new Secret(this.#key),
      check: () => undefined,
    });
  }

  #flags() {
    return { standby: this.#world.config.standby };
  }

  #context() {
    const env = { KEEPA_API_KEY: this.#key };
    return { env, cwd: this.#directory, secrets: new Set([this.#key]) };
  }
}

function tomlOf({ config, feeds }: World, isChanged: boolean): string {
  const { shares, sweepIntervalMs, retention } = config;
  const own: AcceptanceRules = config.acceptance ?? defaultJudging.acceptance;
  const { minProfitCents, minSales1y } = isChanged ? stricter : own;
  const factor = isChanged ? 2 : 1;
  const screenOf = (least: number | undefined) =>
    least === undefined ? {} : { min_percent_below_average: least };
  return stringify({
    data_dir: '.',
    keepa: { url: 'http://keepa.invalid' },
    log: { level: 'info', format: 'json' },
    tokens: { shares },
    freshness: { sweep_minutes: (factor * sweepIntervalMs) / 60_000 },
    retention: { ttl_hours: factor * retention.ttlHours, purge_days: retention.purgeDays },
    acceptance: {
      ...(minProfitCents === undefined ? {} : { min_profit_cents: minProfitCents }),
      ...(minSales1y === undefined ? {} : { min_sales_1y: minSales1y }),
    },
    feeds: feeds.map(({ name, query, screen }) => {
      const { domainId, priceTypes: _, ...selection } = query.selection;
      const least = isChanged ? 20 : screen.minPercentBelowAverage;
      return {
        ...{ name, domain: Number(domainId), price_type: query.priceType },
        selection: { sortType: query.sortType, ...selection },
        screen: screenOf(least),
      };
    }),
  });
}
