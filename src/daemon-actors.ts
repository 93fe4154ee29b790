/**
 * The daemon's standing work, put together in one place: which actors there are, in which order
 * they start (they end in the reverse), and what each is given.
 */
import { analystPass, backlogPass } from './actors/analyst.ts';
import { backfillerPass } from './actors/backfiller.ts';
import type { Feed } from './actors/feed.ts';
import { Janitor } from './actors/janitor.ts';
import { refresherPass } from './actors/refresher.ts';
import { rememberedReads } from './actors/remembered-reads.ts';
import { SweepProgress } from './actors/sweep-progress.ts';
import { upserterPass } from './actors/upserter.ts';
import type { Broker } from './broker/request.ts';
import type { Config } from './config.ts';
import type { Notes } from './coordination/notes.ts';
import type { Checkpoints } from './coordination/ports.ts';
import { Actor, type ActorOptions } from './runtime/actor.ts';
import type { Clock } from './runtime/clock.ts';
import { describeError } from './runtime/describe-error.ts';
import type { Log } from './runtime/log.ts';
import { Pulse } from './runtime/pulse.ts';
import { isFileTrouble } from './store/file-trouble.ts';
import type { DealReader, DealWriter, SweepOutcome } from './store/ports.ts';

export interface ActorParts {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly broker: Broker;
  readonly reader: DealReader;
  readonly writer: DealWriter;
  readonly checkpoints: Checkpoints;
  /** The lease's fence, under which checkpoints are written. */
  fence(): number;
  /** Told what each actor is doing. */
  readonly notes: Notes;
  /** Monotonic: when work was last paused, now while it is; undefined: never yet. */
  lastPausedAtMs(): number | undefined;
  /** A sweep has come to its end, and that is stored. */
  onSweepEnded(feed: string, outcome: SweepOutcome): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** An actor and its sign of life, by which a frozen one is told from one that waits. */
export interface WatchedActor {
  readonly actor: Actor;
  readonly pulse: Pulse;
}

const hourMs = 3_600_000;
/** A pass that neither waits in the broker nor ends within this is stuck: an answer takes 120 s. */
const silenceMsMax = 300_000;

/** How soon the database is tried again that could not be written or read. */
const fileTroubleMs = 30_000;

/** The actors, none of them running yet, and the janitor, who knows where nothing may end. */
export function composeActors(parts: ActorParts): {
  readonly actors: readonly WatchedActor[];
  readonly janitor: Janitor;
} {
  const { config, feeds, broker, reader, writer, checkpoints, clock, log } = parts;
  const { sweepIntervalMs, shares, retention, costs, acceptance } = config;
  const pulses = new Map<string, Pulse>();
  /** What every actor gets, its own view of the broker among it. */
  const own = (name: string) => {
    const pulse = new Pulse({ name, clock, silenceMsMax });
    pulses.set(name, pulse);
    return {
      ...{ feeds, reader, writer, clock, costs, acceptance },
      broker: watchedBroker(broker, pulse),
      log: log.scoped(name),
    };
  };
  const janitor = new Janitor({
    ...own('janitor'),
    reader: rememberedReads(reader),
    sweepIntervalMs,
    ttlMs: retention.ttlHours * hourMs,
    purgeMs: retention.purgeDays * 24 * hourMs,
    lastPausedAtMs: () => parts.lastPausedAtMs(),
  });
  const passes: Readonly<Record<string, ActorOptions['pass']>> = {
    backfiller: backfillerPass({
      ...own('backfiller'),
      progress: new SweepProgress({
        checkpoints,
        fence: () => parts.fence(),
        log: log.scoped('backfiller'),
      }),
      sharePercent: shares.backfill,
      onSweepEnded: (feed, outcome) => parts.onSweepEnded(feed, outcome),
      sweepIntervalMs,
    }),
    upserter: upserterPass({
      ...own('upserter'),
      sharePercent: shares.head,
    }),
    analyst: analystPass(own('analyst')),
    'analyst-backlog': backlogPass(own('analyst-backlog')),
    refresher: refresherPass(own('refresher')),
    janitor: () => janitor.pass(),
  };
  const actors = Object.entries(passes).map(([name, pass]) => {
    const pulse = pulses.get(name) ?? new Pulse({ name, clock, silenceMsMax });
    const watched = noted(name, beating(patient(pass), pulse), parts.notes);
    return { actor: new Actor({ name, clock, log, pass: watched }), pulse };
  });
  return { actors, janitor };
}

/**
 * The pass, which waits where the database's file cannot be written or read for now: a full disk
 * may last for days, and an actor that keeps failing would end a daemon that has to heal by itself.
 */
function patient(pass: ActorOptions['pass']): ActorOptions['pass'] {
  let said: string | undefined;
  return async (signal) => {
    try {
      const report = await pass(signal);
      said = undefined;
      return report;
    } catch (error) {
      if (!isFileTrouble(error)) throw error;
      const why = describeError(error);
      const isQuiet = why === said;
      said = why;
      return { counts: { why }, nextInMs: fileTroubleMs, isQuiet };
    }
  };
}

/** The pass with its signs of life: when it begins, and when it ends until when it rests. */
function beating(pass: ActorOptions['pass'], pulse: Pulse): ActorOptions['pass'] {
  return async (signal) => {
    pulse.beat();
    const report = await pass(signal);
    pulse.beat(report.nextInMs);
    return report;
  };
}

/**
 * The broker as one actor sees it: what it has asked for and not got yet is a wait, and each try
 * to store an answer a sign of life.
 */
function watchedBroker(broker: Broker, pulse: Pulse): Broker {
  return {
    start: () => broker.start(),
    drain: () => broker.drain(),
    nudge: () => broker.nudge(),
    snapshot: () => broker.snapshot(),
    request: async (request) => {
      const done = pulse.wait();
      try {
        return await broker.request(request);
      } finally {
        done();
      }
    },
  };
}

/** People who list the locks see the pass that is under way. */
function noted(name: string, pass: ActorOptions['pass'], notes: Notes): ActorOptions['pass'] {
  return async (signal) => {
    notes.put(name, 'a pass');
    try {
      return await pass(signal);
    } finally {
      notes.remove(name);
    }
  };
}
