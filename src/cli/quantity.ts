/**
 * Quantities in options: spans of time, instants, whole cents, per cents; and a reason, in a line.
 *
 * A unit is part of a span, because `--max-age 2` means hours to one person and days to the next.
 * Money is whole cents, as in every field of the output and of the configuration.
 */
import { InvalidArgumentError } from 'commander';
import { isPauseReason } from '../status/actions.ts';

const unitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `30m`, `2h`, `1.5d` in ms. @throws InvalidArgumentError */
export function parseSpanMs(text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(s|m|h|d)$/.exec(text.trim());
  const unitMs = unitsMs[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) {
    throw new InvalidArgumentError('It must be a span like 90s, 30m, 2h or 3d.');
  }
  return Math.round(Number(match[1]) * unitMs);
}

/** Whole cents, also below zero. @throws InvalidArgumentError */
export function parseCents(text: string): number {
  const trimmed = text.trim();
  if (/^-?\d{1,12}$/.test(trimmed)) return Number(trimmed);
  throw new InvalidArgumentError('It must be a whole number of cents, as 1250 for 12.50.');
}

/** Per cents from 0 to 100 as a fraction. @throws InvalidArgumentError */
export function parsePercent(text: string): number {
  const value = /^\d{1,3}(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value <= 100) return value / 100;
  throw new InvalidArgumentError('It must be a number of per cents from 0 to 100.');
}

/** Unix ms of an ISO-8601 instant that names its zone. @throws InvalidArgumentError */
export function parseInstantMs(text: string): number {
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;
  const ms = isInstant.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('It must be an instant with its zone, as 2026-12-24T18:00:00Z.');
}

/** @throws InvalidArgumentError */
export function parseReason(text: string): string {
  if (isPauseReason(text)) return text;
  throw new InvalidArgumentError('It must be one line of at most 200 characters.');
}

const ratesMax = 8;
const rateMax = 10_000;

/** `5` or `5,25`: tokens a minute, each once. @throws InvalidArgumentError */
export function parseRates(text: string): readonly number[] {
  const rates = text.split(',').map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : 0));
  if (rates.length <= ratesMax && rates.every((rate) => rate >= 1 && rate <= rateMax)) {
    return [...new Set(rates)];
  }
  throw new InvalidArgumentError(
    `It must be whole numbers from 1 to ${rateMax}, at most ${ratesMax}, as 5,25.`,
  );
}
