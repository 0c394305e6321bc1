/** Places beyond the first count less and less; the constant of the method's paper (Cormack and others, 2009). */
const K = 60;

/** Reciprocal rank fusion: each list, best first, gives its entries 1 / (60 + place). An entry counts once a list. */
export function fuse<T>(lists: readonly (readonly T[])[]): Map<T, number> {
  const scores = new Map<T, number>();
  for (const list of lists) {
    [...new Set(list)].forEach((entry, at) => {
      scores.set(entry, (scores.get(entry) ?? 0) + 1 / (K + at + 1));
    });
  }
  return scores;
}

/** What an entry has that is the first of so many lists. */
export function mostFused(lists: number): number {
  return lists / (K + 1);
}
