/**
 * `doctor` on the work: how fresh the rows are, whether the listings are looked at, what was
 * missed, and whether somebody else spends the tokens.
 *
 * No limit is a number of its own: what is late follows from the time to live, which the
 * configuration says, and from the refill, which Keepa says.
 */
import { checkpointName } from '../actors/cursor.ts';
import { headIntervalMs, pagePriceTokens } from '../actors/planning.ts';
import { tickMs } from '../broker/token-bucket.ts';
import type { FeedReport } from '../status/report-fields.ts';
import { type Facts, storedFacts, whyNotStored } from './doctor-facts.ts';
import { type Finding, fine, note, orFine, skipped, warning } from './doctor-finding.ts';
import type { Kept } from './doctor-leases.ts';
import { spanText } from './words.ts';

const hourMs = 3_600_000;
/** Three looks fit into the time to live of a row, or one that fails ends it (see plan-run.ts). */
const looksPerTtl = 3;
/** Of polls in a row that may fail before it is worth a word. */
const pollsMissed = 6;
/** Of pages that could have been paid meanwhile. */
const pagesMissed = 12;
/** Below this part of the income strangers are not worth getting up for. */
const strangersShare = 0.05;

/** A row has to be seen three times within its time to live. */
function lateMs({ loaded }: Facts): number {
  return (loaded.config.retention.ttlHours * hourMs) / looksPerTtl;
}

export function checkFreshness(facts: Facts): readonly Finding[] {
  const stored = storedFacts(facts);
  if (stored === undefined) return [skipped('freshness', whyNotStored(facts))];
  const { freshness, deals } = stored.figures;
  const { ttlHours } = facts.loaded.config.retention;
  const { p50Ms, p95Ms } = freshness;
  if (p50Ms === null || p95Ms === null) return [skipped('freshness', 'there are no rows yet')];
  const rows = deals.total - deals.ended;
  const within = `within ${spanText(p95Ms)}, half within ${spanText(p50Ms)}`;
  const what = `95 % of ${rows} rows were seen ${within}`;
  if (p95Ms <= lateMs(facts)) return [fine('freshness', what)];
  return [
    warning('freshness', {
      what,
      why: `a row that is not seen for ${ttlHours} healthy hours ends`,
      todo: 'see keepa-deals status for what it waits for, and plan for what the tokens allow',
    }),
  ];
}

/** Each listed feed: polled, swept, and whole. */
export function checkListings(facts: Facts): readonly Finding[] {
  const stored = storedFacts(facts);
  if (stored === undefined) return [skipped('listings', whyNotStored(facts))];
  const names = new Set(facts.loaded.config.feeds.map(({ name }) => name));
  const feeds = stored.figures.feeds.filter(({ name }) => names.has(name));
  if (feeds.length === 0) return [skipped('listings', 'no feed was looked at yet')];
  const found = feeds.flatMap((feed) => listingFindings(feed, facts));
  const shown = feeds.map(({ name, rows }) => `${name} ${rows} rows`).join(', ');
  return orFine(found, fine('listings', shown));
}

function listingFindings(feed: FeedReport, facts: Facts): Finding[] {
  const { name, lastSweepAt, lastHeadAt, partial, sweep } = feed;
  const { nowMs } = facts;
  const found: Finding[] = [];
  const ageMs = (iso: string): number => nowMs - Date.parse(iso);
  const since = lastSweepAt ?? sweep?.startedAt;
  if (since !== undefined && ageMs(since) > lateMs(facts)) {
    const what =
      lastSweepAt === null
        ? `${name}: its first sweep goes on since ${spanText(ageMs(since))}`
        : `${name}: the last whole sweep is ${spanText(ageMs(since))} old`;
    found.push(
      warning('listings', {
        what,
        why: 'only a whole sweep proves which rows are gone, and keeps the others from ending',
        todo: 'see keepa-deals plan: the tokens may be too few for the rows',
      }),
    );
  }
  if (lastHeadAt !== null && ageMs(lastHeadAt) > pollLateMs(facts)) {
    found.push(
      warning('listings', {
        what: `${name}: its newest rows were last looked at ${spanText(ageMs(lastHeadAt))} ago`,
        why: 'new deals are found late, and gone by then',
        todo: 'see keepa-deals status for what it waits for',
      }),
    );
  }
  if (partial) {
    found.push(
      note('listings', {
        what: `${name} lists more than the 10,000 rows that Keepa shows of a query`,
        why: 'it is swept in parts by price, and nothing in it ends by absence',
        todo: 'narrow its selection, if that is too much',
      }),
    );
  }
  return found;
}

