import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFiles } from "../../bench/awk-project.ts";
import { generate, type LiftTask, openSites, type Site } from "../../bench/lift/generator.ts";
import { hiddenFailures, readSources, visibleFailures } from "../../bench/lift/project.ts";

/** Together they use every rule of every family: the first test sees to it. */
const SEEDS = Array.from({ length: 60 }, (_, at) => at + 1);
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A workspace with the task's files, every site that is not in `open` right and every one in it wrong. */
function workspace(task: LiftTask, open: readonly Site[]): { folder: string; beside: string } {
  const root = mkdtempSync(join(tmpdir(), "openkoi-lift-"));
  folders.push(root);
  const [folder, beside] = [join(root, "work"), join(root, "beside")];
  for (const each of [folder, beside]) mkdirSync(each);
  writeFiles(task.files, folder);
  for (const file of task.sources) {
    let text = task.files[file]!;
    for (const site of task.sites.filter((each) => each.file === file)) {
      const [is, should] = open.includes(site) ? [site.good, site.bad] : [site.bad, site.good];
      text = text.replace(is, () => should);
    }
    writeFileSync(join(folder, file), text);
  }
  return { folder, beside };
}

test("the same seed makes the same task, another seed another one, and the seeds cover every rule", () => {
  expect(generate(7)).toEqual(generate(7));
  expect(generate(7).files).not.toEqual(generate(8).files);
  const rules = new Set(SEEDS.flatMap((seed) => generate(seed).sites.map((site) => site.id)));
  expect(rules.size).toBe(45);
});

test("one to four defects, some without a visible test, and every line to be edited stands once in its file", () => {
  const counts = new Set<number>();
  let unguarded = 0;
  for (const task of SEEDS.map((seed) => generate(seed))) {
    counts.add(task.defects.length);
    unguarded += task.sites.filter((site) => task.defects.includes(site.id) && !site.guarded).length;
    for (const site of task.sites) {
      const open = task.defects.includes(site.id);
      const text = task.files[site.file]!;
      expect(text.split(open ? site.bad : site.good)).toHaveLength(2);
      expect(text).not.toContain(open ? site.good : site.bad);
    }
    expect([...openSites(task, (path) => task.files[path]!)].sort()).toEqual([...task.defects].sort());
  }
  expect([...counts].sort()).toEqual([1, 2, 3, 4]);
  expect(unguarded).toBeGreaterThan(0);
});

test("the name of a defect is nowhere but in the test that guards it", () => {
  for (const task of SEEDS.map((seed) => generate(seed))) {
    const elsewhere = Object.entries(task.files).filter(([path]) => !path.startsWith("test/"));
    for (const site of task.sites) {
      for (const [, text] of [...elsewhere, ["description", task.description] as const]) {
        expect(text).not.toContain(site.label);
      }
      const tests = Object.entries(task.files).filter(([path]) => path.startsWith("test/"));
      expect(tests.some(([, text]) => text.includes(site.label))).toBe(site.guarded);
    }
  }
});

test("without tests nothing in the workspace can be run, and the sources are the same", () => {
  const [whole, bare] = [generate(3), generate(3, { tests: false })];
  expect(Object.keys(bare.files).sort()).toEqual(["README.md", ...bare.sources].sort());
  expect(bare.files["README.md"]).not.toContain("make");
  for (const file of bare.sources) expect(bare.files[file]).toBe(whole.files[file]!);
});

test("the corrected project passes every visible test and every hidden check", async () => {
  for (const task of SEEDS.map((seed) => generate(seed))) {
    const { folder, beside } = workspace(task, []);
    expect(await visibleFailures(task, folder)).toEqual([]);
    expect([...(await hiddenFailures(task, folder, beside))]).toEqual([]);
  }
});

test("a project as it is handed out fails the visible tests of its guarded defects and the hidden checks of all", async () => {
  for (const task of SEEDS.map((seed) => generate(seed))) {
    const defects = task.sites.filter((site) => task.defects.includes(site.id));
    const { folder, beside } = workspace(task, defects);
    expect(readSources(task, folder)).toEqual(
      Object.fromEntries(task.sources.map((path) => [path, task.files[path]!])),
    );
    const guards = defects.filter((site) => site.guarded).map((site) => site.label);
    expect((await visibleFailures(task, folder)).sort()).toEqual(guards.sort());
    expect([...(await hiddenFailures(task, folder, beside))].sort()).toEqual([...task.defects].sort());
  }
});

test("every single line that goes wrong fails its own visible test and its own hidden check, and nothing else", async () => {
  const seen = new Set<string>();
  for (const task of SEEDS.map((seed) => generate(seed))) {
    for (const site of task.sites.filter((each) => each.guarded && !seen.has(each.id))) {
      seen.add(site.id);
      const { folder, beside } = workspace(task, [site]);
      expect(await visibleFailures(task, folder)).toEqual([site.label]);
      expect([...(await hiddenFailures(task, folder, beside))]).toEqual([site.id]);
    }
  }
  expect(seen.size).toBe(45);
});

test("a project that does not run at all fails every hidden check", async () => {
  const task = generate(5);
  const { folder, beside } = workspace(task, []);
  writeFileSync(join(folder, task.sources[0]!), "function (");
  expect((await hiddenFailures(task, folder, beside)).size).toBe(task.sites.length);
});
