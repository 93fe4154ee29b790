/**
 * What keepa-deals has set itself, held against what was measured.
 *
 * The limit of 567 judged rows per 1,000 tokens: a row is listed once (5 tokens a page of 150), its
 * history costs 1, and one in ten is verified at 7.3 tokens on average, its seller known already:
 * 1,000 / (5/150 + 1 + 0.1 x 7.3) = 567. What is spent on sweeps, polls and refresh is no yield, so
 * the target is 95 % of what is left; a survivor counts once it is verified. Offers that are looked
 * at again are no refresh here: they have to come out of what is left.
 */
import { tickMs } from '../../src/simulator/bucket.ts';
import type { FreshFigures } from './fresh-rows.ts';
import type { PolicyFigures } from './policy-run.ts';

/** See the head of the file. */
const judgedPerThousandMax = 1_000 / (5 / 150 + 1 + 0.1 * 7.3);
const minuteMs = 60_000;
/** Ten products' offers, the longest call that keepa-deals makes, at its slowest. */
export const longestFlightMs = 12_600 * (1 + 0.57 * Math.log(10));
/** Two runs of unequal pace never agree to the last row: figures may differ by so much. */
const tolerance = 0.01;

export interface Target {
  readonly name: string;
  readonly isMet: boolean;
  readonly figure: string;
}

/** Judged rows per 1,000 tokens. */
export function yieldOf({ judgedRows, refilledTokens }: PolicyFigures): number {
  return (1_000 * judgedRows) / refilledTokens;
}

/** Part of the income that went into sweeps, polls and refresh. */
function lookingShare({ spent, refilledTokens }: PolicyFigures): number {
  const looking = ['sweep', 'head-poll', 'recheck'];
  return looking.reduce((sum, what) => sum + (spent[what] ?? 0), 0) / refilledTokens;
}

/** (a) More work than tokens. */
export function yieldTarget(figures: PolicyFigures): Target {
  const looking = lookingShare(figures);
  const reached = yieldOf(figures);
  const left = judgedPerThousandMax * (1 - looking);
  return {
    name: '(a) judged and verified per 1,000 tokens, work abounding: >= 95 % of what is left',
    isMet: reached >= 0.95 * left,
    figure:
      `${reached.toFixed(0)} of ${left.toFixed(0)}, ${((100 * reached) / left).toFixed(1)} %; ` +
      `${(100 * looking).toFixed(1)} % of the income spent on sweeps, polls and refresh`,
  };
}

/** (b) Nothing left to judge. */
export function freshTarget({ ageP95Ms, rows }: FreshFigures): Target {
  return {
    name: `(b) p95 age of last seen, ${rows} rows, backlog empty, whole daemon: <= 25 min`,
    isMet: ageP95Ms <= 25 * minuteMs,
    figure: `${(ageP95Ms / minuteMs).toFixed(1)} min`,
  };
}

/** (c) Head polls, at every rate. */
export function pollTarget(runs: readonly PolicyFigures[]): Target {
  const worst = runs.reduce((most, { pollWaitMaxMs }) => Math.max(most, pollWaitMaxMs), 0);
  return {
    name: '(c) head polls wait at most one tick and the request in flight, at every rate',
    isMet: worst <= tickMs + longestFlightMs,
    figure: `${(worst / 1_000).toFixed(1)} s`,
  };
}

/** (P3) Our own decisions never take the balance below the floor. */
export function floorTarget(runs: readonly PolicyFigures[]): Target {
  const below = runs.filter(({ lowestBalance, refusals }) => lowestBalance < 0 || refusals > 0);
  const lowest = Math.min(...runs.map(({ lowestBalance }) => lowestBalance));
  return {
    name: '(P3) the balance never falls below 0, and no 429, at every rate',
    isMet: below.length === 0,
    figure: `lowest ${lowest}${below.map(({ rate }) => `; broken at ${rate} a minute`).join('')}`,
  };
}

/** (P5, P8) Nothing that is listed ends, and with work to do no token is lost. */
export function lossTarget(
  runs: readonly PolicyFigures[],
  crowded: PolicyFigures | undefined,
): Target {
  const endedWrongly = runs.reduce((sum, run) => sum + run.endedWrongly, 0);
  const expired = crowded?.expiredTokens ?? 0;
  return {
    name: '(P5, P8) no listed row ends at any rate; no token expires, work abounding',
    isMet: endedWrongly === 0 && expired === 0,
    figure: `${endedWrongly} rows, ${expired} tokens`,
  };
}

/**
 * (d) More tokens a minute never mean less (promise P14). Not compared, for they neither rise nor
 * fall with the rate: poll waits (see c), the lowest balance (see P3), and tokens spent or expired,
 * of which a plan beyond all work spends no more and loses the rest.
 */
export function monotoneTarget(runs: readonly PolicyFigures[]): Target {
  const inOrder = [...runs].sort((a, b) => a.rate - b.rate);
  const breaks = inOrder.slice(1).flatMap((run, i) => {
    const poorer = inOrder[i];
    return poorer === undefined ? [] : fallsBetween(poorer, run);
  });
  return {
    name: '(d) judged, swept, polled, age, gap, 429s and wrong ends are monotone in the rate',
    isMet: breaks.length === 0,
    figure:
      breaks.length === 0
        ? `rates ${inOrder.map(({ rate }) => rate).join(', ')}`
        : breaks.join('; '),
  };
}

function fallsBetween(poorer: PolicyFigures, richer: PolicyFigures): string[] {
  const more = ['judgedRows', 'sweeps', 'polls'] as const;
  const less = ['ageP95Ms', 'pollGapMaxMs', 'refusals', 'endedWrongly'] as const;
  const says = (name: string): string => `${name} ${poorer.rate} -> ${richer.rate} tokens a minute`;
  return [
    ...more.filter((name) => richer[name] < poorer[name] * (1 - tolerance)).map(says),
    ...less.filter((name) => richer[name] > poorer[name] * (1 + tolerance)).map(says),
  ];
}
