import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMeter } from "../../bench/peak.ts";

const linux = process.platform === "linux";
const folder = mkdtempSync(join(tmpdir(), "openkoi-meter-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!linux)("the peak of a program's memory", () => {
  async function measured(...argv: string[]) {
    const meter = createMeter(join(folder, "meter"))!;
    try {
      const child = Bun.spawn([...meter.argv, ...argv], { stdio: ["ignore", "ignore", "inherit", meter.report] });
      return { code: await child.exited, mib: meter.peak() };
    } finally {
      meter.remove();
    }
  }

  test("is its own, however much the process that starts it holds", async () => {
    const held = new Uint8Array(200 * 2 ** 20).fill(1);
    const { code, mib } = await measured("/bin/true");
    expect({ code, small: mib < 20, held: held[held.length - 1] }).toEqual({ code: 0, small: true, held: 1 });
  });

  test("holds what the program really used", async () => {
    const { mib } = await measured(process.execPath, "-e", "globalThis.held = new Uint8Array(200 * 2 ** 20).fill(1)");
    expect(mib).toBeGreaterThan(200);
  });

  test("comes with the program's exit code", async () => {
    expect((await measured("/bin/sh", "-c", "exit 7")).code).toBe(7);
  });
});
