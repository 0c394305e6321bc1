import { expect, test } from "bun:test";
import { memoryRows } from "../../bench/agent.ts";

const shown = (setups: number[][]) => memoryRows(setups).map(({ what, value }) => [what, value]);

test("peak memory is the largest of all runs, and the median stands beside it where it is another number", () => {
  expect(
    shown([
      [60, 61, 95],
      [50, 50, 50],
    ]),
  ).toEqual([
    ["peak memory, 50 calls: largest of all runs", 95],
    ["peak memory, 50 calls: median of the runs", 61],
  ]);
  expect(shown([[60.1, 60.2, 60.3]])).toEqual([["peak memory, 50 calls: largest of all runs", 60.3]]);
});
