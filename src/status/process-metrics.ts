/**
 * The metrics of the process: its state, its loops, its leases, its files.
 */
import { isLease } from '../coordination/names.ts';
import type { MetricFacts } from './metric-facts.ts';
import { flag, type MetricFamily, one, per, unixSeconds } from './metric-families.ts';
import type { LeaseReport, LoopReport } from './report-fields.ts';
import { stateNames } from './state.ts';

function perLoop(
  name: string,
  help: string,
  value: (loop: LoopReport) => number | null,
): MetricFamily {
  return per('loop', name, help, ({ report }) =>
    report.loops.map((loop) => [loop.name, value(loop)]),
  );
}

const state: readonly MetricFamily[] = [
  per('state', 'state', 'Whether the daemon is in this state, as status tells it.', (facts) =>
    stateNames.map((name) => [name, flag(facts.report.state === name)]),
  ),
  one('ready', 'Whether it has the store, the lease and a balance.', ({ health }) =>
    flag(health.unreadyWhy === undefined),
  ),
  one('paused', 'Whether a person paused it.', ({ report }) => flag(report.pause !== null)),
  one('pause_start_timestamp_seconds', 'When the pause began; absent without one.', (facts) =>
    unixSeconds(facts.report.pause?.since ?? null),
  ),
  one(
    'pause_end_timestamp_seconds',
    'When the pause ends by itself; absent without such an end.',
    ({ report }) => unixSeconds(report.pause?.until ?? null),
  ),
  {
    name: 'build_info',
    help: 'Always 1; the version that runs is its label.',
    type: 'gauge',
    labels: ['version'],
    samples: ({ report }) => [{ value: 1, labels: { version: report.version ?? 'unknown' } }],
  },
  one('start_time_seconds', 'When the process began, as Unix time.', ({ report }) =>
    unixSeconds(report.startedAt),
  ),
  one('recent_starts', 'Starts of the last five minutes, this one included.', ({ report }) => {
    return report.recentStarts;
  }),
];

const loops: readonly MetricFamily[] = [
  perLoop('loop_passes_total', 'Passes of the loop.', ({ passes }) => passes),
  perLoop('loop_failures_total', 'Passes of the loop that failed.', ({ failures }) => failures),
  perLoop('loop_last_success_timestamp_seconds', 'When a pass last succeeded.', (loop) =>
    unixSeconds(loop.lastSuccessAt),
  ),
  per(
    'loop',
    'loop_frozen',
    'Whether it gave no sign of life for longer than it may; the watchdog starves by this.',
    ({ watched, health }) => watched.map(({ name }) => [name, flag(health.frozen.includes(name))]),
  ),
  one(
    'event_loop_lag_p50_seconds',
    'Median lag of the event loop since the last scrape.',
    (facts) => (facts.lag === undefined ? null : facts.lag.p50Seconds),
  ),
  one(
    'event_loop_lag_p99_seconds',
    'The lag of the event loop that 1 in 100 turns exceeded since the last scrape.',
    ({ lag }) => (lag === undefined ? null : lag.p99Seconds),
  ),
  one('event_loop_lag_max_seconds', 'Longest lag since the last scrape.', ({ lag }) =>
    lag === undefined ? null : lag.maxSeconds,
  ),
];

/** Of this process; beside them a standby may have left its note. */
function ownLeases({ report, instance }: MetricFacts): readonly LeaseReport[] {
  return report.leases.filter((lease) => lease.instance === instance && isLease(lease.name));
}

const places: readonly MetricFamily[] = [
  one('leases_held', 'Leases of this process: two while it works.', (facts) => {
    return ownLeases(facts).length;
  }),
  one('lease_remaining_seconds', 'Until the first of its leases runs out.', (facts) => {
    const leftMs = ownLeases(facts).map(({ remainingMs }) => remainingMs);
    return leftMs.length === 0 ? null : Math.min(...leftMs) / 1_000;
  }),
  one('standbys', 'Processes that wait to take over.', ({ report }) => {
    return report.leases.filter(({ name }) => !isLease(name)).length;
  }),
  one('database_bytes', 'Size of the deals database.', ({ files }) => files.databaseBytes),
  one('wal_bytes', 'Size of the write-ahead log beside it.', ({ files }) => files.logBytes),
];

export const processMetrics: readonly MetricFamily[] = [...state, ...loops, ...places];
