/**
 * The daemon's standing work under one configuration: its actors, supervised and watched, as one
 * thing that starts and ends. A changed configuration is new work in place of the old, while the
 * broker, the leases and the store stay: nothing that was paid for is lost, because an actor that
 * ends takes back what is still queued and keeps what is under way until it is stored.
 */
import { openGaps } from './actors/coverage.ts';
import { identityOf } from './actors/feed.ts';
import type { Janitor } from './actors/janitor.ts';
import type { BrokerSnapshot } from './broker/request.ts';
import { type ActorParts, composeActors, type WatchedActor } from './daemon-actors.ts';
import type { LoopProgress } from './runtime/pulse.ts';
import type { Random } from './runtime/random.ts';
import { Supervisor, type SupervisorFailure } from './runtime/supervisor.ts';
import type { LoopStatus } from './status/sources.ts';

/** A child that fails more often than this is broken in a way that no restart heals. */
const restarts = { max: 10, windowMs: 600_000 };
const restartBackoff = { firstMs: 1_000, capMs: 60_000 };

/** A supervisor with the daemon's own patience. */
export function supervisorIn({
  clock,
  random,
  log,
}: Pick<WorkOptions, 'clock' | 'random' | 'log'>): Supervisor {
  const scoped = log.scoped('supervisor');
  return new Supervisor({ clock, random, log: scoped, restarts, backoff: restartBackoff });
}

/**
 * Makes these feeds the configured ones, and notes which of them nobody has looked at for too long.
 * To be called before any page is stored: the first one would hide it.
 */
export async function adoptFeeds(
  parts: Pick<WorkOptions, 'feeds' | 'reader' | 'writer' | 'clock' | 'log'>,
): Promise<void> {
  const { feeds, reader, writer, clock, log } = parts;
  const nowMs = clock.now();
  await writer.syncFeeds(
    feeds.map((feed) => identityOf(feed)),
    nowMs,
  );
  const gapLog = log.scoped('janitor');
  await openGaps({ reader, writer, log: gapLog }, { feeds: await reader.feeds(), nowMs });
}

export interface WorkOptions extends ActorParts {
  readonly random: Random;
  /** Hears of what a pass threw, before the supervisor starts the actor anew. */
  onError(error: unknown): void;
}

export class StandingWork {
  readonly janitor: Janitor;
  /** Resolves when an actor keeps failing; never rejects. */
  readonly failed: Promise<SupervisorFailure>;
  readonly #options: WorkOptions;
  readonly #actors: readonly WatchedActor[];
  readonly #supervisor: Supervisor;

  constructor(options: WorkOptions) {
    const { actors, janitor } = composeActors(options);
    const supervisor = supervisorIn(options);
    for (const watched of actors) {
      const { name } = watched.actor.snapshot();
      supervisor.add({ name, run: (signal) => this.#run(watched, signal) });
    }
    this.janitor = janitor;
    this.failed = supervisor.failed;
    this.#options = options;
    this.#actors = actors;
    this.#supervisor = supervisor;
  }

  start(): void {
    this.#supervisor.start();
  }

  /** Resolves when every actor has ended; at the latest when what is under way is stored. */
  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  /** Until when each actor may be silent. */
  progress(): readonly LoopProgress[] {
    const canEnd = hasWork(this.#options.broker.snapshot());
    return this.#actors.map(({ pulse }) => pulse.progress(canEnd));
  }

  loops(): readonly LoopStatus[] {
    const canEnd = hasWork(this.#options.broker.snapshot());
    return this.#actors.map((watched) => this.#statusOf(watched, canEnd));
  }

  async #run({ actor, pulse }: WatchedActor, signal: AbortSignal): Promise<void> {
    try {
      pulse.beat();
      await actor.run(signal);
    } catch (error) {
      this.#options.onError(error);
      throw error;
    } finally {
      // The supervisor starts it again within its backoff, which is shorter than the silence.
      pulse.beat();
    }
  }

  #statusOf({ actor, pulse }: WatchedActor, canEnd: boolean): LoopStatus {
    const { clock } = this.#options;
    const { state, nextPassAtMs, lastPassAtMs, lastSuccessAtMs, lastError, ...counted } =
      actor.snapshot();
    const { aliveUntilMs } = pulse.progress(canEnd);
    const isDue = Number.isFinite(aliveUntilMs) && state !== 'stopped';
    return {
      ...counted,
      doing: state === 'running' ? 'a pass' : undefined,
      lastPassAtMs,
      lastSuccessAtMs,
      nextPassAtMs,
      progressDueInMs: isDue ? aliveUntilMs - clock.monotonic() : undefined,
      lastError,
    };
  }
}

/** Whether the broker has anything of which it could tell an actor that waits for it. */
function hasWork({ classes, inFlight }: BrokerSnapshot): boolean {
  return inFlight !== undefined || Object.values(classes).some(({ queued }) => queued > 0);
}