function pollLateMs({ daemon, loaded }: Facts): number {
  const netRate =
    daemon.kind === 'answered' ? (daemon.report.tokens.netRate ?? undefined) : undefined;
  const income = { netRate, sharePercent: loaded.config.shares.head };
  return Math.max(hourMs, pollsMissed * headIntervalMs(loaded.config.feeds.length, income));
}

export function checkCoverage(facts: Facts): readonly Finding[] {
  const stored = storedFacts(facts);
  if (stored === undefined) return [skipped('coverage', whyNotStored(facts))];
  const ageText = (iso: string): string => spanText(facts.nowMs - Date.parse(iso));
  const found = stored.figures.gaps.map(({ feed, from }) =>
    warning('coverage', {
      what: `${feed}: nobody has looked since ${from} (${ageText(from)})`,
      why: 'what came and went since is missing, and nothing ends by absence',
      todo: 'it closes with the next whole sweep: have the daemon run, see plan for how long',
    }),
  );
  return orFine(found, fine('coverage', 'no time in which nobody looked is open'));
}

/** What nobody here has bought. */
export function checkSpenders({ daemon }: Facts): readonly Finding[] {
  const id = 'spenders';
  if (daemon.kind !== 'answered') return [skipped(id, 'only a running daemon can tell')];
  const { unexplained, refillRate } = daemon.report.tokens;
  if (unexplained === null || refillRate === null) {
    return [skipped(id, 'the daemon does not know the balance yet')];
  }
  const perHour = 60 * refillRate;
  const what = `${unexplained} of the ${perHour} tokens of the last hour went to somebody else`;
  if (unexplained <= 0) return [fine(id, 'nobody else spends with this key')];
  const trouble = {
    what,
    why: 'what others take with the same key is missing here: all intervals grow',
    todo: 'find who else has the key (a browser, a tracking, another tool), or get a key for each',
  };
  return [unexplained > strangersShare * perHour ? warning(id, trouble) : note(id, trouble)];
}

/** Progress that was saved and does not go on. */
export function checkCheckpoints(facts: Facts, { checkpoints }: Kept): readonly Finding[] {
  const { daemon, loaded, nowMs } = facts;
  const feeds = storedFacts(facts)?.figures.feeds ?? [];
  const names = loaded.config.feeds.map(({ name }) => name);
  const oldestMs = Math.min(nowMs, ...checkpoints.map(({ writtenAtMs }) => writtenAtMs));
  const isAtWork = daemon.kind === 'answered' && daemon.report.state !== 'standby';
  const late = checkpoints.filter(({ name, writtenAtMs }) => {
    const feed = feeds.find((one) => checkpointName(one.name) === name);
    return isAtWork && feed?.sweep != null && nowMs - writtenAtMs > pageLateMs(facts);
  });
  const left = checkpoints.filter(
    ({ name }) => names.length > 0 && !names.some((feed) => checkpointName(feed) === name),
  );
  const found = [
    ...late.map(({ name, writtenAtMs }) =>
      warning('checkpoints', {
        what: `${name} was written ${spanText(nowMs - writtenAtMs)} ago, and its sweep is not done`,
        why: 'the sweep does not go on, or its progress cannot be saved',
        todo: 'see keepa-deals status for what it waits for',
      }),
    ),
    ...left.map(({ name }) =>
      note('checkpoints', {
        what: `${name} belongs to a feed that is not configured`,
        why: 'it costs nothing, and would be gone on with if the feed came back',
        todo: 'nothing, unless a name was misspelt',
      }),
    ),
  ];
  const shown =
    checkpoints.length === 0
      ? 'none is saved'
      : `${checkpoints.length} saved, the oldest ${spanText(nowMs - oldestMs)} ago`;
  return orFine(found, fine('checkpoints', shown));
}

/** The time in which a dozen pages of the sweeps could have been paid. */
function pageLateMs({ daemon, loaded }: Facts): number {
  const rate = daemon.kind === 'answered' ? (daemon.report.tokens.netRate ?? 0) : 0;
  const perTick = (Math.max(rate, 1) * loaded.config.shares.backfill) / 100;
  return Math.max(hourMs, (pagesMissed * pagePriceTokens * tickMs) / perTick);
}
