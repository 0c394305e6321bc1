import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Paths, resolvePaths } from "../../src/base/paths.ts";
import { approve, dismiss, proposals } from "../../src/skills/proposals.ts";

let home: string;
let paths: Paths;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "openkoi-proposals-"));
  paths = resolvePaths({ HOME: home });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function propose(name: string, text = `---\nname: ${name}\ndescription: Does ${name}.\n---\nDo it.\n`): string {
  const file = join(paths.skills.proposed, name, "SKILL.md");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe("a proposed skill", () => {
  test("is open until it is approved, and stays where it is", async () => {
    const file = propose("weekly-report");
    expect(proposals(paths).map(({ name, state }) => [name, state])).toEqual([["weekly-report", "open"]]);
    expect((await approve(paths, "weekly-report")).state).toBe("approved");
    expect(proposals(paths)).toMatchObject([{ name: "weekly-report", kind: "task", state: "approved", file }]);
  });

  test("is no longer approved once a file that it is a link to changes", async () => {
    const file = propose("a");
    const elsewhere = join(home, "elsewhere.md");
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
    await approve(paths, "a");
    expect(proposals(paths)[0]?.state).toBe("approved");
    writeFileSync(elsewhere, "---\nname: a\ndescription: Does a.\n---\nDo something else.\n");
    expect(proposals(paths)[0]?.state).toBe("changed");
  });

  test("is no longer approved once anything of it changes", async () => {
    const file = propose("a");
    await approve(paths, "a");
    writeFileSync(join(dirname(file), "run.sh"), "echo");
    expect(proposals(paths)[0]?.state).toBe("changed");
    await approve(paths, "a");
    expect(proposals(paths)[0]?.state).toBe("approved");
  });

  test("is removed whole when it is dismissed", async () => {
    propose("a");
    propose("b");
    await dismiss(paths, "a");
    expect(readdirSync(paths.skills.proposed)).toEqual(["b"]);
  });

  test("may be an evaluator", () => {
    const file = join(paths.evaluators.proposed, "strict", "SKILL.md");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "---\nname: strict\ndescription: d\n---\n");
    expect(proposals(paths)).toMatchObject([{ name: "strict", kind: "evaluator" }]);
  });

  test("that is no skill is listed with what is wrong, and cannot be approved", async () => {
    const file = propose("broken", "no frontmatter");
    expect(proposals(paths)[0]?.problem).toMatchObject({ rule: "frontmatter", file });
    await expect(approve(paths, "broken")).rejects.toThrow(/no frontmatter/);
    expect(existsSync(join(dirname(file), ".approved"))).toBe(false);
  });

  test("that does not exist is refused, with the nearest one", async () => {
    propose("weekly-report");
    await expect(approve(paths, "weekly-repot")).rejects.toMatchObject({ remedy: "Did you mean weekly-report?" });
    await expect(dismiss(paths, "zzz")).rejects.toMatchObject({ remedy: "There are weekly-report." });
  });

  test("nothing proposed is nothing listed", () => {
    expect(proposals(paths)).toEqual([]);
  });
});
