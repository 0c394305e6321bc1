import { describe, expect, test } from "bun:test";
import type { EventBody } from "../../src/contracts/event.ts";
import type { Memento } from "../../src/contracts/memory.ts";
import { Following } from "../../src/readers/following.ts";
import { started, told } from "../cli/story.ts";

const lesson = (text: string, kind: Memento["kind"] = "heuristic"): Memento => ({
  ...{ kind, id: "l1", text: `Worked before (2026-11-20): ${text}`, why: "like the task in words", tokens: 9 },
});
const LESSON = lesson("Round banknotes towards kopecks before the failing total");

const recalled = (...mementos: Memento[]): EventBody => ({ type: "recalled", mementos, tokens: 9 });
const conversation = (system: string): EventBody => ({ type: "conversation", system });
const says = (text: string): EventBody => ({
  type: "message",
  message: { role: "assistant", from: "x/y", blocks: [{ type: "text", text }] },
});
const thinks = (text: string): EventBody => ({
  type: "message",
  message: { role: "assistant", from: "x/y", blocks: [{ type: "reasoning", text }] },
});
const calls = (args: unknown): EventBody => ({
  type: "message",
  message: {
    role: "assistant",
    from: "x/y",
    blocks: [{ type: "tool_call", id: "c", name: "bash", arguments: JSON.stringify(args) }],
  },
});
const asked = (text: string): EventBody => ({
  type: "message",
  message: { role: "user", blocks: [{ type: "text", text }] },
});
const answered = (text: string): EventBody => ({
  type: "tool_finished",
  id: "c",
  name: "bash",
  result: { text, isError: false },
  ms: 1,
});
const planned = (steps: string[], source: "model" | "fallback" = "model"): EventBody => ({
  type: "planned",
  plan: { kind: "change", category: "code", steps, checks: [] },
  proofs: [],
  source,
  refused: [],
});

/** The lesson's own terms, and those of them that were taken, sorted. */
function fold(...bodies: EventBody[]): { own: string[]; taken: string[] } {
  const following = new Following();
  for (const event of told([started, ...bodies])) following.add(event);
  const [found] = following.lessons;
  return { own: [...(found?.own ?? [])].sort(), taken: [...(found?.taken ?? [])].sort() };
}

describe("a recalled lesson", () => {
  test("has for its own what neither the task nor the note's beginning says", () => {
    expect(fold(recalled(LESSON)).own).toEqual(["banknot", "befor", "kopeck", "round", "total", "toward"]);
  });

  test("is followed by a plan, a call or an answer that uses its words", () => {
    expect(fold(recalled(LESSON), planned(["Round the banknotes"])).taken).toEqual(["banknot", "round"]);
    expect(fold(recalled(LESSON), calls({ command: "grep kopecks", more: ["total"] })).taken).toEqual([
      "kopeck",
      "total",
    ]);
    expect(fold(recalled(LESSON), says("Banknotes it is.")).taken).toEqual(["banknot"]);
  });

  test("is not followed where its words were read elsewhere first: in a file, from the user, in a finding", () => {
    const uses = calls({ content: "banknotes, kopecks" });
    expect(fold(recalled(LESSON), answered("banknotes"), uses).taken).toEqual(["kopeck"]);
    expect(fold(recalled(LESSON), { type: "steered", text: "banknotes!" }, uses).taken).toEqual(["kopeck"]);
    expect(fold(recalled(LESSON), asked("[blocker] banknotes are lost"), uses).taken).toEqual(["kopeck"]);
    expect(fold(recalled(LESSON), uses, answered("banknotes, kopecks")).taken).toEqual(["banknot", "kopeck"]);
  });

  test("has nothing of its own in what the place says anyway, though the note itself stands in the prompt", () => {
    const system = `Notes of the project: banknotes.\n- ${LESSON.text}\n`;
    const { own, taken } = fold(recalled(LESSON), planned(["banknotes and kopecks"]), conversation(system));
    expect(own).not.toContain("banknot");
    expect(taken).toEqual(["kopeck"]);
    expect(fold(recalled(LESSON), asked(`Notes:\n- ${LESSON.text}`), says("kopecks")).taken).toEqual(["kopeck"]);
  });

  test("is not followed by a plan that no model made, by what was only thought, or where it is a task or a skill", () => {
    expect(fold(recalled(LESSON), planned(["banknotes"], "fallback")).taken).toEqual([]);
    expect(fold(recalled(LESSON), thinks("the note says banknotes")).taken).toEqual([]);
    expect(fold(recalled({ ...LESSON, kind: "task" }), says("banknotes"))).toEqual({ own: [], taken: [] });
  });
});
