/** What is left of a line when white space and typographic signs do not count. */
export function foldLine(line: string): string {
  const plain = line.trim().replace(/\s+/g, " ");
  if (!/[\\\u2010-\u2015\u2018-\u201f\u2212]/.test(plain)) return plain;
  return plain
    .replace(/[\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u2010-\u2015\u2212]/g, "-")
    .replace(/\\(["'`])/g, "$1");
}

/** The longest part of a folded line that stands in every line which folds to it; "" where there is none. */
export function plainPart(folded: string): string {
  const parts = folded.match(/[^\s\\'"`\-\u2010-\u2015\u2018-\u201f\u2212]+/g) ?? [];
  return parts.reduce((best, part) => (part.length > best.length ? part : best), "");
}

/** 0 to 1: the share of neighbouring character pairs that two lines have in common (Dice). */
export function similarity(a: string, b: string): number {
  if (a === b) return 1;
  if (a.length < 2 || b.length < 2) return 0;
  // Longer lines are told apart by their beginnings.
  const [left, right] = [a.slice(0, 400), b.slice(0, 400)];
  const counts = new Map<string, number>();
  for (let i = 0; i + 1 < left.length; i++) {
    const pair = left.slice(i, i + 2);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  let common = 0;
  for (let i = 0; i + 1 < right.length; i++) {
    const pair = right.slice(i, i + 2);
    const count = counts.get(pair) ?? 0;
    if (count === 0) continue;
    common++;
    counts.set(pair, count - 1);
  }
  return (2 * common) / (left.length + right.length - 2);
}
