/**
 * The metrics of the table of deals: what is in it, how fresh it is, what was judged.
 */
import { dealStates } from '../store/ports.ts';
import type { MetricFacts } from './metric-facts.ts';
import { flag, type MetricFamily, one, per, secondsOf, unixSeconds } from './metric-families.ts';
import type { FeedReport } from './report-fields.ts';
import { sweepOutcomes } from './tally.ts';

function perFeed(
  name: string,
  help: string,
  value: (feed: FeedReport, facts: MetricFacts) => number | null,
): MetricFamily {
  return per('feed', name, help, (facts) =>
    configured(facts).map((feed) => [feed.name, value(feed, facts)]),
  );
}

/** A feed that was taken out of the configuration would stay for as long as its rows do. */
function configured({ report }: MetricFacts): readonly FeedReport[] {
  return report.feeds.filter((feed) => feed.configured);
}

const table: readonly MetricFamily[] = [
  per('state', 'deals', 'Rows of the table.', ({ report }) =>
    dealStates.map((state) => [state, report.deals[state]]),
  ),
  one(
    'held_deals',
    'Rows, counted in their states as well, that are due to end, but too many at once.',
    ({ report }) => report.deals.held,
  ),
  one('freshness_p50_seconds', 'Half of the live rows were seen within this time.', ({ report }) =>
    secondsOf(report.freshness.p50Ms),
  ),
  one(
    'freshness_p95_seconds',
    'Of the live rows 95 in 100 were seen within this time.',
    ({ report }) => secondsOf(report.freshness.p95Ms),
  ),
  one('freshness_max_seconds', 'All live rows were seen within this time.', ({ report }) =>
    secondsOf(report.freshness.maxMs),
  ),
];

const judging: readonly MetricFamily[] = [
  one('acceptances_total', 'Products judged and accepted.', ({ report }) => {
    return report.judging.accepted;
  }),
  per('reason', 'rejections_total', 'Products judged and rejected.', ({ report }) =>
    Object.entries(report.judging.rejected),
  ),
  per(
    'reason',
    'insufficient_total',
    'Products whose history does not allow a verdict.',
    ({ report }) => Object.entries(report.judging.insufficient),
  ),
  one(
    'judging_retries_total',
    'Looks at products that brought no verdict and are repeated; never counted as rejections.',
    ({ report }) => report.judging.retries,
  ),
];

const feeds: readonly MetricFamily[] = [
  perFeed('feed_rows', 'Rows of the feed that have not ended.', ({ rows }) => rows),
  perFeed('feed_last_sweep_timestamp_seconds', 'End of the last complete sweep.', (feed) =>
    unixSeconds(feed.lastSweepAt),
  ),
  perFeed('feed_last_poll_timestamp_seconds', 'When its newest rows were last polled.', (feed) =>
    unixSeconds(feed.lastHeadAt),
  ),
  perFeed('feed_partial', 'Whether it lists more than Keepa shows of one query.', (feed) =>
    flag(feed.partial),
  ),
  perFeed('feed_endings_suspended', 'Whether none of its rows ends now.', (feed) =>
    flag(feed.suspended !== null),
  ),
  perFeed(
    'feed_gap_start_timestamp_seconds',
    'Since when nobody looked at it for too long; absent while there is no such gap.',
    ({ name }, { report }) =>
      unixSeconds(report.gaps.find(({ feed }) => feed === name)?.from ?? null),
  ),
  {
    name: 'sweeps_total',
    help: 'Sweeps that ended, by how; only a complete one proves absence.',
    type: 'counter',
    labels: ['feed', 'outcome'],
    samples: (facts) =>
      configured(facts).flatMap(({ name }) =>
        sweepOutcomes.map((outcome) => ({
          value: facts.tally.sweeps.get(name)?.[outcome] ?? 0,
          labels: { feed: name, outcome },
        })),
      ),
  },
];

export const dealMetrics: readonly MetricFamily[] = [...table, ...judging, ...feeds];
