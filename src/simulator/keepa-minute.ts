/**
 * Keepa's calendar: whole minutes since 2011-01-01T00:00:00Z.
 *
 * The simulated market lives in these minutes, so that nothing in it can depend on a finer instant
 * than Keepa could ever report. The conversion is written a second time here, apart from the
 * decoder's: a simulator that shared it would also share its mistakes.
 */

const epochMinutes = 21_564_000;

export const minutesPerHour = 60;
export const minutesPerDay = 1_440;

/** The Keepa minute that contains the instant `ms` (Unix milliseconds). */
export function minuteAt(ms: number): number {
  return Math.floor(ms / 60_000) - epochMinutes;
}

/** The first Unix millisecond of a Keepa minute. */
export function msOfMinute(minute: number): number {
  return (minute + epochMinutes) * 60_000;
}
