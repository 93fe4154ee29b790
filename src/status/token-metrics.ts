/**
 * The metrics of the tokens: what there is, who spent what, and who waits for how long.
 */
import { type SpendClass, spendClasses, stopCauses } from '../broker/request.ts';
import type { MetricFacts } from './metric-facts.ts';
import { flag, type MetricFamily, one, per, secondsOf, unixSeconds } from './metric-families.ts';
import type { ClassReport } from './report-fields.ts';
import { type ClassTally, requestOutcomes } from './tally.ts';

function perClass(
  name: string,
  help: string,
  value: (report: ClassReport) => number | null,
): MetricFamily {
  return per('class', name, help, ({ report }) =>
    spendClasses.map((each) => [each, value(report.classes[each])]),
  );
}

function talliedPerClass(
  name: string,
  help: string,
  value: (tally: ClassTally) => number,
): MetricFamily {
  return per('class', name, help, ({ tally }) =>
    spendClasses.map((each) => [each, value(tally.classes[each])]),
  );
}

const balance: readonly MetricFamily[] = [
  one('balance_tokens', 'Tokens now.', ({ report }) => report.tokens.balance),
  one('capacity_tokens', 'The most that the bucket holds.', ({ report }) => report.tokens.capacity),
  one(
    'refill_tokens',
    'Tokens that arrive with each tick, about once a minute.',
    ({ report }) => report.tokens.refillRate,
  ),
  one(
    'net_refill_tokens',
    'Of a refill, what unknown spenders leave to us.',
    ({ report }) => report.tokens.netRate,
  ),
  one('commons_tokens', 'Tokens that belong to no class.', ({ report }) => report.tokens.commons),
  one(
    'needed_tokens',
    'The balance that is waited for; absent while none is.',
    ({ report }) => report.tokens.needed,
  ),
  one(
    'unexplained_tokens',
    'Tokens of the last hour that none of our requests explains.',
    ({ report }) => report.tokens.unexplained,
  ),
  one('next_refill_timestamp_seconds', 'When the next tokens arrive.', ({ report }) =>
    unixSeconds(report.tokens.nextRefillAt),
  ),
  one('last_answer_timestamp_seconds', 'When Keepa last answered.', ({ report }) =>
    unixSeconds(report.lastSuccessAt),
  ),
];

const spending: readonly MetricFamily[] = [
  talliedPerClass('spent_tokens_total', 'What requests cost.', (tally) => tally.spentTokens),
  talliedPerClass(
    'held_tokens_total',
    'What was set aside for requests while they were under way, to compare with what they cost.',
    (tally) => tally.heldTokens,
  ),
  {
    name: 'requests_total',
    help: 'Requests that reached the wire, by what became of them.',
    type: 'counter',
    labels: ['class', 'outcome'],
    samples: ({ tally }) =>
      Object.entries(tally.classes).flatMap(([name, { requests }]) =>
        requestOutcomes.map((outcome) => ({
          value: requests[outcome],
          labels: { class: name, outcome },
        })),
      ),
  },
  per(
    'outcome',
    'request_retries_total',
    'Requests that were not the first try, by what became of them.',
    ({ tally }) => Object.entries(tally.retries),
  ),
  talliedPerClass(
    'request_wait_seconds_total',
    'Time that requests waited for their turn.',
    ({ waitMs }) => waitMs / 1_000,
  ),
  talliedPerClass(
    'request_duration_seconds_total',
    'Time that requests were under way.',
    ({ tookMs }) => tookMs / 1_000,
  ),
  per('reason', 'spending_stopped', 'Whether nothing is spent, for this reason.', stops),
];

function stops({ stopped }: MetricFacts): Iterable<readonly [string, number]> {
  return stopCauses.map((cause) => [cause, flag(stopped?.cause === cause)]);
}

const queue: readonly MetricFamily[] = [
  perClass('queued_requests', 'Requests that wait for their turn.', ({ queued }) => queued),
  perClass('credit_tokens', 'What the class has saved.', ({ credit }) => credit),
  perClass('oldest_wait_seconds', 'Age of the oldest request that waits.', ({ oldestWaitMs }) =>
    secondsOf(oldestWaitMs),
  ),
  perClass(
    'wait_bound_seconds',
    'The longest time until the present head is sent, as promised.',
    ({ waitBoundMs }) => secondsOf(waitBoundMs),
  ),
  perClass('longest_wait_seconds', 'The longest wait since the start.', ({ longestWaitMs }) =>
    secondsOf(longestWaitMs),
  ),
  per('class', 'share_ratio', 'The part of the income that is due to the class.', ({ report }) =>
    spendClasses.map((name: SpendClass) => {
      const { share } = report.classes[name];
      return [name, share === null ? null : share / 100];
    }),
  ),
];

export const tokenMetrics: readonly MetricFamily[] = [...balance, ...spending, ...queue];
