import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventBody } from "../../src/contracts/event.ts";
import { readLeaving } from "../../src/readers/leaving.ts";
import { ended, told } from "../cli/story.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-leaving-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const point = (id: string) => ({ id, hash: id, at: "", files: 1, uncovered: [] });
const before: EventBody = { type: "checkpoint", label: "before", checkpoint: point("1") };
const after: EventBody = { type: "checkpoint", label: "after", checkpoint: point("2") };
const restored: EventBody = { type: "restored", to: point("1"), report: { restored: [], kept: [] }, reason: "" };
const finished: EventBody = { type: "task_finished", outcome: ended("accepted") };
const tool = (effect: "read" | "execute"): EventBody => {
  return {
    type: "tool_started",
    call: { type: "tool_call", id: "c", name: "t", arguments: "{}" },
    effect,
    subject: "",
  };
};

function leaving(...bodies: EventBody[]) {
  const path = join(dir, "t.jsonl");
  writeFileSync(
    path,
    told(bodies)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(""),
  );
  return readLeaving(path);
}

describe("how a task left the workspace", () => {
  test("is its last record, where it ended", async () => {
    expect(await leaving(before, tool("execute"), after, finished)).toMatchObject({ seq: 4, left: "2" });
    expect(await leaving(before, tool("execute"), after, restored, finished)).toMatchObject({ seq: 5, left: "1" });
  });

  test("is its first record, where it was killed before it did anything", async () => {
    expect(await leaving(before, tool("read"))).toMatchObject({ seq: 2, left: "1", untouched: true });
    expect(await leaving(tool("read"))).toMatchObject({ left: undefined, untouched: true });
  });

  test("is not known where it was killed later, or where its end could not be recorded", async () => {
    expect(await leaving(before, tool("execute"), after)).toMatchObject({ seq: 3, left: undefined });
    expect(await leaving(before, tool("execute"), after)).not.toHaveProperty("untouched");
    expect(await leaving(before, tool("execute"), finished)).toMatchObject({ seq: 3, left: undefined });
  });

  test("is for the checkpoints to say, where there is no transcript", async () => {
    expect(await readLeaving(join(dir, "none"))).toEqual({ seq: 0, left: undefined });
  });
});
