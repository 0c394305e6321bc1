/** Which lines differ: 1 for a line of `a` that is gone, and for a line of `b` that is new. */
export interface LineDifference {
  removed: Uint8Array;
  added: Uint8Array;
}

/** Lines with their line feed, so that a last line without one differs from one with it. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start) + 1 || text.length;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

/**
 * The shortest edit script of E. W. Myers ("An O(ND) Difference Algorithm and Its Variations", 1986), in its variant
 * that needs memory for one row only. Texts that have little in common would take square time: past a number of edits
 * the search is cut at the furthest point reached, as in git, which costs some beauty of the result, never its truth.
 */
export function compareLines(a: readonly string[], b: readonly string[]): LineDifference {
  const removed = new Uint8Array(a.length);
  const added = new Uint8Array(b.length);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  const most = Math.min(a.length, b.length) - head;
  while (tail < most && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;

  const numbers = new Map<string, number>();
  const left = sieve(a, head, a.length - tail, new Set(b.slice(head, b.length - tail)), numbers, removed);
  const right = sieve(b, head, b.length - tail, new Set(a.slice(head, a.length - tail)), numbers, added);
  new Comparison(left, right, removed, added).run();
  return { removed, added };
}

/** Lines as numbers, and where each stood. */
interface Numbered {
  ids: Int32Array;
  places: Int32Array;
}

/** Lines that the other side has not at all belong to no common part: they are marked at once and left out. */
function sieve(
  lines: readonly string[],
  from: number,
  to: number,
  others: ReadonlySet<string>,
  numbers: Map<string, number>,
  marks: Uint8Array,
): Numbered {
  const ids = new Int32Array(to - from);
  const places = new Int32Array(to - from);
  let count = 0;
  for (let i = from; i < to; i++) {
    const line = lines[i]!;
    if (!others.has(line)) {
      marks[i] = 1;
      continue;
    }
    let id = numbers.get(line);
    if (id === undefined) {
      id = numbers.size;
      numbers.set(line, id);
    }
    ids[count] = id;
    places[count++] = i;
  }
  return { ids: ids.subarray(0, count), places: places.subarray(0, count) };
}

/** Least number of edits after which a search may be cut. */
const PATIENCE = 256;
const NEVER = 0x7fffffff;

class Comparison {
  private readonly a: Numbered;
  private readonly b: Numbered;
  private readonly removed: Uint8Array;
  private readonly added: Uint8Array;
  /** Furthest point reached on each diagonal, from the front and from the back. Diagonal d lies at `zero + d`. */
  private readonly forward: Int32Array;
  private readonly backward: Int32Array;
  private readonly zero: number;
  private readonly limit: number;

  constructor(a: Numbered, b: Numbered, removed: Uint8Array, added: Uint8Array) {
    this.a = a;
    this.b = b;
    this.removed = removed;
    this.added = added;
    const diagonals = a.ids.length + b.ids.length + 3;
    this.forward = new Int32Array(diagonals);
    this.backward = new Int32Array(diagonals);
    this.zero = b.ids.length + 1;
    this.limit = Math.max(PATIENCE, Math.floor(Math.sqrt(diagonals)));
  }

  run(): void {
    const a = this.a.ids;
    const b = this.b.ids;
    const boxes: [number, number, number, number][] = [[0, a.length, 0, b.length]];
    for (let box = boxes.pop(); box; box = boxes.pop()) {
      let [aFrom, aTo, bFrom, bTo] = box;
      while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom]) {
        aFrom++;
        bFrom++;
      }
      while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1]) {
        aTo--;
        bTo--;
      }
      if (aFrom === aTo) {
        for (let i = bFrom; i < bTo; i++) this.added[this.b.places[i]!] = 1;
      } else if (bFrom === bTo) {
        for (let i = aFrom; i < aTo; i++) this.removed[this.a.places[i]!] = 1;
      } else {
        const [x, y] = this.middle(aFrom, aTo, bFrom, bTo);
        boxes.push([aFrom, x, bFrom, y], [x, aTo, y, bTo]);
      }
    }
  }

  /** A point on a shortest path through the box, found where searches from both corners meet. */
  private middle(aFrom: number, aTo: number, bFrom: number, bTo: number): [number, number] {
    const { forward, backward, zero } = this;
    const a = this.a.ids;
    const b = this.b.ids;
    const lowest = aFrom - bTo;
    const highest = aTo - bFrom;
    const start = aFrom - bFrom;
    const end = aTo - bTo;
    const odd = ((start - end) & 1) !== 0;
    let [fLow, fHigh, bLow, bHigh] = [start, start, end, end];
    forward[zero + start] = aFrom;
    backward[zero + end] = aTo;
    for (let edits = 1; ; edits++) {
      // A step widens the range of diagonals by one on each side, or narrows it where it met the edge of the box.
      if (fLow > lowest) forward[zero + --fLow - 1] = -1;
      else fLow++;
      if (fHigh < highest) forward[zero + ++fHigh + 1] = -1;
      else fHigh--;
      for (let d = fHigh; d >= fLow; d -= 2) {
        let x = Math.max(forward[zero + d - 1]! + 1, forward[zero + d + 1]!);
        let y = x - d;
        while (x < aTo && y < bTo && a[x] === b[y]) {
          x++;
          y++;
        }
        forward[zero + d] = x;
        if (odd && d >= bLow && d <= bHigh && backward[zero + d]! <= x) return [x, y];
      }
      if (bLow > lowest) backward[zero + --bLow - 1] = NEVER;
      else bLow++;
      if (bHigh < highest) backward[zero + ++bHigh + 1] = NEVER;
      else bHigh--;
      for (let d = bHigh; d >= bLow; d -= 2) {
        let x = Math.min(backward[zero + d - 1]!, backward[zero + d + 1]! - 1);
        let y = x - d;
        while (x > aFrom && y > bFrom && a[x - 1] === b[y - 1]) {
          x--;
          y--;
        }
        backward[zero + d] = x;
        if (!odd && d >= fLow && d <= fHigh && x <= forward[zero + d]!) return [x, y];
      }
      if (edits >= this.limit) return this.furthest([aFrom, aTo, bFrom, bTo], fLow, fHigh);
    }
  }

  /** The point that the forward search got furthest to, where the search is given up. */
  private furthest(box: [number, number, number, number], low: number, high: number): [number, number] {
    const [aFrom, aTo, bFrom, bTo] = box;
    let best: [number, number] = [aFrom, bFrom];
    for (let d = high; d >= low; d -= 2) {
      let x = Math.min(this.forward[this.zero + d]!, aTo);
      let y = x - d;
      if (y > bTo) {
        y = bTo;
        x = y + d;
      }
      if (x + y > best[0] + best[1]) best = [x, y];
    }
    return best;
  }
}
