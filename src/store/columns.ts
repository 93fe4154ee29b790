/**
 * Values that are written out in a query rather than bound: only so do the indexes over just those
 * rows apply.
 */
import { sql } from 'kysely';
import type { DealState, SweepOutcome } from './ports.ts';

export const accepted = sql.lit<DealState>('accepted');
export const candidate = sql.lit<DealState>('candidate');
export const ended = sql.lit<DealState>('ended');
export const complete = sql.lit<SweepOutcome>('complete');
export const yes = sql.lit(1);

/** Begins the reason of a rejection by a feed's screen, which the next listing may lift. */
export const screenPrefix = 'screen:';
