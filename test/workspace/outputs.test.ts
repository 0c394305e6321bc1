import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint, Span } from "../../src/contracts/workspace.ts";
import type { TaskCheckpoints } from "../../src/workspace/task-checkpoints.ts";
import { makePlace, never, open, type Place, put } from "./tree.ts";

let place: Place;
let records: TaskCheckpoints;
let spans: Span[] = [];
let named = new Map<string, number>();

beforeEach(() => {
  place = makePlace();
  spans = [];
  named = new Map();
  records = reopened();
});

afterEach(async () => {
  await records.close();
  rmSync(join(place.workspace, ".."), { recursive: true, force: true });
});

const reopened = () => open(place, "task", { activity: () => ({ spans, named }) });
const record = () => records.record(never());
const text = (path: string) => readFileSync(join(place.workspace, path), "utf8");
const isThere = (path: string) => existsSync(join(place.workspace, path));

/** Something that the task does and that is recorded; the clock of files needs a moment around it. */
async function acts(act: () => void, more: Pick<Span, "check"> = {}): Promise<Checkpoint> {
  await Bun.sleep(45);
  const from = Date.now();
  act();
  await Bun.sleep(2);
  spans.push({ from, to: Date.now(), ...more });
  await Bun.sleep(45);
  return record();
}

const checks = (act: () => void) => acts(act, { check: true });

const changes = async (from: Checkpoint, to: Checkpoint) => {
  const { changes: found, foreign } = await records.diff(from, to, 10_000);
  return { changes: found.map(({ path }) => path), foreign };
};

describe("what checks leave behind", () => {
  test("is no change, makes no other workspace of it, and is put back by undo alone", async () => {
    put(place, "a", "1");
    const before = await record();
    const baseline = await checks(() => {
      put(place, "report.xml", "1 failed");
      put(place, "cover/lines", "1");
    });
    expect(baseline.hash).toBe(before.hash);
    expect(await changes(before, baseline)).toEqual({ changes: [], foreign: undefined });
    const after = await acts(() => put(place, "a", "2"));
    expect(await changes(before, after)).toEqual({ changes: ["a"], foreign: undefined });
    const evidence = await checks(() => {
      put(place, "report.xml", "1 passed");
      put(place, "cover/lines", "2");
    });
    expect(evidence.hash).toBe(after.hash);
    expect(evidence.id).not.toBe(after.id);
    await records.close();
    records = reopened();
    expect((await record()).id).toBe(evidence.id);
    expect(await records.restore(before, after, never())).toEqual({ restored: ["a"], kept: [] });
    expect(text("report.xml")).toBe("1 passed");

    const undone = await records.restore(before, after, never(), true);
    expect(undone).toEqual({ restored: ["cover", "cover/lines", "report.xml"], kept: [] });
    expect([isThere("report.xml"), isThere("cover")]).toEqual([false, false]);
    await records.restore(after, before, never(), true);
    expect([text("a"), text("report.xml"), text("cover/lines")]).toEqual(["2", "1 passed", "2"]);
  });

  test("stays where it was there before and is different now: somebody may have changed it meanwhile", async () => {
    put(place, "a", "1");
    put(place, "notes", "1");
    put(place, "gone", "1");
    const before = await record();
    await checks(() => {
      put(place, "notes", "mine");
      rmSync(join(place.workspace, "gone"));
    });
    const after = await acts(() => put(place, "a", "2"));
    expect(await changes(before, after)).toEqual({ changes: ["a"], foreign: undefined });
    const undone = await records.restore(before, after, never(), true);
    expect(undone).toEqual({ restored: ["a", "gone"], kept: [], unsure: ["notes"] });
    expect([text("a"), text("notes"), text("gone")]).toEqual(["1", "mine", "1"]);
  });

  test("stays where it was written once: somebody may have made it meanwhile", async () => {
    put(place, "a", "1");
    const before = await record();
    await checks(() => put(place, "cover/lines", "1"));
    const after = await acts(() => put(place, "a", "2"));
    expect(await changes(before, after)).toEqual({ changes: ["a"], foreign: undefined });
    const undone = await records.restore(before, after, never(), true);
    expect(undone).toEqual({ restored: ["a"], kept: [], unsure: ["cover/lines"] });
    expect([text("a"), text("cover/lines")]).toEqual(["1", "1"]);
  });

  test("is kept where somebody changed it since", async () => {
    const before = await record();
    await checks(() => put(place, "report.xml", "1 failed"));
    const left = await checks(() => put(place, "report.xml", "2 failed"));
    put(place, "report.xml", "mine");
    expect(await records.restore(before, left, never(), true)).toEqual({ restored: [], kept: ["report.xml"] });
    await record();
    expect(await records.restore(before, left, never(), true)).toMatchObject({ restored: [] });
    expect(text("report.xml")).toBe("mine");
  });

  test("does not hide what the task made of the same file, nor a file of the task that changed while they ran", async () => {
    put(place, "a", "1");
    const before = await record();
    await checks(() => put(place, "report.xml", "1 failed"));
    const after = await acts(() => {
      put(place, "a", "2");
      put(place, "report.xml", "0 failed");
      named.set(join(place.workspace, "report.xml"), Date.now());
    });
    expect((await changes(before, after)).changes).toEqual(["a", "report.xml"]);
    const evidence = await checks(() => put(place, "a", "2, and mine"));
    expect((await changes(before, evidence)).changes).toEqual(["a", "report.xml"]);
    expect(await records.restore(before, after, never(), true)).toEqual({ restored: ["report.xml"], kept: ["a"] });
    expect(text("a")).toBe("2, and mine");
  });

  test("stays theirs where a command of the task makes it anew", async () => {
    const before = await record();
    await checks(() => put(place, "report.xml", "baseline"));
    const after = await acts(() => {
      put(place, "a", "1");
      put(place, "report.xml", "run by the model");
    });
    expect((await changes(before, after)).changes).toEqual(["a"]);
    expect((await records.restore(before, after, never(), true)).restored).toEqual(["a", "report.xml"]);
  });

  test("is told from what the task did in the same stretch by its time", async () => {
    const before = await record();
    await acts(() => mkdirSync(join(place.workspace, "empty")));
    const from = Date.now();
    put(place, "made", "by the task");
    spans.push({ from, to: Date.now() });
    await Bun.sleep(45);
    await checks(() => put(place, "report.xml", "1 failed"));
    const after = await checks(() => put(place, "report.xml", "2 failed"));
    expect((await changes(before, after)).changes).toEqual(["made"]);
    expect((await records.restore(before, after, never(), true)).restored).toEqual(["empty", "made", "report.xml"]);
  });
});
