import { expect, test } from "bun:test";
import { randomId, taskId } from "../../../src/base/crypto/random.ts";

test("an id has the length asked for, no vowels, and does not come twice", () => {
  expect(randomId(12)).toMatch(/^[0-9bcdfghjkmnpqrstvwxyz]{12}$/);
  expect(new Set(Array.from({ length: 1000 }, () => randomId(12))).size).toBe(1000);
});

test("every character of an id is about equally frequent", () => {
  const counts = new Map<string, number>();
  for (const letter of randomId(90_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(30);
  for (const count of counts.values()) expect(count).toBeWithin(2600, 3400);
});

test("a task's id tells its time and sorts by it", () => {
  expect(taskId(Date.UTC(2026, 10, 23, 10, 15, 2, 999))).toMatch(/^20261123-101502-[0-9a-z]{4}$/);
});
