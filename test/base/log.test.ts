import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, type LogOptions } from "../../src/base/log.ts";
import { createRedactor } from "../../src/base/redact.ts";

const root = mkdtempSync(join(tmpdir(), "openkoi-log-"));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
const secret = "a-very-secret-key";

function make(level?: string, more: Partial<LogOptions> = {}) {
  const folder = join(root, String(folders++));
  const redactor = createRedactor({ secrets: [secret] });
  const log = createLog({ folder, env: { OPENKOI_LOG_LEVEL: level }, redactor, now: () => 0, ...more });
  const file = join(folder, "openkoi.log");
  const lines = (name = file): Record<string, unknown>[] =>
    readFileSync(name, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, folder, file, lines };
}

describe("the log", () => {
  test("writes one JSON object a line, in a private file", () => {
    const { log, file, folder, lines } = make();
    log.info("started", { port: 1 });
    log.error("broken");
    expect(lines()).toEqual([
      { time: "1970-01-01T00:00:00.000Z", level: "info", message: "started", port: 1 },
      { time: "1970-01-01T00:00:00.000Z", level: "error", message: "broken" },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test("leaves nothing on disk before its first line", () => {
    const { log, folder } = make("warn");
    log.info("not worth it");
    expect(existsSync(folder)).toBe(false);
  });

  const levels: [given: string | undefined, written: string[]][] = [
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    [undefined, ["error", "warn", "info"]],
    ["nonsense", ["error", "warn", "info"]],
    ["DEBUG", ["error", "warn", "info", "debug"]],
    ["trace", ["error", "warn", "info", "debug", "trace"]],
  ];
  for (const [given, written] of levels) {
    test(`with the level ${given} writes ${written.join(", ")}`, () => {
      const { log, lines } = make(given);
      for (const level of ["error", "warn", "info", "debug", "trace"] as const) log[level]("x");
      expect(lines().map((line) => line["level"])).toEqual(written);
    });
  }

  test("holds no secret", () => {
    const { log, file } = make();
    log.info(`key ${secret}`, { error: new Error(`bad ${secret}`, { cause: new Error(secret) }), deep: { secret } });
    expect(readFileSync(file, "utf8")).not.toContain(secret);
    expect(readFileSync(file, "utf8")).toContain("[[secret:");
  });

  test("writes an error with its stack and cause", () => {
    const { log, lines } = make();
    log.warn("failed", { error: new TypeError("outer", { cause: new Error("inner") }), big: 10n });
    const [line] = lines();
    expect(line).toMatchObject({
      big: "10",
      error: { name: "TypeError", message: "outer", cause: { message: "inner" } },
    });
    expect(JSON.stringify(line)).toContain("log.test.ts");
  });

  test("is put aside when it grows, and only the last ones are kept", () => {
    const { log, folder, lines } = make("info", { maxBytes: 200 });
    for (let i = 0; i < 20; i++) log.info("a line that is long enough", { i });
    expect(readdirSync(folder).toSorted()).toEqual(["openkoi.log", "openkoi.log.1", "openkoi.log.2", "openkoi.log.3"]);
    expect(lines().at(-1)?.["i"]).toBe(19);
    expect(Number(lines(join(folder, "openkoi.log.1")).at(-1)?.["i"])).toBe(Number(lines()[0]?.["i"]) - 1);
  });

  test("never throws", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const { log, folder } = make();
    log.info("cannot be JSON", { circle });
    writeFileSync(folder, "a file in the place of the folder");
    log.error("nowhere to go");
  });
});
