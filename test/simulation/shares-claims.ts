/**
 * What is claimed of a saturated broker, held against the figures of one run.
 *
 * How a share is measured: of the income, that is the refill less what a stranger took, by what a
 * class received: spent, and what it saved meanwhile. A class may be off by one call of its own: at
 * 1 token a minute somebody who may spend 72 a day in calls of 6 cannot come nearer.
 *
 * What the floor means (P3) where prices are higher than anybody said: the first call of a shape at
 * a new price may end below 0, by at most what it cost beyond its hold, and no later one. Where
 * somebody else spends, an answer may show less than 0 by at most what he took since the last one.
 */
import { type SpendClass, spendClasses } from '../../src/broker/request.ts';
import { projectedTickMs } from '../../src/broker/token-bucket.ts';
import { shares } from '../broker/broker-world.ts';
import type { Crowd, Poll, SaturationFigures, SaturationOptions } from './saturation.ts';

export interface Judged {
  /** Everything that is claimed and is not so, as short text; empty: all claims hold. */
  readonly broken: readonly string[];
  readonly incomeTokens: number;
  readonly spentPercent: number;
  readonly latePolls: number;
  /** The longest wait of a poll, in per cents of its bound. */
  readonly slowestPollPercent: number;
  /** Of what each class received, in per cents of its share; undefined: it asked for nothing. */
  readonly shareOffPercent: Readonly<Partial<Record<SpendClass, number>>>;
  /** Answers of ours below 0 that cost more than was held. */
  readonly ownDebts: number;
}

const spentPercentMin = 99;

/** How far a class may be off its share: a part of it, or so many of its dearest calls. */
export interface Tolerance {
  readonly percent: number;
  readonly calls: number;
}

/** A day is long enough for this. */
const toleranceOfDay: Tolerance = { percent: 1, calls: 1 };

export function judge(
  figures: SaturationFigures,
  options: SaturationOptions,
  tolerance = toleranceOfDay,
): Judged {
  const { crowd = 'everybody', strangerTakes = 0 } = options;
  const incomeTokens = figures.refilledTokens - takenWhileMeasured(figures);
  const spent = spendClasses.reduce((sum, name) => sum + figures.classes[name].spentTokens, 0);
  const late = figures.polls.filter(({ waitedMs, promisedMs }) => waitedMs > promisedMs);
  const slowness = figures.polls.map(({ waitedMs, promisedMs }) => waitedMs / promisedMs);
  const received = spendClasses.reduce((sum, n) => sum + figures.classes[n].receivedTokens, 0);
  const savedTokens = Math.max(0, received - spent);
  // A lump may have come a moment ago.
  const spendable = incomeTokens - savedTokens - options.ratePerMinute;
  const claims: readonly (readonly [string, boolean])[] = [
    ['head polls were made', figures.polls.length > 0],
    [
      `${late.length} polls later than promised`,
      late.every((poll) => isExcused(poll, figures, options)),
    ],
    [`${spent} of ${spendable} spent`, spent >= (spentPercentMin / 100) * spendable],
    [`${figures.expiredTokens} expired`, figures.expiredTokens === 0],
    [`${figures.repeatedRefusals} second 429s`, figures.repeatedRefusals === 0],
    [`${figures.refusals} 429s of our own`, strangerTakes > 0 || figures.refusals === 0],
    ...floorClaims(figures, options),
    ...spendClasses.map((name) => shareClaim(name, { figures, incomeTokens, crowd, tolerance })),
    ...(strangerTakes > 0 ? strangerClaims(figures, options) : []),
  ];
  return {
    broken: claims.flatMap(([text, holds]) => (holds ? [] : [text])),
    incomeTokens,
    spentPercent: (100 * spent) / incomeTokens,
    latePolls: late.length,
    slowestPollPercent: 100 * Math.max(0, ...slowness),
    shareOffPercent: Object.fromEntries(
      spendClasses.flatMap((name) => {
        if (figures.classes[name].calls === 0) return [];
        return [[name, offPercent(figures, name, incomeTokens)]];
      }),
    ),
    ownDebts: ownDebtsIn(figures).length,
  };
}

/** Calls that cost more than their hold move the bounds by ceil(their size / net rate) ticks. */
function isExcused(
  { queuedAtMs, waitedMs, promisedMs }: Poll,
  { ledger }: SaturationFigures,
  { ratePerMinute, strangerTakes = 0 }: SaturationOptions,
): boolean {
  const meanwhile = ledger.filter(({ atMs }) => {
    return atMs >= queuedAtMs && atMs <= queuedAtMs + waitedMs;
  });
  const overruns = meanwhile.map(({ costTokens, holdTokens }) => costTokens - holdTokens);
  const overrun = overruns.reduce((sum, tokens) => sum + Math.max(0, tokens), 0);
  const ticks = Math.ceil(overrun / ((1 - strangerTakes) * ratePerMinute));
  return waitedMs <= promisedMs + ticks * projectedTickMs;
}

