import { expect, test } from "bun:test";
import { join } from "node:path";

const module = JSON.stringify(join(import.meta.dir, "../../src/base/last-acts.ts"));

function ending(code: string): string {
  const child = Bun.spawnSync([process.execPath, "-e", `import { beforeExit } from ${module};\n${code}`]);
  return child.stdout.toString();
}

test("what was promised is done when the process ends early, the newest first, whatever one of them throws", () => {
  const said = ending(`
    beforeExit(() => process.stdout.write("folder"));
    beforeExit(() => { throw new Error("no"); });
    beforeExit(() => process.stdout.write("process "));
    process.exit(3);`);
  expect(said).toBe("process folder");
});

test("what was called off is not done", () => {
  expect(ending('beforeExit(() => process.stdout.write("x"))(); process.exit(0);')).toBe("");
});
