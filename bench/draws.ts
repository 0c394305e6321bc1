/**
 * A number in [0, 1) that depends on its keys alone, so that every policy that meets the same situation meets the same
 * luck, in whatever order it asks. FNV-1a over the keys, mixed by the finaliser of MurmurHash3.
 */
export function draw(...keys: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of keys.join("\u001f")) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Standard normal, from two draws (Box and Muller). */
export function normal(...keys: readonly (string | number)[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(...keys, "radius")));
  return radius * Math.cos(2 * Math.PI * draw(...keys, "angle"));
}

/** Numbers one after the other, for making a task. */
export interface Random {
  next(): number;
  /** Both ends included. */
  int(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  /** So many different ones, in random order. */
  some<T>(from: readonly T[], count: number): T[];
}

export function random(...keys: readonly (string | number)[]): Random {
  let drawn = 0;
  const next = () => draw(...keys, drawn++);
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    pick: (from) => from[int(0, from.length - 1)]!,
    some(from, count) {
      const left = [...from];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(int(0, left.length - 1), 1)[0]!);
    },
  };
}
