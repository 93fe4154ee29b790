/**
 * How late the event loop is: how long a turn that was due had to wait for the one before it.
 *
 * Everything in the process shares one loop, so a lag is what a long write or a large answer costs
 * everybody else. Watching begins when somebody first asks: a timer of ten rounds a second is
 * little, but nobody should pay for figures that nobody reads.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Spans in seconds, since the last time somebody took them. */
export interface LoopLagFigures {
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

export interface LoopLag {
  /** The lag since it was last taken; undefined where there are no figures yet. */
  take(): LoopLagFigures | undefined;
  stop(): void;
}

/** Between two looks at the loop; Node reports it as a part of every delay. */
const resolutionMs = 100;
const nanosecondsPerSecond = 1e9;

/** Watches the loop of this process from the first `take` on. */
export function loopLag(): LoopLag {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  const seconds = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMs / 1_000);
  return {
    take() {
      if (histogram === undefined) {
        histogram = monitorEventLoopDelay({ resolution: resolutionMs });
        histogram.enable();
        return undefined;
      }
      if (histogram.count === 0) return undefined;
      const figures = {
        p50Seconds: seconds(histogram.percentile(50)),
        p99Seconds: seconds(histogram.percentile(99)),
        maxSeconds: seconds(histogram.max),
      };
      histogram.reset();
      return figures;
    },
    stop() {
      histogram?.disable();
    },
  };
}
