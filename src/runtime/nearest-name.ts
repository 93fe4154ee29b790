/**
 * The known name that a misspelt one was probably meant to be.
 *
 * A wrong name that is merely refused sends its writer to the manual; with the right one beside it
 * the mistake is mended on the spot. A guess is made only when it is close: a far-fetched one is
 * worse than none.
 */

/**
 * The name with the fewest single-letter edits from `word`, the case of letters not counting;
 * undefined when even the best would change more than a third of it (at least two edits are
 * allowed). On a tie the earlier name wins.
 */
export function nearestName(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const edits = editDistance(word.toLowerCase(), name.toLowerCase());
    if (edits < bestEdits) {
      best = name;
      bestEdits = edits;
    }
  }
  return best;
}

/** Insertions, deletions and replacements of one letter that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const inserted = (line[column - 1] ?? 0) + 1;
      const deleted = (above[column] ?? 0) + 1;
      line.push(Math.min(replaced, inserted, deleted));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
