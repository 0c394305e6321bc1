/**
 * The memory at 10,000, 100,000 and 1,000,000 rows: writing and indexing, a whole recall (learnings, tasks, keywords,
 * vectors of 384 dimensions), warm and in a new process; and what search finds, on pairs of public texts (memory/pairs.ts)
 * among all those rows. `--sizes 10000,100000` measures less.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { termsOf } from "../src/base/words.ts";
import { type MemoryDatabase, openDatabase } from "../src/memory/database.ts";
import { fuse } from "../src/memory/fusion.ts";
import { indexWaiting } from "../src/memory/indexing.ts";
import { findKeywords, rankByAll, rarest } from "../src/memory/keywords.ts";
import { createMemory, type OpenMemory } from "../src/memory/memory.ts";
import { ALL_SCOPES } from "../src/memory/scope.ts";
import { Spaces } from "../src/memory/spaces.ts";
import { RERANKED } from "../src/memory/vectors.ts";
import { specsDir } from "../test/specs.ts";
import { exactNearest } from "./memory/exact.ts";
import { readPairs } from "./memory/pairs.ts";
import { textMaker, writeRows } from "./memory/rows.ts";
import { median, type Row, reached, table } from "./table.ts";

const REACH: Record<number, number> = { 10000: 10, 100000: 40, 1000000: 200 };
/** Words are counted anew, and every vector made anew, up to here; beyond it the run would take too long. */
const MOST_COUNTED = 100_000;
const QUERIES = 101;
/** Recalls before them that are not counted: what a new process takes for its first one is measured by itself. */
const WARMING = 100;
const COLD_RUNS = 7;
/** Pairs that are asked for; a million rows are compared exactly with each of them. */
const ASKED: Record<number, number> = { 10000: 300, 100000: 300, 1000000: 100 };
const DEPTH = 100;

const never = new AbortController().signal;
const sizes = (argument("--sizes") ?? "10000,100000,1000000").split(",").map(Number);
const specs = specsDir();
// Every second pair was looked at while the embedder was made.
const pairs = specs ? readPairs(specs).filter((_, at) => at % 2 === 1) : [];

