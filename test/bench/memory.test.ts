import { expect, test } from "bun:test";
import { readPairs } from "../../bench/memory/pairs.ts";
import { textMaker, writeRows } from "../../bench/memory/rows.ts";
import { openRig } from "../memory/support.ts";
import { describeSpecs } from "../specs.ts";

describeSpecs(".", (specs) => {
  test("the retrieval set is made of hundreds of pairs, none of which gives its answer away", () => {
    const pairs = readPairs(specs);
    expect(pairs.length).toBeGreaterThan(500);
    expect(new Set(pairs.map(({ from }) => from)).size).toBeGreaterThan(5);
    expect(pairs.filter(({ query, document }) => document.includes(query))).toEqual([]);
    expect(new Set(pairs.map(({ query }) => query)).size).toBe(pairs.length);
  });
});

test("generated rows are the same in every run, and of every kind", () => {
  const [a, b] = [textMaker(["alpha", "beta"], "x"), textMaker(["alpha", "beta"], "x")];
  expect(Array.from({ length: 20 }, a)).toEqual(Array.from({ length: 20 }, b));
  using rig = openRig();
  writeRows(rig.database, a, 0, 1000);
  const kinds = rig.database.query("SELECT kind, count(*) AS n FROM memory_chunks GROUP BY kind ORDER BY kind").all();
  expect(kinds).toEqual([
    { kind: "learning", n: 10 },
    { kind: "task", n: 100 },
    { kind: "transcript", n: 890 },
  ]);
});
