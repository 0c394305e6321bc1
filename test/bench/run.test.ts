import { expect, test } from "bun:test";
import { join } from "node:path";

test("a benchmark of an unknown name is an error that says which there are", () => {
  const child = Bun.spawnSync([process.execPath, join(import.meta.dir, "../../bench/run.ts"), "hole"]);
  expect(child.exitCode).toBe(2);
  expect(child.stderr.toString()).toMatch(/no benchmark is called hole; there are whole, files, /);
  expect(child.stdout.toString()).toBe("");
});
