/**
 * Where a sweep resumes, decided from the two places that remember it.
 *
 * The deals database knows which pages it holds; the checkpoint is written after it. After a crash
 * they differ by at most one page. After a restore from a backup either may be older, and the older
 * one is right about what is certainly stored: going back repeats work, going forward would skip.
 */
import { z } from 'zod';
import type { Sweep } from '../store/ports.ts';

const cursorSchema = z.object({
  queryHash: z.string(),
  sweep: z.number().int().min(1),
  page: z.number().int().min(0),
});

/** Compared as a whole: the page of another sweep or of another revision means nothing. */
export type Cursor = z.infer<typeof cursorSchema>;

/** The checkpoint's name for a feed. */
export function checkpointName(feed: string): string {
  return `sweep/${feed}`;
}

/** The cursor that says "everything before `page` of this sweep is stored". */
export function cursorAt(sweep: Sweep, page: number): Cursor {
  return { queryHash: sweep.queryHash, sweep: sweep.number, page };
}

/**
 * The page to go on with: at most `sweep.nextPage`.
 *
 * - No checkpoint, or one that cannot be read: coordination was emptied, and the database alone
 *   says what it holds.
 * - A checkpoint of a later sweep: the database is the older one, and wins.
 * - A checkpoint of an earlier sweep, or of another revision: coordination is the older one, and
 *   this sweep starts over.
 */
export function resumePage(sweep: Sweep, checkpoint: unknown): number {
  const parsed = cursorSchema.safeParse(checkpoint);
  if (!parsed.success) return sweep.nextPage;
  const cursor = parsed.data;
  if (cursor.sweep > sweep.number) return sweep.nextPage;
  if (cursor.sweep < sweep.number || cursor.queryHash !== sweep.queryHash) return 0;
  return Math.min(cursor.page, sweep.nextPage);
}
