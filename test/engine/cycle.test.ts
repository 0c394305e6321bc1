import { describe, expect, test } from "bun:test";
import { settled } from "../fakes/clock.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, plan, verdict } from "../fakes/kit.ts";
import { outcomeOf, outline, play } from "./play.ts";

const write = (text: string, path = "a.ts") => ({ calls: [{ name: "write", args: { path, text } }] });
const tests = check("npm test");

describe("the cycle", () => {
  test("accepts a result whose evidence and judgement are good, in one iteration", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], verdicts: [verdict(0.9)] });
    const { outcome, events } = await play(kit);
    expect(outcome).toMatchObject({ status: "accepted", decision: "accept", text: "Done.", best: 1, iterations: 1 });
    expect(outcome?.score).toBeCloseTo((0.4 * 1 + 0.4 * 0.9) / 0.8, 9);
    expect(outcome?.changes).toEqual([{ path: "a.ts", kind: "changed" }]);
    expect(outline(events).filter((type) => type.startsWith("phase"))).toEqual([
      "phase:plan",
      "phase:execute",
      "phase:evaluate",
    ]);
  });

  test("answers a question in one pass, without evaluation", async () => {
    const kit = fakeKit({ plan: [plan({ kind: "question" })], turns: ["42"], suite: [tests] });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "answered", decision: null, text: "42", score: null, iterations: 0 });
    expect(of("evaluated")).toEqual([]);
    expect(kit.models.evaluator.requests).toEqual([]);
    expect(outcome?.changes).toEqual([]);
  });

  test("does not count half an answer to a question as answered", async () => {
    for (const [stop, by] of [
      ["filtered", "by the provider's filter"],
      ["length", "at the output limit 3 times"],
    ] as const) {
      const turns = () => ({ text: "It expires after", stop });
      const { outcome } = await play(fakeKit({ plan: [plan({ kind: "question" })], turns }));
      expect(outcome).toMatchObject({ status: "unmeasured", reason: `the answer was cut off ${by}`, score: null });
      expect(outcome?.text).toStartWith("It expires after");
    }
  });

  test("cuts the baseline short when the plan turns out to be a question", async () => {
    const kit = fakeKit({
      plan: [{ text: plan({ kind: "question" }), meanwhile: () => kit.evidence.hanging }],
      turns: ["42"],
      suite: [tests],
      results: () => "hang",
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "answered", text: "42" });
  });

  test("does not make a question wait for another task that holds the workspace", async () => {
    const waiting = Promise.withResolvers<void>();
    const kit = fakeKit({
      plan: [{ text: plan({ kind: "question" }), meanwhile: () => waiting.promise }],
      turns: ["42"],
      kit: {
        claim: (signal) =>
          new Promise((_, reject) => {
            waiting.resolve();
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
      },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "answered" });
  });

  test("measures a question that changed files after all, against a baseline from before the change", async () => {
    const kit = fakeKit({
      plan: [plan({ kind: "question" })],
      turns: [write("broken"), "I changed it.", write("mended"), "Mended."],
      suite: [tests],
      results: (_, __, files) => (files.get("a.ts") === "broken" ? ["adds"] : "passed"),
    });
    const { outcome, of, events } = await play(kit);
    const [first] = of("evaluated");
    expect(first?.evaluation.regressions.map(({ failure }) => failure.name)).toEqual(["adds"]);
    expect(outcome).toMatchObject({ status: "accepted", iterations: 2 });
    const baseline = events.findLastIndex((event) => event.type === "check_finished" && event.purpose === "baseline");
    expect(baseline).toBeLessThan(events.findIndex((event) => event.type === "tool_started"));
  });

  test("does not measure a question that only ran a command", async () => {
    const kit = fakeKit({
      plan: [plan({ kind: "question" })],
      turns: [{ calls: [{ name: "shell", args: { command: "git log" } }] }, "Three commits."],
      suite: [tests],
      kit: { permission: "ask" },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "answered", text: "Three commits." });
    expect(kit.evidence.runs).toEqual([]);
  });

  test("blames what it cannot compare when a question changed files by a command, and says so", async () => {
    const kit = fakeKit({
      plan: [plan({ kind: "question" })],
      turns: [{ calls: [{ name: "shell", args: { command: "sed -i" } }] }, "Done.", "Still.", "Still not."],
      tool: (_, { files }) => {
        files.set("a.ts", "sed");
        return { text: "" };
      },
      suite: [tests],
      results: () => ["adds"],
      kit: { permission: "ask" },
    });
    const { outcome, of } = await play(kit);
    expect(outcome?.status).toBe("below");
    expect(of("warning").map(({ message }) => message)).toContain(
      "no baseline for `npm test`: files were changed before, so old failures cannot be told from new ones",
    );
  });

  test("makes one pass without plan and evaluation with -i 0", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], limits: { iterations: 0 } });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "completed", decision: null, text: "Done.", score: null, best: 0 });
    expect(outcome?.changes).toEqual([{ path: "a.ts", kind: "changed" }]);
    expect(kit.models.planner.requests).toEqual([]);
    expect(kit.models.evaluator.requests).toEqual([]);
    expect(kit.evidence.runs).toEqual([]);
    expect(of("checkpoint").map(({ label }) => label)).toEqual(["before", "after"]);
  });

  test("records nothing where one pass only reads", async () => {
    const kit = fakeKit({
      turns: [{ calls: [{ name: "read", args: { path: "a.ts" } }] }, "It says old."],
      limits: { iterations: 0 },
    });
    const { of } = await play(kit);
    expect(of("checkpoint")).toEqual([]);
  });

  test("goes on with the task alone where the planner gives no plan", async () => {
    const kit = fakeKit({ plan: ["I would rather not."], turns: [write("new"), "Done."] });
    const { outcome, of } = await play(kit);
    expect(outcome?.status).toBe("accepted");
    expect(of("planned")[0]).toMatchObject({ source: "fallback", plan: { kind: "change", steps: [], checks: [] } });
    expect(of("warning")[0]).toMatchObject({ code: "plan" });
    expect(kit.models.planner.requests).toHaveLength(1);
  });

  test("keeps a plan of which a lesser word is odd", async () => {
    const odd = { kind: "question", category: null, steps: [{ do: "it" }], tests: "none" };
    const { outcome, of } = await play(fakeKit({ plan: [JSON.stringify(odd)], turns: ["Four."] }));
    expect(outcome?.status).toBe("answered");
    const plan = { kind: "question", category: "general", steps: [], checks: [] };
    expect(of("planned")[0]).toMatchObject({ source: "model", plan });
    expect(JSON.stringify(of("planned")[0])).not.toContain("none");
  });

  test("keeps a plan whose kind is in capitals and whose lists are one text or null", async () => {
    const plans = [
      { said: { kind: "Change", steps: "Do it", checks: null }, steps: ["Do it"], proofs: [] },
      { said: { kind: "CHANGE ", steps: null, checks: "npm test" }, steps: [], proofs: ["npm test"] },
      { said: { kind: "change", steps: {}, checks: [1, "npm test"] }, steps: [], proofs: ["npm test"] },
    ];
    for (const { said, steps, proofs } of plans) {
      const { of } = await play(fakeKit({ plan: [JSON.stringify(said)], turns: [write("new"), "Done."] }));
      const [planned] = of("planned");
      expect(planned).toMatchObject({ source: "model", plan: { kind: "change", steps, checks: proofs } });
      expect(planned?.proofs.map(({ command }) => command)).toEqual(proofs);
    }
  });

  test("refuses checks that cannot fail, says so, and does not run them", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["true", "node check.js"] })],
      turns: [write("new"), "Done."],
    });
    const { of } = await play(kit);
    expect(of("planned")[0]?.refused).toEqual([{ command: "true", reason: "it cannot fail" }]);
    expect(of("warning").map(({ message }) => message)).toEqual([
      "`true` proves nothing and is not run: it cannot fail",
    ]);
    expect(new Set(kit.evidence.runs)).toEqual(new Set(["node check.js"]));
  });

  test("runs a proof that is one of the project's own checks once", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["npm test"] })],
      turns: [write("new"), "Done."],
      suite: [tests],
    });
    const { outcome } = await play(kit);
    expect(kit.evidence.runs).toEqual(["npm test", "npm test"]);
    expect(outcome?.status).toBe("accepted");
  });

  test("takes the baseline beside the planning and has it before the first effect", async () => {
    const planning = Promise.withResolvers<void>();
    const kit = fakeKit({
      plan: [{ text: plan({ checks: ["node check.js"] }), meanwhile: () => planning.promise }],
      turns: [write("new"), "Done."],
      suite: [tests],
      results: (asked) => {
        if (asked.command === "npm test") planning.resolve();
        return "passed";
      },
    });
    const { events } = await play(kit);
    const at = (what: (event: (typeof events)[number]) => boolean) => events.findIndex(what);
    const baseline = (command: string) =>
      at((e) => e.type === "check_finished" && e.purpose === "baseline" && e.result.check.command === command);
    // The planner answered only after the test run had begun, so the two really ran side by side.
    expect(at((e) => e.type === "check_started")).toBeLessThan(at((e) => e.type === "planned"));
    expect(at((e) => e.type === "checkpoint")).toBeLessThan(at((e) => e.type === "check_started"));
    const effect = at((e) => e.type === "tool_started" && e.effect === "write");
    expect(baseline("npm test")).toBeGreaterThan(-1);
    expect(baseline("npm test")).toBeLessThan(effect);
    expect(baseline("node check.js")).toBeLessThan(effect);
  });

  test("asks for permission before a check is run, also for the baseline, in every mode", async () => {
    for (const permission of ["auto", "ask"]) {
      const kit = fakeKit({
        turns: [write("new"), "Done."],
        suite: [tests, check("npm run lint", "static")],
        kit: { permission, permitCheck: async (command) => (command === "npm test" ? "a rule denies it" : undefined) },
      });
      const { outcome, of } = await play(kit);
      expect(new Set(kit.evidence.runs)).toEqual(new Set(["npm run lint"]));
      expect(outcome?.evaluation?.unmeasured).toContain("npm test: a rule denies it");
      expect(of("warning")[0]?.message).toBe("not measured: npm test: a rule denies it");
    }
  });

  test("names a check that says nothing with its reason, asks nobody and does not run it", async () => {
    const asked: string[] = [];
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [{ ...tests, refused: "sleep 1000: it does not end" }],
      kit: { permission: "ask", permitCheck: async (command) => void asked.push(command) },
    });
    const { outcome } = await play(kit);
    expect(outcome?.evaluation?.unmeasured).toContain("npm test: sleep 1000: it does not end");
    expect([...asked, ...kit.evidence.runs]).toEqual([]);
  });

  test("plans before it asks for anything where permission has to be asked for", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], kit: { permission: "ask" } });
    const { events } = await play(kit);
    const planned = events.findIndex((event) => event.type === "planned");
    const recorded = events.findIndex((event) => event.type === "checkpoint");
    expect(planned).toBeLessThan(recorded);
    // Checks run with the project's code: what they might change must be recorded before, too.
    expect(recorded).toBeLessThan(events.findIndex((event) => event.type === "check_started"));
  });

  test("does not wait for a long baseline when the planner fails", async () => {
    const kit = fakeKit({
      plan: [{ error: new Error("no such model"), meanwhile: () => kit.evidence.hanging.then(settled) }],
      suite: [tests],
      results: () => "hang",
    });
    const { error } = await play(kit);
    expect(error).toMatchObject({ message: "no such model" });
  });

  test("refines with the task, the plan and the unresolved findings, not with the history", async () => {
    const kit = fakeKit({
      plan: [plan({ steps: ["look", "mend"] })],
      turns: [write("half"), "First try.", write("whole"), "Second try."],
      verdicts: [
        verdict(0.5, 0.5, [
          { severity: "suggestion", dimension: "quality", title: "Rename it" },
          { severity: "important", dimension: "quality", title: "Handle zero", location: "a.ts:1", fix: "check it" },
        ]),
        verdict(0.9),
      ],
    });
    const { outcome, of } = await play(kit, { task: { context: "piped in" } });
    expect(outcome).toMatchObject({ status: "accepted", iterations: 2, best: 2 });
    const [first, , second] = kit.models.executor.requests;
    expect(first?.messages).toHaveLength(1);
    expect(second?.messages).toHaveLength(1);
    const text = second?.messages[0]?.blocks[0]?.type === "text" ? second.messages[0].blocks[0].text : "";
    for (const part of ["Make it better", "piped in", "1. look", "- a.ts (changed)", "0.50", "0.80", "check it"]) {
      expect(text).toContain(part);
    }
    expect(text.indexOf("Handle zero")).toBeLessThan(text.indexOf("Rename it"));
    expect(text).not.toContain("First try.");
    expect(of("conversation")).toHaveLength(2);
    expect(outcome?.saved.deltaFeedback).toBeGreaterThan(0);
  });

  test("says what checkpoints do not cover, and passes on the notices of the kit", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      uncovered: ["3 files over 10 MB"],
      kit: { notices: [{ code: "sandbox", message: "the network is open" }] },
    });
    const { of } = await play(kit);
    expect(of("warning").map(({ message }) => message)).toEqual([
      "the network is open",
      "cannot be put back later: 3 files over 10 MB",
    ]);
  });
});
