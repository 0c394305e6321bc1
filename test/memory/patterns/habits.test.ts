import { describe, expect, test } from "bun:test";
import { measurePatterns } from "../../../bench/habit-miner.ts";
import { mistakes } from "../../../bench/habits/measure.ts";

describe("the habits of synthetic users (bench/habits)", () => {
  test("are found, nearly all of them and nearly nothing else, of every kind", async () => {
    const { measured } = await measurePatterns("building", 25);
    for (const [kind, { precision, recall }] of Object.entries(measured.byKind)) {
      const told = `${kind}\n${mistakes(measured, 10)}`;
      expect(precision, told).toBeGreaterThanOrEqual(0.9);
      expect(recall, told).toBeGreaterThanOrEqual(0.9);
    }
  }, 60_000);
});
