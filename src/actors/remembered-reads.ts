/**
 * A reader that remembers how the feeds stand until something is written.
 *
 * Who asks every minute, like the janitor, mostly asks in a minute in which nothing was stored; the
 * answer counts every listed row, and would be the same.
 *
 * Invariant: no answer is older than the last write that was committed before it was asked for.
 */
import type { DealReader } from '../store/ports.ts';

/** As `reader`, but for what is asked again before anything was written. */
export function rememberedReads(reader: DealReader): DealReader {
  const feeds = remembered(reader, () => reader.feeds());
  const gaps = remembered(reader, () => reader.gaps());
  const bands = new Map<string, DealReader['priceBands']>();
  return {
    ...reader,
    feeds,
    gaps,
    priceBands(feed) {
      const key = `${feed.name} ${feed.queryHash}`;
      const read = bands.get(key) ?? remembered(reader, () => reader.priceBands(feed));
      bands.set(key, read);
      return read(feed);
    },
  };
}

/** What fails is asked for anew; a write during the read makes the next one read again. */
function remembered<T>(
  reader: Pick<DealReader, 'writes'>,
  read: () => Promise<T>,
): () => Promise<T> {
  let last: { readonly writes: number; readonly value: T } | undefined;
  return async () => {
    const writes = reader.writes();
    if (last?.writes === writes) return last.value;
    const value = await read();
    last = { writes, value };
    return value;
  };
}
