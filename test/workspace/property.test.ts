import { expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { makePlace, never, open, type Place, snapshot } from "./tree.ts";

const name = fc.constantFrom("a", "b", "Ü-ñ 文", "new\nline", '"q"\\', ".hidden", "x.bin", "a-b", "ä".normalize("NFD"));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const content = fc.oneof(
  fc.constantFrom("", "one\n", "one\r\ntwo\r\n", "no end of line"),
  fc.string(),
  fc.uint8Array({ maxLength: 300 }),
);
const edit = fc.oneof(
  fc.record({ op: fc.constant("write" as const), path, content }),
  fc.record({ op: fc.constant("remove" as const), path }),
  fc.record({ op: fc.constant("rename" as const), path, to: path }),
  fc.record({
    op: fc.constant("mode" as const),
    path,
    mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444, 0o700, 0o4755),
  }),
  fc.record({
    op: fc.constant("link" as const),
    path,
    to: fc.constantFrom("a", "../outside", "/etc/passwd", "nowhere", "."),
  }),
  fc.record({ op: fc.constant("folder" as const), path }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Carries an edit out as far as the file system lets it; what stands in the way is removed. */
function carryOut(root: string, one: Edit): void {
  const target = join(root, one.path);
  try {
    clearWay(root, one.path);
    if (one.op === "remove") rmSync(target, { recursive: true, force: true });
    else if (one.op === "mode") {
      // Whoever is not root must still be able to look into a folder.
      const stats = lstatSync(target);
      if (!stats.isSymbolicLink()) chmodSync(target, stats.isDirectory() ? one.mode | 0o700 : one.mode);
    } else if (one.op === "rename") {
      clearWay(root, one.to);
      renameSync(target, join(root, one.to));
    } else {
      if (one.op !== "folder") rmSync(target, { recursive: true, force: true });
      if (one.op === "write") writeFileSync(target, one.content);
      else if (one.op === "link") symlinkSync(one.to, target);
      else mkdirSync(target, { recursive: true });
    }
  } catch {
    // Some random edits make no sense (a rename of nothing); the others are enough.
  }
}

/** Makes every part above the path a real folder. */
function clearWay(root: string, path: string): void {
  const parts = path.split("/").slice(0, -1);
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats && !stats.isDirectory()) rmSync(at, { force: true });
    if (!stats?.isDirectory()) mkdirSync(at);
  }
}

function edited(place: Place, edits: readonly Edit[]): Record<string, string> {
  for (const one of edits) carryOut(place.workspace, one);
  return snapshot(place.workspace);
}

const edits = fc.array(edit, { maxLength: 25 });

test("any sequence of edits is undone byte for byte, and a second time redone", async () => {
  await fc.assert(
    fc.asyncProperty(edits, edits, edits, async (first, second, third) => {
      const place = makePlace();
      const task = open(place);
      const states = [edited(place, first)];
      const records = [await task.record(never())];
      for (const batch of [second, third]) {
        states.push(edited(place, batch));
        records.push(await task.record(never()));
      }
      const [x, y, z] = records as [never, never, never];
      for (const [goal, from, state] of [
        [x, z, states[0]],
        [z, x, states[2]],
        [y, z, states[1]],
        [x, y, states[0]],
        [y, x, states[1]],
      ] as const) {
        const report = await task.restore(goal, from, never());
        expect(report.kept).toEqual([]);
        expect(report.failed).toBeUndefined();
        expect(snapshot(place.workspace)).toEqual(state!);
      }
      expect(await task.record(never())).toMatchObject({ hash: records[1]!.hash });
      expect(readdirSync(place.outside)).toEqual([]);
      await task.close();
      rmSync(join(place.workspace, ".."), { recursive: true, force: true });
    }),
    { numRuns: 150 },
  );
}, 300_000);

test("what somebody else edits meanwhile is never lost", async () => {
  await fc.assert(
    fc.asyncProperty(edits, edits, edits, async (first, byTask, byUser) => {
      const place = makePlace();
      const task = open(place);
      edited(place, first);
      const before = await task.record(never());
      const left = edited(place, byTask);
      const after = await task.record(never());
      const users = edited(place, byUser);
      await task.restore(before, after, never());
      const now = snapshot(place.workspace);
      for (const [path, state] of Object.entries(users)) {
        // A folder may go when the task made it and nothing is in it.
        if (state.startsWith("dir") || left[path] === state) continue;
        expect([path, now[path]]).toEqual([path, state]);
      }
      await task.close();
      rmSync(join(place.workspace, ".."), { recursive: true, force: true });
    }),
    { numRuns: 150 },
  );
}, 300_000);

test("another process restores from the same records", async () => {
  await fc.assert(
    fc.asyncProperty(edits, edits, async (first, second) => {
      const place = makePlace();
      const task = open(place);
      const state = edited(place, first);
      const before = await task.record(never());
      edited(place, second);
      const after = await task.record(never());
      await task.close();
      const later = open(place, "undo");
      await later.restore(before, after, never());
      expect(snapshot(place.workspace)).toEqual(state);
      await later.close();
      rmSync(join(place.workspace, ".."), { recursive: true, force: true });
    }),
    { numRuns: 50 },
  );
}, 300_000);
