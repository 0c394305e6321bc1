import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate, locateTest } from "../../src/evidence/locate.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-locate-")));
afterAll(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "pkg/src"), { recursive: true });
writeFileSync(join(root, "pkg/src/a.js"), "");
writeFileSync(join(root, "top.js"), "");

describe("the place of a failure", () => {
  const cases: [printed: string, expected: string | undefined][] = [
    [`${root}/pkg/src/a.js:3:7`, "pkg/src/a.js:3"],
    [`file://${root}/pkg/src/a.js:3`, "pkg/src/a.js:3"],
    ["src/a.js:3", "pkg/src/a.js:3"],
    ["./src/a.js:3:1", "pkg/src/a.js:3"],
    ["top.js:1", "top.js:1"],
    ["example.com/mod/src/a.js:4", "pkg/src/a.js:4"],
    ["/usr/lib/node/src/a.js:4", undefined],
    ["../../etc/passwd:1", undefined],
    ["no/such.js:1", undefined],
    ["nonsense", undefined],
  ];
  for (const [printed, expected] of cases) {
    test(`${printed.replace(root, "ROOT")} → ${expected}`, () => {
      expect(locate(printed, join(root, "pkg"), root)).toBe(expected as string);
    });
  }
});

describe("the place of a test whose failure names none", () => {
  writeFileSync(
    join(root, "pkg/src/cart.test.ts"),
    `// see "adds the tax"
describe("cart", () => {
  test("adds the tax", () => expect(1).toBe(2));
  it(\`it's "empty"\`, () => {});
  test("again", () => {}); test.skip("again", () => {});
});
describe("order", () => {
  test("again", () => {});
  test("none", () => say("never a test"));
});
`,
  );
  const cases: [name: string, expected: string | undefined][] = [
    ["src/cart.test.ts > cart > adds the tax", "pkg/src/cart.test.ts:3"],
    ['src/cart.test.ts > cart > it\'s "empty"', "pkg/src/cart.test.ts:4"],
    ["src/cart.test.ts > order > again", undefined],
    ["src/cart.test.ts > order > never a test", undefined],
    ["src/cart.test.ts > cart > adds", undefined],
    ["src/none.test.ts > cart > adds the tax", undefined],
    ["adds the tax", undefined],
  ];
  for (const [name, expected] of cases) {
    test(`${name} → ${expected}`, () => {
      expect(locateTest(name, join(root, "pkg"), root)).toBe(expected as string);
    });
  }
});
