import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { scopesOf } from "../../src/evidence/members.ts";

let root = "";
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the first of these folders uses, itself left out; each has a name and the text of a manifest. */
function used(members: Record<string, { name: string; text?: string }>): readonly string[] {
  root = mkdtempSync(join(tmpdir(), "openkoi-members-"));
  for (const [path, { name, text = "" }] of Object.entries(members)) {
    const file = join(root, path, "package.json");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ name }));
    writeFileSync(join(dirname(file), "Makefile"), text);
  }
  const [first, ...others] = Object.keys(members).map((path) => join(root, path));
  return scopesOf([first!, ...others], root)(first!)!.uses.slice(1);
}

describe("a member of a monorepo uses", () => {
  const others = { "p/cart": { name: "@shop/cart" }, "p/cart-more": { name: "cart-more" }, "p/a b": { name: "a=b" } };
  const from = (text: string) => used({ "p/main": { name: "main", text }, ...others });

  test("what it names, and nothing that is only called alike", () => {
    expect(from('"@shop/cart": "1.0.0"')).toEqual(["p/cart"]);
    expect(from("@shop/cart/deep cart-more@2")).toEqual(["p/cart", "p/cart-more"]);
    expect(from("@shop/cart-x my-cart-more cart-more2 x@shop/cart cart")).toEqual([]);
  });

  test("what it gives the path of", () => {
    expect(from("file:../cart")).toEqual(["p/cart"]);
    expect(from("make -C ./../cart/sub")).toEqual(["p/cart"]);
    expect(from("../carts p/cart ../x/../cart-mor")).toEqual([]);
  });

  test("what has signs in its name or path that end other names", () => {
    expect(from("needs a=b")).toEqual(["p/a b"]);
    expect(from('"../a b"')).toEqual(["p/a b"]);
  });

  test("what stands inside another one's name", () => {
    const nested = {
      "p/long": { name: "@shop/prices/eu" },
      "p/short": { name: "prices" },
      "p/all": { name: "@shop/prices" },
    };
    expect(used({ "p/main": { name: "main", text: "@shop/prices/eu" }, ...nested })).toEqual([
      "p/long",
      "p/short",
      "p/all",
    ]);
  });

  test("what stands in a manifest that no person wrote", () => {
    expect(from(`${"x/".repeat(200_000)} @shop/cart`)).toEqual(["p/cart"]);
  });
});
