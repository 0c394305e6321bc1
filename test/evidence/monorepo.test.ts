import { afterEach, describe, expect, test } from "bun:test";
import type { Check } from "../../src/contracts/evidence.ts";
import { isTouched } from "../../src/engine/checks.ts";
import { has, openPlace, type Place } from "./workspace.ts";

/** Real monorepos of two members and one that uses the first: what is run after a change in one of them. */

let place: Place | undefined;
afterEach(() => place?.remove());

/** Commands, with the folder they run in, that a change of these files calls for. */
function touchedBy(checks: readonly Check[], ...paths: string[]): string[] {
  const changes = paths.map((path) => ({ path, kind: "changed" as const }));
  return checks.filter((check) => isTouched(check, changes)).map(({ id }) => id);
}

const nodeTest = (name: string, value: string) => `const test = require("node:test");
const assert = require("node:assert");
test("${name}", () => assert.equal(${value}, 2));
`;
const pack = (name: string, more: object = {}) =>
  JSON.stringify({ name: `@shop/${name}`, version: "1.0.0", scripts: { test: "node --test" }, ...more });

describe.skipIf(!has("npm"))("npm workspaces", () => {
  const files = (test: string) => ({
    "package.json": JSON.stringify({ name: "shop", workspaces: ["packages/*"], scripts: { test } }),
    "package-lock.json": "{}",
    "packages/prices/package.json": pack("prices"),
    "packages/prices/test/prices.test.js": nodeTest("prices", "1 + 1"),
    "packages/cart/package.json": pack("cart", { dependencies: { "@shop/prices": "1.0.0" } }),
    "packages/cart/test/cart.test.js": nodeTest("cart", "1 + 2"),
    "packages/mail/package.json": pack("mail"),
    "packages/mail/test/mail.test.js": nodeTest("mail", "2"),
  });
  const [prices, cart, mail] = ["prices", "cart", "mail"].map((name) => `test:npm test (packages/${name})`);

  test("are tested package by package: what was touched, and what uses it", async () => {
    place = await openPlace(files("npm test --workspaces --if-present"));
    const checks = await place.discover();
    expect(checks.map(({ id }) => id)).toEqual([cart!, mail!, prices!]);
    expect(touchedBy(checks, "packages/mail/index.js")).toEqual([mail!]);
    expect(touchedBy(checks, "packages/prices/index.js")).toEqual([cart!, prices!]);
    expect(touchedBy(checks, "packages/cart/a.js", "packages/mail/b.js")).toEqual([cart!, mail!]);
    expect(touchedBy(checks, "tsconfig.json")).toEqual([cart!, mail!, prices!]);
    const results = await Promise.all(checks.map((check) => place!.run(check)));
    expect(results.map(({ status }) => status)).toEqual(["failed", "passed", "passed"]);
    expect(results[0]?.failures[0]).toMatchObject({ name: "cart", location: "packages/cart/test/cart.test.js:3" });
  });

  test("of which there are many are tested by the root's one command", async () => {
    const many = (count: number) => ({
      "package.json": JSON.stringify({ workspaces: ["packages/*"], scripts: { test: "npm test --workspaces" } }),
      ...Object.fromEntries(
        Array.from({ length: count }, (_, at) => [`packages/p${at}/package.json`, pack(`p${at}`)] as const),
      ),
    });
    place = await openPlace(many(30));
    expect(await place.discover()).toHaveLength(30);
    place.remove();
    place = await openPlace(many(31));
    expect((await place.discover()).map(({ id }) => id)).toEqual(["test:npm test"]);
  });

  test("whose own test script does more than ask the packages are tested by it", async () => {
    for (const script of ["node prepare.js && npm test --workspaces", "turbo test", "npm test -w packages/cart"]) {
      place = await openPlace(files(script));
      expect((await place.discover()).map(({ id, scope }) => [id, scope])).toEqual([["test:npm test", undefined]]);
      place.remove();
    }
  });
});

describe("what other package managers ask their packages", () => {
  const asking: [lock: string, script: string][] = [
    ["pnpm-lock.yaml", "pnpm -r test"],
    ["pnpm-lock.yaml", "pnpm --recursive run test"],
    ["yarn.lock", "yarn workspaces run test"],
    ["yarn.lock", "yarn workspaces foreach --all run test"],
    ["bun.lock", "bun --filter '*' test"],
  ];
  for (const [lock, script] of asking) {
    test(script, async () => {
      const root = JSON.stringify({ workspaces: ["a", "b"], scripts: { test: script } });
      place = await openPlace({
        "package.json": root,
        [lock]: "",
        "a/package.json": pack("a"),
        "b/package.json": pack("b"),
      });
      expect((await place.discover()).map(({ cwd }) => cwd.split("/").at(-1))).toEqual(["a", "b"]);
    });
  }
});

const crate = (name: string, uses = "") =>
  `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n${uses}`;
const rust = (name: string, value: string) => `#[test]\nfn ${name}() {\n    assert_eq!(${value}, 2);\n}\n`;

