import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Diff } from "../../src/contracts/workspace.ts";
import type { TaskCheckpoints } from "../../src/workspace/task-checkpoints.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

let place: Place;
let task: TaskCheckpoints;

beforeEach(() => {
  place = makePlace();
  task = open(place);
});

afterEach(async () => {
  await task.close();
  rmSync(join(place.workspace, ".."), { recursive: true, force: true });
});

async function diffOf(before: () => void, after: () => void, maxBytes = 1e6): Promise<Diff> {
  before();
  const from = await task.record(never());
  after();
  return task.diff(from, await task.record(never()), maxBytes);
}

test("a changed line is shown with three lines around it, and counted", async () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}\n`);
  const diff = await diffOf(
    () => put(place, "src/a.txt", lines.join("")),
    () => put(place, "src/a.txt", lines.with(10, "changed\n").join("")),
  );
  expect(diff.changes).toEqual([{ path: "src/a.txt", kind: "changed", added: 1, removed: 1 }]);
  expect(diff.truncated).toBe(false);
  expect(diff.text).toBe(
    [
      "diff --git a/src/a.txt b/src/a.txt",
      "--- a/src/a.txt",
      "+++ b/src/a.txt",
      "@@ -8,7 +8,7 @@",
      " line 7",
      " line 8",
      " line 9",
      "-line 10",
      "+changed",
      " line 11",
      " line 12",
      " line 13",
      "",
    ].join("\n"),
  );
});

test("as many lines are shown around the changes of a file as are asked for it", async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}\n`);
  for (const path of ["a.txt", "b.txt"]) put(place, path, lines.join(""));
  const from = await task.record(never());
  for (const path of ["a.txt", "b.txt"]) put(place, path, lines.with(30, "changed\n").join(""));
  const diff = await task.diff(from, await task.record(never()), 1e6, (path) => (path === "a.txt" ? 10 : 1));
  expect(diff.text.match(/@@.*@@/g)).toEqual(["@@ -21,21 +21,21 @@", "@@ -30,3 +30,3 @@"]);
});

test("created, deleted and mode changes are named as such", async () => {
  const diff = await diffOf(
    () => {
      put(place, "gone", "x\ny\n");
      put(place, "run.sh", "#!/bin/sh\n", 0o644);
    },
    () => {
      unlinkSync(join(place.workspace, "gone"));
      chmodSync(join(place.workspace, "run.sh"), 0o755);
      put(place, "new", "z\n", 0o644);
    },
  );
  expect(diff.changes).toEqual([
    { path: "gone", kind: "deleted", added: 0, removed: 2 },
    { path: "new", kind: "created", added: 1, removed: 0 },
    { path: "run.sh", kind: "mode", added: 0, removed: 0 },
  ]);
  expect(diff.text).toContain("deleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n");
  expect(diff.text).toContain("old mode 100644\nnew mode 100755\n");
});

test("a binary is named, and has no line counts", async () => {
  const diff = await diffOf(
    () => put(place, "x.bin", new Uint8Array([1, 0, 2])),
    () => put(place, "x.bin", new Uint8Array([1, 0, 3])),
  );
  expect(diff.changes).toEqual([{ path: "x.bin", kind: "changed" }]);
  expect(diff.text).toBe("diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n");
});

test("text in an old encoding is shown as text", async () => {
  const diff = await diffOf(
    () => put(place, "latin", Buffer.from("caf\xe9\n", "latin1")),
    () => put(place, "latin", Buffer.from("caf\xe8\n", "latin1")),
  );
  expect(diff.text).toContain("-café\n+cafè\n");
});

test("each file gets a fair share of a small limit, and what is cut is cut at a line", async () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `dependency ${index}\n`).join("");
  const diff = await diffOf(
    () => {},
    () => {
      put(place, "a-lock.json", many);
      put(place, "z.ts", "export const z = 1;\n");
    },
    2_000,
  );
  expect(diff.truncated).toBe(true);
  expect(Buffer.byteLength(diff.text)).toBeLessThanOrEqual(2_000);
  expect(diff.text).toContain("+export const z = 1;\n");
  expect(diff.text.endsWith("\n")).toBe(true);
  expect(diff.changes.map(({ added }) => added)).toEqual([5_000, 1]);
});

