import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import { seenEarlier } from "../../src/tools/seen-earlier.ts";
import { openTask } from "./task.ts";

/** Events, a second apart. */
function told(bodies: readonly EventBody[]): Event[] {
  return bodies.map((body, at) => ({
    v: 1,
    seq: at + 1,
    time: new Date(1_000_000 + at * 1000).toISOString(),
    task: "t",
    agent: "main",
    parent: null,
    iteration: 1,
    ...body,
  }));
}

const started = (id: string, name: string, args: object): EventBody => ({
  type: "tool_started",
  call: { type: "tool_call", id, name, arguments: JSON.stringify(args) },
  effect: "read",
  subject: "",
});
const finished = (id: string, name: string, more: { isError?: boolean; changed?: string[]; text?: string } = {}) =>
  ({ type: "tool_finished", id, name, result: { text: "", isError: false, ...more }, ms: 1 }) as EventBody;

describe("what earlier runs of a task saw", () => {
  test("is what was read, when the reading began, and what was written, when it had ended", async () => {
    await using task = await openTask();
    const path = (name: string) => join(task.workspace, name);
    const roots = { workspace: task.workspace, addDirs: [] };
    const seen = seenEarlier(
      told([
        started("1", "read", { path: "a" }),
        finished("1", "read"),
        started("2", "functions.Read", { path: path("b") }),
        finished("2", "functions.Read"),
        started("3", "read", { path: "gone" }),
        finished("3", "read", { isError: true }),
        started("4", "read", { path: "../outside/x" }),
        finished("4", "read"),
        finished("5", "write", { changed: [path("c")] }),
        finished("6", "edit", {
          changed: [path("b")],
          text: "Edited b: line 1. (the file had changed since it was read)",
        }),
        started("7", "read", { path: "never came to its end" }),
      ]),
      roots,
    );
    expect([...seen]).toEqual([
      [path("a"), 1_000_000],
      [path("c"), 1_008_000],
    ]);
  });

  test("may be replaced where nobody changed it since, and is read again where somebody did", async () => {
    const now = Date.now();
    await using task = await openTask({ seenEarlier: { old: now + 60_000, changed: now - 60_000 } });
    for (const name of ["old", "changed", "unseen"]) task.put(name, "one\n");
    const write = { content: "two\n" };
    expect(await task.ok("write", { path: "old", ...write })).toBe("Replaced old (1 line).");
    expect(await task.fails("write", { path: "changed", ...write })).toContain("changed since it was read");
    expect(await task.fails("write", { path: "unseen", ...write })).toContain("exists and was not read");
    // From then on its bytes are known, as of any other file.
    task.put("old", "somebody else\n");
    expect(await task.fails("write", { path: "old", ...write })).toContain("changed since it was read");
  });
});