describe.skipIf(!has("cargo"))("a Cargo workspace", () => {
  const files = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n',
    "crates/prices/Cargo.toml": crate("shop-prices"),
    "crates/prices/src/lib.rs": rust("prices", "1 + 1"),
    "crates/cart/Cargo.toml": crate("shop-cart", 'shop-prices = { path = "../prices" }\n'),
    "crates/cart/src/lib.rs": rust("cart", "1 + 2"),
    "crates/mail/Cargo.toml": crate("mail"),
    "crates/mail/src/lib.rs": rust("mail", "2"),
  };
  const [prices, cart, mail] = ["shop-prices", "shop-cart", "mail"].map(
    (name) => `test:cargo test --no-fail-fast -p ${name}`,
  );

  test("is tested crate by crate: what was touched, and what uses it", async () => {
    place = await openPlace(files);
    const checks = await place.discover();
    expect(checks.map(({ id }) => id)).toEqual([cart!, mail!, prices!]);
    expect(touchedBy(checks, "crates/mail/src/lib.rs")).toEqual([mail!]);
    expect(touchedBy(checks, "crates/prices/src/lib.rs")).toEqual([cart!, prices!]);
    expect(touchedBy(checks, "Cargo.toml")).toEqual([cart!, mail!, prices!]);
    const failed = await place.run(checks[0]!);
    expect(failed).toMatchObject({ status: "failed", counts: { passed: 0, failed: 1 } });
    expect(failed.failures[0]?.location).toBe("crates/cart/src/lib.rs:3");
    expect((await place.run(checks[1]!)).status).toBe("passed");
  });

  test("of which not every crate can be told is tested as a whole", async () => {
    const hidden = { ...files, "hidden/Cargo.toml": crate("hidden"), "hidden/src/lib.rs": "" };
    const uses = crate("mail", 'hidden = { path = "../../hidden" }\n');
    place = await openPlace({ ...hidden, "crates/mail/Cargo.toml": uses });
    expect((await place.discover()).map(({ id }) => id)).toEqual(["test:cargo test --no-fail-fast --workspace"]);
  });
});

const goTest = (name: string, value: string) =>
  `package ${name}\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {\n\tif ${value} != 2 {\n\t\tt.Fatal("${name} is wrong")\n\t}\n}\n`;

describe.skipIf(!has("go"))("a Go workspace", () => {
  const files = {
    "go.work": "go 1.19\n\nuse (\n\t./prices\n\t./cart\n\t./mail\n)\n",
    "prices/go.mod": "module example.com/prices\n\ngo 1.19\n",
    "prices/prices_test.go": goTest("prices", "1+1"),
    "cart/go.mod": "module example.com/cart\n\ngo 1.19\n\nrequire example.com/prices v0.0.0\n",
    "cart/cart_test.go": goTest("cart", "1+2"),
    "mail/go.mod": "module example.com/mail\n\ngo 1.19\n",
    "mail/mail_test.go": goTest("mail", "1+1"),
  };
  const [prices, cart, mail] = ["prices", "cart", "mail"].map((name) => `test:go test -json ./${name}/...`);

  test("is tested module by module: what was touched, and what requires it", async () => {
    place = await openPlace(files);
    const checks = await place.discover();
    expect(checks.map(({ id }) => id)).toEqual([prices!, cart!, mail!]);
    expect(touchedBy(checks, "mail/mail.go")).toEqual([mail!]);
    expect(touchedBy(checks, "prices/prices.go")).toEqual([prices!, cart!]);
    expect(touchedBy(checks, "go.work")).toEqual([prices!, cart!, mail!]);
    expect((await place.run(checks[2]!)).status).toBe("passed");
    const failed = await place.run(checks[1]!);
    expect(failed.status).toBe("failed");
    expect(failed.failures[0]?.location).toBe("cart/cart_test.go:7");
  });
});

describe("projects beside each other", () => {
  const python = (name: string) =>
    `import unittest\nclass T(unittest.TestCase):\n    def test_${name}(self):\n        pass\n`;

  test("are tested by what was touched, and by what names it in its settings", async () => {
    place = await openPlace({
      "api/pyproject.toml": '[project]\nname = "api"\n',
      "api/test_api.py": python("api"),
      "client/pyproject.toml": '[project]\nname = "client"\ndependencies = ["api"]\n',
      "client/test_client.py": python("client"),
      "web/package.json": pack("web"),
      "web/a.test.js": nodeTest("web", "2"),
    });
    const checks = await place.discover();
    const folders = (...paths: string[]) => touchedBy(checks, ...paths).map((id) => /\((\w+)\)$/.exec(id)?.[1]);
    expect(folders("api/a.py")).toEqual(["api", "client"]);
    expect(folders("client/a.py")).toEqual(["client"]);
    expect(folders("web/a.js")).toEqual(["web"]);
    expect(folders("README.md")).toEqual(["api", "client", "web"]);
  });

  test("one alone is always tested", async () => {
    place = await openPlace({ "web/package.json": pack("web"), "web/a.test.js": nodeTest("web", "2") });
    expect((await place.discover()).map(({ scope }) => scope)).toEqual([undefined]);
  });
});

test("a file belongs to the innermost member that it lies in", () => {
  const at = (uses: string[]): Check => ({
    ...({ id: "t", kind: "test", command: "t", cwd: "/w", source: "", timeoutMs: 1 } as const),
    scope: { uses, members: ["a", "a/inner", "ab"] },
  });
  const touches = (uses: string[], path: string) => isTouched(at(uses), [{ path, kind: "changed" }]);
  expect([touches(["a"], "a/x"), touches(["a"], "a/inner/x"), touches(["a/inner"], "a/inner/x")]).toEqual([
    true,
    false,
    true,
  ]);
  expect([touches(["a"], "ab/x"), touches(["ab"], "ab/x"), touches(["a"], "x")]).toEqual([false, true, true]);
});
