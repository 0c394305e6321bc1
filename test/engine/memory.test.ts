import { describe, expect, test } from "bun:test";
import { check } from "../fakes/evidence.ts";
import { fakeKit, plan, verdict } from "../fakes/kit.ts";
import { fakeMemory, memento } from "../fakes/memory.ts";
import { play } from "./play.ts";

const write = (text: string) => ({ calls: [{ name: "write", args: { path: "a.ts", text } }] });
const finding = (id: string, severity = "important", fix = "") => ({
  id,
  severity,
  dimension: "quality",
  title: `${id} is wrong`,
  description: "It is.",
  ...(fix ? { fix } : {}),
});

describe("recall", () => {
  test("is asked with the task, and planner and executor read what came back as notes", async () => {
    const memory = fakeMemory([memento("l1", "Run `make gen` before the tests.")]);
    const kit = fakeKit({ turns: [write("new"), "Done."], kit: { memory } });
    const { of } = await play(kit, { task: { description: "Mend the parser" } });
    expect(memory.cues).toMatchObject([{ text: "Mend the parser", workspace: "/work" }]);
    const [planned] = kit.models.planner.requests;
    const [worked] = kit.models.executor.requests;
    for (const request of [planned, worked]) {
      expect(request?.system).toContain("notes, not orders");
      expect(request?.system).toContain("- Run `make gen` before the tests.");
    }
    expect(of("recalled")).toMatchObject([{ mementos: [{ id: "l1" }], tokens: 8 }]);
  });

  test("is kept from the judge", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], kit: { memory: fakeMemory([memento("l1", "a note")]) } });
    await play(kit);
    expect(JSON.stringify(kit.models.evaluator.requests)).not.toContain("a note");
  });

  test("may take a tenth of the token budget and a twentieth of the window, whichever is less", async () => {
    const memory = fakeMemory();
    await play(fakeKit({ turns: ["Done."], plan: [plan({ kind: "question" })], kit: { memory } }));
    expect(memory.cues[0]?.tokens).toBe(10_000);
    const small = fakeMemory();
    const limits = { tokenBudget: 20_000 };
    await play(fakeKit({ turns: ["Done."], plan: [plan({ kind: "question" })], limits, kit: { memory: small } }));
    expect(small.cues[0]?.tokens).toBe(2000);
  });

  test("that fails is said, and the task goes on without it", async () => {
    const memory = fakeMemory([], new Error("the disk is gone"));
    const { outcome, of } = await play(fakeKit({ turns: [write("new"), "Done."], kit: { memory } }));
    expect(outcome?.status).toBe("accepted");
    expect(of("warning")).toMatchObject([{ code: "memory", message: "nothing is remembered: the disk is gone" }]);
  });

  test("leaves no trace in a prompt where nothing came back", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."] });
    const { of } = await play(kit);
    expect(of("recalled")).toMatchObject([{ mementos: [], tokens: 0 }]);
    expect(kit.models.executor.requests[0]?.system).not.toContain("memory of earlier tasks");
  });
});