test("with no room at all the changes are still counted", async () => {
  const diff = await diffOf(
    () => {},
    () => put(place, "a", "1\n2\n"),
    0,
  );
  expect(diff).toEqual({ changes: [{ path: "a", kind: "created", added: 2, removed: 0 }], text: "", truncated: true });
});

const git = Bun.which("git");
const patch = Bun.which("patch");

/** Applies a diff to a copy of `before` and says what became of it. */
function applied(before: string, text: string, command: string[]): Record<string, string> {
  const copy = mkdtempSync(join(tmpdir(), "openkoi-apply-"));
  cpSync(before, copy, { recursive: true, verbatimSymlinks: true });
  const run = Bun.spawnSync(command, { cwd: copy, stdin: Buffer.from(text), stdout: "pipe", stderr: "pipe" });
  const result = run.exitCode === 0 ? snapshot(copy) : { [`exit ${run.exitCode}`]: `${run.stdout}${run.stderr}` };
  rmSync(copy, { recursive: true });
  return result;
}

const filesOnly = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([, state]) => !state.startsWith("dir")));

const text = fc
  .array(fc.constantFrom("a", "b", "", "c\r", "  d", "-- e", "++ f", "ü"), { maxLength: 30 })
  .chain((lines) => fc.boolean().map((end) => lines.join("\n") + (end && lines.length > 0 ? "\n" : "")));
const file = fc.record({ text, mode: fc.constantFrom(0o644, 0o755) });
const tree = fc.dictionary(fc.constantFrom("a", "b c", "d/e", 'q"\\', "tab\there", "ü/文"), file);

describe.skipIf(!git)("git apply understands every diff", () => {
  test("for any two trees", async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        const own = makePlace();
        const recorder = open(own);
        const write = (files: typeof before): void => {
          rmSync(own.workspace, { recursive: true });
          mkdirSync(own.workspace);
          for (const [path, { text, mode }] of Object.entries(files)) put(own, path, text, mode);
        };
        write(before);
        const from = await recorder.record(never());
        const copy = join(own.outside, "before");
        cpSync(own.workspace, copy, { recursive: true });
        write(after);
        const diff = await recorder.diff(from, await recorder.record(never()), 1e6);
        const goal = filesOnly(snapshot(own.workspace));
        const result =
          diff.text === "" ? snapshot(copy) : applied(copy, diff.text, [git!, "apply", "--whitespace=nowarn", "-"]);
        expect(filesOnly(result)).toEqual(goal);
        await recorder.close();
        rmSync(join(own.workspace, ".."), { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  test("links too, and a file that becomes one", async () => {
    put(place, "file", "text\n");
    symlinkSync("file", join(place.workspace, "link"));
    const from = await task.record(never());
    const copy = join(place.outside, "before");
    cpSync(place.workspace, copy, { recursive: true, verbatimSymlinks: true });
    unlinkSync(join(place.workspace, "link"));
    symlinkSync("elsewhere", join(place.workspace, "link"));
    unlinkSync(join(place.workspace, "file"));
    symlinkSync("link", join(place.workspace, "file"));
    const diff = await task.diff(from, await task.record(never()), 1e6);
    expect(diff.changes).toEqual([
      { path: "file", kind: "changed", added: 1, removed: 1 },
      { path: "link", kind: "changed", added: 1, removed: 1 },
    ]);
    expect(applied(copy, diff.text, [git!, "apply", "-"])).toEqual(snapshot(place.workspace));
  });
});

describe.skipIf(!patch)("patch understands a diff", () => {
  test("with changes, a new file, a deleted one and a name with a space", async () => {
    put(place, "a b.txt", "1\n2\n3\n");
    put(place, "gone", "x\n");
    const from = await task.record(never());
    const copy = join(place.outside, "before");
    cpSync(place.workspace, copy, { recursive: true });
    put(place, "a b.txt", "1\ntwo\n3");
    put(place, "new", "n\n");
    unlinkSync(join(place.workspace, "gone"));
    const diff = await task.diff(from, await task.record(never()), 1e6);
    expect(filesOnly(applied(copy, diff.text, [patch!, "-p1", "-s"]))).toEqual(filesOnly(snapshot(place.workspace)));
  });
});