function offPercent({ classes }: SaturationFigures, name: SpendClass, income: number): number {
  return (10_000 * classes[name].receivedTokens) / (income * shares[name]) - 100;
}

/**
 * Everybody: exactly its share. Otherwise upsert and backfill at least theirs, for what the idle
 * leave goes to whoever can use it first; and heads whatever they asked for.
 */
function shareClaim(
  name: SpendClass,
  {
    figures,
    incomeTokens,
    crowd,
    tolerance,
  }: { figures: SaturationFigures; incomeTokens: number; crowd: Crowd; tolerance: Tolerance },
): readonly [string, boolean] {
  const { receivedTokens, dearestCallTokens } = figures.classes[name];
  const exact = (incomeTokens * shares[name]) / 100;
  const most = Math.max((tolerance.percent / 100) * exact, tolerance.calls * dearestCallTokens);
  const text = `${name} received ${receivedTokens.toFixed(2)} of ${exact.toFixed(2)}`;
  if (crowd === 'everybody') return [text, Math.abs(receivedTokens - exact) <= most];
  const wantsMore = name === 'upsert' || name === 'backfill';
  return [text, !wantsMore || receivedTokens >= exact - most];
}

type Claims = readonly (readonly [string, boolean])[];

function floorClaims(figures: SaturationFigures, { strangerTakes = 0 }: SaturationOptions): Claims {
  if (strangerTakes > 0) return [];
  const debts = ownDebtsIn(figures);
  const shapes = new Set(debts.map(({ shape }) => shape));
  const below = figures.ledger.filter(({ balanceAfter = 0 }) => balanceAfter < 0);
  return [
    [`${debts.length} debts of ${shapes.size} shapes`, debts.length === shapes.size],
    [
      `${below.length - debts.length} debts without an overrun`,
      below.every((e) => debts.includes(e)),
    ],
    [
      'a debt larger than its overrun',
      debts.every((e) => -(e.balanceAfter ?? 0) <= e.costTokens - e.holdTokens),
    ],
    ['a debt after the warm-up', debts.every(({ atMs }) => atMs < figures.measuredFromMs)],
    [`lowest balance ${figures.lowestBalance}`, debts.length > 0 || figures.lowestBalance >= 0],
  ];
}

function ownDebtsIn({ ledger }: SaturationFigures): SaturationFigures['ledger'] {
  return ledger.filter(({ balanceAfter = 0, costTokens, holdTokens }) => {
    return balanceAfter < 0 && costTokens > holdTokens;
  });
}

function strangerClaims(
  { ledger, takings, unexplainedTokens, netRate = 0 }: SaturationFigures,
  { ratePerMinute, strangerTakes = 0 }: SaturationOptions,
): Claims {
  const unexplained = ledger.flatMap((entry, n) => {
    const { balanceAfter = 0, spendClass } = entry;
    const last = ledger[n - 1];
    const sinceMs = last === undefined ? 0 : last.atMs - last.tookMs;
    const taken = takings.filter(({ atMs }) => atMs >= sinceMs && atMs <= entry.atMs);
    const foreign = taken.reduce((sum, { tokens }) => sum + tokens, 0);
    return spendClass !== 'status' && balanceAfter < 0 && -balanceAfter > foreign ? [entry] : [];
  });
  const net = (1 - strangerTakes) * ratePerMinute;
  return [
    [`${unexplained.length} debts beyond what was taken`, unexplained.length === 0],
    [`${unexplainedTokens} unexplained`, unexplainedTokens > 0.1 * 60 * ratePerMinute],
    // It leans downwards, by a lump in the hour and more where a lump is one token.
    [`net rate ${netRate} of ${net}`, netRate - net <= 0.1 * ratePerMinute],
    [`net rate ${netRate} far below ${net}`, net - netRate <= 0.2 * ratePerMinute],
  ];
}

function takenWhileMeasured({ takings, measuredFromMs }: SaturationFigures): number {
  return takings
    .filter(({ atMs }) => atMs >= measuredFromMs)
    .reduce((sum, { tokens }) => sum + tokens, 0);
}

/** Long enough for each price to be met once before anything is measured. */
export function warmUpHoursFor(ratePerMinute: number): number {
  return Math.max(ratePerMinute > 60 ? 1 : 2, Math.ceil(24 / ratePerMinute));
}
