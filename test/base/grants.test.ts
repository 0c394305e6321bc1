import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { isTrusted, loadGrants } from "../../src/base/grants.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "openkoi-grants-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const paths = () => ({ home: join(root, "home"), permissions: join(root, "home", "permissions.json") });

test("rules are kept by folder, once each, in a file for the user alone", async () => {
  const one = await loadGrants(paths(), "/one");
  expect(one.allow).toEqual([]);
  await one.addAllow(["bash(npm test:*)", "edit"]);
  await (await loadGrants(paths(), "/two")).addAllow(["write"]);
  await one.addAllow(["edit", "fetch(example.com)"]);
  expect(one.allow).toEqual(["bash(npm test:*)", "edit", "fetch(example.com)"]);
  expect((await loadGrants(paths(), "/one")).allow).toEqual(one.allow);
  expect((await loadGrants(paths(), "/two")).allow).toEqual(["write"]);
  expect((await loadGrants(paths(), "/three")).allow).toEqual([]);
  expect(statSync(paths().permissions).mode & 0o777).toBe(0o600);
});

test("nothing is lost where many tasks of many folders allow something at once", async () => {
  const folders = Array.from({ length: 12 }, (_, number) => `/folder-${number}`);
  await Promise.all(
    folders.map(async (folder) => (await loadGrants(paths(), folder)).addAllow([`bash(make ${folder}:*)`])),
  );
  for (const folder of folders) expect((await loadGrants(paths(), folder)).allow).toEqual([`bash(make ${folder}:*)`]);
});

test("trust is about one text of one folder, and a no is remembered as well", async () => {
  const one = await loadGrants(paths(), "/one");
  expect(one.trusts({ source: "a = 1" })).toBeUndefined();
  await one.answerTrust({ source: "a = 1" }, true);
  expect((await loadGrants(paths(), "/one")).trusts({ source: "a = 1" })).toBe(true);
  expect((await loadGrants(paths(), "/one")).trusts({ source: "a = 2" })).toBeUndefined();
  expect((await loadGrants(paths(), "/one/below")).trusts({ source: "a = 1" })).toBeUndefined();
  await one.answerTrust({ source: "a = 2" }, false);
  expect((await loadGrants(paths(), "/one")).trusts({ source: "a = 2" })).toBe(false);
  expect((await loadGrants(paths(), "/one")).trusts({ source: "a = 1" })).toBeUndefined();
});

test("trust comes from the environment, an earlier answer, or somebody who is there", async () => {
  const claim = { file: "/one/.openkoi/config.toml", source: "a = 1", keys: ["a"] };
  const grants = await loadGrants(paths(), "/one");
  expect(await isTrusted(grants, claim, {})).toBe(false);
  expect(await isTrusted(grants, claim, { OPENKOI_TRUST: "1" })).toBe(true);
  expect(await isTrusted(grants, claim, { OPENKOI_TRUST: "0" })).toBe(false);
  expect(await isTrusted(grants, claim, {}, async () => undefined)).toBe(false);
  expect(grants.trusts(claim)).toBeUndefined();
  expect(await isTrusted(grants, claim, {}, async () => true)).toBe(true);
  expect(await isTrusted(grants, claim, {}, () => Promise.reject(new Error("asked again")))).toBe(true);
});

test("settings and skills of a folder are asked about one by one", async () => {
  const grants = await loadGrants(paths(), "/one");
  await grants.answerTrust({ source: "x" }, true);
  await grants.answerTrust({ of: "skills", source: "y" }, false);
  const read = await loadGrants(paths(), "/one");
  expect([read.trusts({ source: "x" }), read.trusts({ of: "skills", source: "y" })]).toEqual([true, false]);
  expect(read.trusts({ of: "skills", source: "x" })).toBeUndefined();
});

test("a file that cannot be understood is the user's to mend, and nothing is written over it", async () => {
  await (await loadGrants(paths(), "/one")).addAllow(["edit"]);
  for (const text of ["{", '{"folders": []}', '{"folders": {"/one": {"allow": "edit"}}}']) {
    writeFileSync(paths().permissions, text);
    expect(loadGrants(paths(), "/one")).rejects.toThrow(UserError);
    expect(readFileSync(paths().permissions, "utf8")).toBe(text);
  }
});