const folder = mkdtempSync(join(tmpdir(), "openkoi-bench-memory-"));
const coldRecall = compiled(join(import.meta.dir, "memory/cold.ts"), join(folder, "cold"));
try {
  const path = join(folder, "openkoi.db");
  const database = openDatabase({ path, now: Date.now, onNotice: () => {} });
  const memory = createMemory({
    database: () => database,
    now: Date.now,
    decayRate: 0.05,
    hide: (text) => text,
    embedder: async () => undefined,
    skills: async () => [],
    onWarning: () => {},
  });
  const spaces = new Spaces(database, Date.now);
  const texts = textMaker(vocabulary(), "rows");
  const speed: Row[] = [];
  const quality: Row[] = [];
  keepPairs(database);
  let rows = 0;
  for (const size of sizes) {
    speed.push(...(await grow(size)));
    speed.push(...(await recalls(memory, path, size)));
    if (pairs.length > 0) quality.push(...found(database, spaces, size));
  }
  database.close();
  console.log(table([...speed, ...quality]));
  if (pairs.length === 0) console.log("\nThe shared material (specs) is missing: what search finds was not measured.");
  console.log(JSON.stringify({ bench: "memory", rows: [...speed, ...quality] }));
  if (process.argv.includes("--check") && ![...speed, ...quality].every(reached)) process.exitCode = 1;

  /** Writes rows up to `size` in batches and indexes them. */
  async function grow(size: number): Promise<Row[]> {
    const label = size.toLocaleString("en");
    const added = size - rows;
    let writing = 0;
    let indexing = 0;
    while (rows < size) {
      const batch = Math.min(4096, size - rows);
      const made = Array.from({ length: batch }, texts).values();
      const begun = performance.now();
      writeRows(database, () => made.next().value ?? "", rows, rows + batch);
      const written = performance.now();
      indexWaiting(database, spaces, { spent: () => false });
      writing += written - begun;
      indexing += performance.now() - written;
      rows += batch;
    }
    const perSecond: Row[] = [
      {
        what: `insert in batches, up to ${label} rows`,
        value: (added / writing) * 1000,
        reach: 20_000,
        unit: "rows/s",
        higher: true,
      },
      {
        what: `what can wait: keywords and vectors of them, up to ${label} rows`,
        value: (added / indexing) * 1000,
        unit: "rows/s",
        higher: true,
      },
    ];
    if (size > MOST_COUNTED) return perSecond;
    const begun = performance.now();
    while (!(await memory.tend(60_000, never)));
    return [
      ...perSecond,
      {
        what: `words counted and all vectors made anew at ${label} rows`,
        value: performance.now() - begun,
        unit: "ms",
      },
    ];
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** Compiled as the program is: what a process must read and translate first is a part of its first recall. */
function compiled(source: string, out: string): string {
  const flags = ["--compile", "--minify", "--splitting", "--bytecode", "--format=esm"];
  const built = Bun.spawnSync([process.execPath, "build", ...flags, source, "--outfile", out]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return out;
}

function keepPairs(database: MemoryDatabase): void {
  database.transaction(() => {
    const insert = database.query(
      "INSERT INTO memory_chunks (id, source, text, created_at) VALUES (?, 'pairs', ?, '2026-01-01T00:00:00.000Z')",
    );
    for (const [at, { document }] of pairs.entries()) insert.run(`pair${at}`, document);
  });
}

/** A whole recall: in this process, and as the first thing of a new one. */
async function recalls(memory: OpenMemory, path: string, size: number): Promise<Row[]> {
  const label = size.toLocaleString("en");
  const cues = textMaker(vocabulary(), "cues");
  const warm: number[] = [];
  for (let at = 0; at < WARMING + QUERIES; at++) {
    const cue = { text: cues(), workspace: `/work/${at % 20}`, task: "now", tokens: 4000 };
    const begun = performance.now();
    await memory.recall(cue, never);
    if (at >= WARMING) warm.push(performance.now() - begun);
  }
  const cold = Array.from({ length: COLD_RUNS }, () => {
    const child = Bun.spawnSync([coldRecall, path, cues()]);
    if (child.exitCode !== 0) throw new Error(child.stderr.toString());
    return Number(child.stdout.toString());
  });
  const reach = REACH[size];
  const within = reach === undefined ? {} : { reach };
  return [
    { what: `recall at ${label} rows, p50`, value: median(warm), unit: "ms", ...within },
    {
      what: `first recall of a new process at ${label} rows, with opening, p50`,
      value: median(cold),
      unit: "ms",
    },
  ];
}

/** The words of the documents themselves: every row is near to some of them. */
function vocabulary(): string[] {
  if (pairs.length > 0) return pairs.flatMap(({ document }) => document.match(/\p{L}+/gu) ?? []);
  return Array.from({ length: 5000 }, (_, at) => `word${Math.floor(Math.sqrt(at * 13))}`);
}

/** Of the pairs' questions, how many find their document among the first ten. */
function found(database: MemoryDatabase, spaces: Spaces, size: number): Row[] {
  const label = size.toLocaleString("en");
  const numbers = new Map(
    database
      .query<{ id: string; n: number }, []>("SELECT id, n FROM memory_chunks WHERE source = 'pairs'")
      .all()
      .map(({ id, n }) => [Number(id.slice("pair".length)), n]),
  );
  const step = Math.max(1, Math.floor(pairs.length / (ASKED[size] ?? 100)));
  const asked = [...pairs.entries()].filter(([at]) => at % step === 0);
  const space = spaces.builtin();
  const vectors = spaces.vectors(space);
  const hits = { keywords: 0, ranked: 0, bits: 0, exact: 0, hybrid: 0, exactHybrid: 0 };
  const embedded = asked.map(([, { query }]) => spaces.hashing(space).embed(termsOf(query)));
  const nearest = exactNearest(database, space.id, embedded, DEPTH);
  for (const [order, [at, { query }]] of asked.entries()) {
    const terms = termsOf(query);
    const vector = embedded[order]!;
    const exact = nearest[order]!;
    const keywords = findKeywords(database, rarest(database, terms), ALL_SCOPES, 2 * DEPTH);
    const ranked = rankByAll(database, terms, keywords).slice(0, DEPTH);
    const bits = vectors.nearest(vector, ALL_SCOPES, DEPTH, RERANKED).map(({ n }) => n);
    const isFound = (list: readonly number[]) => (list.slice(0, 10).includes(numbers.get(at) ?? -1) ? 1 : 0);
    hits.keywords += isFound(keywords);
    hits.ranked += isFound(ranked);
    hits.bits += isFound(bits);
    hits.exact += isFound(exact);
    hits.hybrid += isFound(merged(ranked, bits));
    hits.exactHybrid += isFound(merged(ranked, exact));
  }
  const share = (count: number) => (count / asked.length) * 100;
  const row = (what: string, value: number): Row => ({
    what: `recall@10 of ${asked.length} pairs among ${label} rows: ${what}`,
    value,
    unit: "%",
  });
  const loss: Row = {
    what: `lost by sign bits beside exact f32, hybrid, ${label} rows, points`,
    value: share(hits.exactHybrid - hits.hybrid),
    unit: "%",
  };
  return [
    row("keywords alone (FTS5, rarest terms)", share(hits.keywords)),
    row("keywords alone, ranked by all terms", share(hits.ranked)),
    row("vectors alone, exact f32", share(hits.exact)),
    row(`vectors alone, sign bits and the best ${RERANKED} exactly`, share(hits.bits)),
    row("hybrid, exact f32", share(hits.exactHybrid)),
    row("hybrid", share(hits.hybrid)),
    size <= 100_000 ? { ...loss, reach: 1 } : loss,
  ];
}

function merged(keywords: readonly number[], near: readonly number[]): number[] {
  return [...fuse([keywords, near])].sort((a, b) => b[1] - a[1]).map(([n]) => n);
}