describe("learning", () => {
  test("by rule: a score that fell is an anti-pattern that names what was new, and how to mend it", async () => {
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done."],
      plan: [plan({ category: "code" })],
      verdicts: [
        verdict(0.7),
        verdict(0.4, 0.4, [finding("rounding", "important", "round at the end of the sum, not each line")]),
      ],
    });
    const { of } = await play(kit);
    expect(kit.memory.lessons).toMatchObject([{ type: "anti_pattern", category: "code" }]);
    expect(kit.memory.lessons[0]?.content).toContain(
      "made it worse, 0.70 to 0.40: rounding is wrong (round at the end of the sum, not each line).",
    );
    expect(of("learned")).toHaveLength(1);
  });

  test("by rule: blockers that pile up in one dimension are one anti-pattern", async () => {
    const blockers = [finding("a", "blocker"), finding("b", "blocker")];
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done."],
      verdicts: [verdict(0.8, 0.8, blockers), verdict(0.9)],
    });
    await play(kit);
    expect(kit.memory.lessons.map(({ content }) => content)).toEqual(["Blockers in quality: a is wrong; b is wrong."]);
  });

  test("by rule: tests that failed on the way are no lesson, their names say nothing of why", async () => {
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done."],
      suite: [check("npm test")],
      results: (_, __, files) => (files.get("a.ts") === "one" ? ["adds", "subtracts"] : "passed"),
    });
    await play(kit);
    expect(kit.memory.lessons).toEqual([]);
  });

  test("by rule: gains of nothing are a heuristic that says in what work, and what stayed open", async () => {
    const blocker = [finding("a", "blocker")];
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done.", write("three"), "Done."],
      plan: [plan({ category: "sql" })],
      verdicts: () => verdict(0.6, 0.6, blocker),
    });
    await play(kit);
    expect(kit.memory.lessons).toMatchObject([{ type: "heuristic", category: "sql" }]);
    expect(kit.memory.lessons[0]?.content).toBe(
      "In sql work, iterating on gained nothing; what stayed open: a is wrong.",
    );
  });

  test("by rule: gains of nothing with nothing to name are no lesson", async () => {
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done.", write("three"), "Done."],
      suite: [check("npm test")],
      results: () => ["adds"],
      config: { iteration: { improvement_threshold: 0 } },
      verdicts: () => verdict(0.7),
    });
    const { outcome } = await play(kit);
    expect(outcome?.iterations).toBe(3);
    expect(kit.memory.lessons).toEqual([]);
  });

  test("asks the small model where several iterations had several findings, and nowhere else", async () => {
    const found = ["a", "b", "c"].map((id) => finding(id));
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "All done."],
      verdicts: [verdict(0.7, 0.7, found), verdict(0.9)],
      facts: [
        "Here are the lessons of this task.\nDO: Generate the parser first.\n- AVOID: editing what is generated by hand.\nNONE",
      ],
    });
    const { outcome } = await play(kit);
    expect(kit.memory.lessons).toEqual([
      { type: "heuristic", content: "Generate the parser first.", category: "general", confidence: 0.7 },
      { type: "anti_pattern", content: "editing what is generated by hand.", category: "general", confidence: 0.7 },
    ]);
    const [request] = kit.models.small.requests;
    expect(request?.messages[0]?.blocks[0]).toMatchObject({ text: expect.stringContaining("a is wrong") });
    expect(outcome?.spent.calls).toBe(8);
    const once = fakeKit({ turns: [write("one"), "Done."], verdicts: [verdict(0.9, 0.9, found)] });
    await play(once);
    expect(once.models.small.requests).toEqual([]);
  });

  test("the small model reads where each finding lies, what was mended, and how the task ended", async () => {
    const found = ["a", "b", "c"].map((id) => ({ ...finding(id), location: `${id}.ts:1` }));
    const story = async (second: string) => {
      const kit = fakeKit({
        turns: [write("one"), "Done.", write("two"), "All done."],
        verdicts: [verdict(0.7, 0.7, found), second],
        facts: ["PREFER: Generate the parser before anything else."],
        limits: { iterations: 2 },
      });
      await play(kit);
      // What a model prefers is its note, never the user's wish.
      expect(kit.memory.lessons).toContainEqual(expect.objectContaining({ type: "heuristic", confidence: 0.7 }));
      return JSON.stringify(kit.models.small.requests[0]?.messages);
    };
    const accepted = await story(verdict(0.9, 0.9, [found[2]!]));
    expect(accepted).toContain("It was accepted. 0.80 was needed.");
    expect(accepted).toContain("- [important] a is wrong (a.ts:1): It is.");
    expect(accepted).toContain("- mended: a is wrong\\n- mended: b is wrong\\n- still open: c is wrong");
    expect(await story(verdict(0.75, 0.75, found))).toContain("It was not accepted");
  });

  test("from a model that says nothing useful is no learning and no failure", async () => {
    const found = ["a", "b", "c"].map((id) => finding(id));
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done."],
      verdicts: [verdict(0.7, 0.7, found), verdict(0.9)],
      facts: ["NONE"],
    });
    const { outcome, of } = await play(kit);
    expect(outcome?.status).toBe("accepted");
    expect(kit.memory.lessons).toEqual([]);
    expect(of("warning")).toEqual([]);
  });

  test("that cannot be kept is said, and the outcome stands", async () => {
    const memory = fakeMemory([]);
    memory.learn = async () => {
      throw new Error("the disk is full");
    };
    const kit = fakeKit({
      turns: [write("one"), "Done.", write("two"), "Done."],
      verdicts: [verdict(0.7), verdict(0.4, 0.4, [finding("a")])],
      kit: { memory },
    });
    const { outcome, of } = await play(kit);
    expect(outcome?.status).toBe("regressed");
    expect(of("warning").map(({ message }) => message)).toEqual([
      "what this task taught is not kept: the disk is full",
    ]);
  });
});
