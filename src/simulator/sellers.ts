/**
 * The sellers of the simulated market, and `/seller`.
 *
 * A fixed population per seed. Their ratings have the spread of recorded ones: most above 90 %,
 * some with a handful of ratings, a few with none at all (which is unknown, not bad).
 */
import { chanceOf, mix } from './draw.ts';
import { minutesPerDay } from './keepa-minute.ts';

/** Amazon's own seller id on amazon.com. */
export const amazonSellerId = 'ATVPDKIKX0DER';
const population = 600;
const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const firstNames = [
  'Lone Star',
  'Harbor',
  'Second Shelf',
  'Café',
  'Blue Door',
  'Müller',
  'Orchard',
];
const lastNames = ['Books', 'Media', 'Trading', 'Bücher', 'Textbooks', 'Resale', '& Sons'];

export class SellerBook {
  readonly #seed: number;
  readonly #indexOfId = new Map<string, number>();
  readonly #ids: string[] = [];

  constructor(seed: number) {
    this.#seed = mix(seed, 0x5e11e4);
    for (let index = 0; index < population; index += 1) {
      const id = sellerId(this.#seed, index);
      this.#ids.push(id);
      this.#indexOfId.set(id, index);
    }
  }

  /** The seller behind one offer of a product; big ones turn up more often. */
  idFor(productSeed: number, offer: number): string {
    const unit = chanceOf(productSeed, offer, 0x5e1);
    return this.#ids[Math.floor(unit * unit * population)] ?? amazonSellerId;
  }

  /** Whether this seller's goods usually lie in Amazon's warehouses. */
  isFba(id: string): boolean {
    return chanceOf(this.#seed, this.#indexOfId.get(id) ?? 0, 3) < 0.35;
  }

  /** The record as `/seller` shows it; undefined for an unknown id. */
  recordOf(id: string, domainId: number, minute: number): Record<string, unknown> | undefined {
    const index = this.#indexOfId.get(id);
    if (index === undefined) return undefined;
    const unit = (salt: number): number => chanceOf(this.#seed, index, salt);
    const name = `${pick(firstNames, unit(10))} ${pick(lastNames, unit(11))}`;
    const trackedSince = minute - Math.round((1 + 8 * unit(12)) * 365 * minutesPerDay);
    const lastUpdate = minute - Math.floor(unit(13) * 3 * minutesPerDay);
    const lifetime = unit(14) < 0.03 ? 0 : Math.round(Math.exp(3 + 8 * unit(15)));
    const percent = Math.round(100 - 22 * unit(16) ** 3);
    return {
      address: null,
      businessName: `${name} LLC`,
      csv:
        lifetime === 0
          ? [null, null]
          : ratingHistory({ trackedSince, lastUpdate, percent, lifetime }),
      ...(lifetime === 0 ? {} : { currentRating: percent, currentRatingCount: lifetime }),
      domainId,
      hasFBA: this.isFba(id),
      lastRatingUpdate: lastUpdate,
      lastUpdate,
      ...ratingArrays(percent, lifetime),
      sellerId: id,
      sellerName: name,
      shipsFromChina: unit(17) < 0.02,
      totalStorefrontAsins: [lastUpdate, 10 + Math.floor(Math.exp(9 * unit(18)))],
      trackedSince,
    };
  }
}

/** [30 days, 90 days, 365 days, lifetime]. */
function ratingArrays(percent: number, lifetime: number): Record<string, number[]> {
  const counts = [0.02, 0.06, 0.22, 1].map((share) => Math.round(lifetime * share));
  const positive = Math.min(100, percent);
  const neutral = Math.round((100 - positive) / 3);
  const each = (value: number): number[] => counts.map((count) => (count === 0 ? 0 : value));
  return {
    negativeRating: each(100 - positive - neutral),
    neutralRating: each(neutral),
    positiveRating: each(positive),
    ratingCount: counts,
  };
}

function ratingHistory(seller: {
  readonly trackedSince: number;
  readonly lastUpdate: number;
  readonly percent: number;
  readonly lifetime: number;
}): number[][] {
  const { trackedSince, lastUpdate, percent, lifetime } = seller;
  const half = Math.round(lifetime / 2);
  return [
    [trackedSince, Math.max(0, percent - 2), lastUpdate, percent],
    [trackedSince, half, lastUpdate, lifetime],
  ];
}

function sellerId(seed: number, index: number): string {
  const length = 12 + (mix(seed, index, 1) % 2);
  let id = 'A';
  for (let i = 0; i < length; i += 1) id += letters[mix(seed, index, 2, i) % letters.length];
  return id;
}

function pick(list: readonly string[], unit: number): string {
  return list[Math.floor(unit * list.length)] ?? '';
}
