/**
 * The daemon's standing work, put together in one place: which actors there are, in which order
 * they start (they end in the reverse), and what each is given.
 */
import { analystPass, backlogPass } from './actors/analyst.ts';
import { backfillerPass } from './actors/backfiller.ts';
import type { Feed } from './actors/feed.ts';
import { Janitor } from './actors/janitor.ts';
import { refresherPass } from './actors/refresher.ts';
import { upserterPass } from './actors/upserter.ts';
import type { Broker } from './broker/request.ts';
import type { Config } from './config.ts';
import type { Checkpoints } from './coordination/ports.ts';
import { Actor, type ActorOptions } from './runtime/actor.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { DealReader, DealWriter } from './store/ports.ts';

export interface ActorParts {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly broker: Broker;
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly checkpoints: Checkpoints;
  /** The lease's fence, under which checkpoints are written. */
  readonly fence: number;
  readonly clock: Clock;
  readonly log: Log;
}

const hourMs = 3_600_000;

/** The actors, none of them running yet, and the janitor, who knows where nothing may end. */
export function composeActors(parts: ActorParts): {
  readonly actors: readonly Actor[];
  readonly janitor: Janitor;
} {
  const { config, feeds, broker, reader, writer, checkpoints, fence, clock, log } = parts;
  const { sweepIntervalMs, shares, retention, costs, acceptance } = config;
  const shared = { feeds, broker, reader, writer, clock, costs, acceptance };
  const janitor = new Janitor({
    ...shared,
    log: log.scoped('janitor'),
    sweepIntervalMs,
    ttlMs: retention.ttlHours * hourMs,
    purgeMs: retention.purgeDays * 24 * hourMs,
  });
  const passes: Readonly<Record<string, ActorOptions['pass']>> = {
    backfiller: backfillerPass({
      ...shared,
      log: log.scoped('backfiller'),
      checkpoints,
      fence,
      sharePercent: shares.backfill,
      sweepIntervalMs,
    }),
    upserter: upserterPass({
      ...shared,
      log: log.scoped('upserter'),
      sharePercent: shares.head,
    }),
    analyst: analystPass({ ...shared, log: log.scoped('analyst') }),
    'analyst-backlog': backlogPass({ ...shared, log: log.scoped('analyst-backlog') }),
    refresher: refresherPass({ ...shared, log: log.scoped('refresher') }),
    janitor: () => janitor.pass(),
  };
  const actors = Object.entries(passes).map(
    ([name, pass]) => new Actor({ name, clock, log, pass }),
  );
  return { actors, janitor };
}
