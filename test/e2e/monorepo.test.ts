import { afterEach, describe, expect, test } from "bun:test";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

let here: Place | undefined;
let server: Fake | undefined;
afterEach(async () => {
  here?.remove();
  await server?.stop();
});

const pack = (name: string, uses: object = {}) =>
  JSON.stringify({ name: `@shop/${name}`, version: "1.0.0", scripts: { test: "node --test" }, dependencies: uses });
const nodeTest = (name: string) => `require("node:test")("${name} works", () => {});\n`;

/** Commands of checks, with the folder below `packages` in which they ran. */
function checks(
  events: readonly { type: string; purpose?: string; result?: { check: { cwd: string } } }[],
  purpose: string,
) {
  const ran = events.filter((event) => event.type === "check_finished" && event.purpose === purpose);
  return ran.map((event) => event.result?.check.cwd.split("/").at(-1));
}

describe.skipIf(Bun.which("npm") === null)("npm workspaces", () => {
  test("have a baseline of every package, and those are tested again that the change touches", async () => {
    here = makePlace({
      "package.json": JSON.stringify({ workspaces: ["packages/*"], scripts: { test: "npm test --workspaces" } }),
      "package-lock.json": "{}",
      "packages/prices/package.json": pack("prices"),
      "packages/prices/test/a.test.js": nodeTest("prices"),
      "packages/prices/index.js": "exports.tax = 19;\n",
      "packages/cart/package.json": pack("cart", { "@shop/prices": "1.0.0" }),
      "packages/cart/test/a.test.js": nodeTest("cart"),
      "packages/mail/package.json": pack("mail"),
      "packages/mail/test/a.test.js": nodeTest("mail"),
    });
    const turns: Turn[] = [
      JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: [] }),
      { calls: [{ name: "read", arguments: { path: "packages/prices/index.js" } }] },
      { calls: [{ name: "edit", arguments: { path: "packages/prices/index.js", old: "19", new: "7" } }] },
      "The tax is 7 now.",
      JSON.stringify({ scores: { correctness: 0.9, safety: 0.9, style: 0.9, completeness: 0.9 }, findings: [] }),
    ];
    server = startOpenAiFake(turns);
    useServer(here, server.baseUrl);
    const { code, stdout, stderr } = await openkoi(here, ["--yes", "--format", "stream-json", "Set the tax to 7."]);
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(checks(events, "baseline")).toEqual(["cart", "mail", "prices"]);
    expect(checks(events, "evidence")).toEqual(["cart", "prices"]);
    expect(stderr).toContain("not touched by the change, so not tested again: packages/mail");
  });
});
