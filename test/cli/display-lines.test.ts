import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LineOptions } from "../../src/cli/display/layout.ts";
import { lines } from "../../src/cli/display/lines.ts";
import { createStyle } from "../../src/cli/display/style.ts";
import { emptyView, look } from "../../src/cli/display/view.ts";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import type { Memento } from "../../src/contracts/memory.ts";
import type { Question } from "../../src/contracts/question.ts";
import type { Decision } from "../../src/contracts/task.ts";
import { OPEN_BLOCKER, regressionId } from "../../src/engine/score.ts";
import { check, checked, ended, evaluated, finding, spent, started, story, told } from "./story.ts";

function shown(events: readonly Event[], options: Partial<LineOptions> = {}): string[] {
  const full = { width: Number.POSITIVE_INFINITY, verbose: false, style: createStyle(false), ...options };
  let view = emptyView();
  return events.flatMap((event) => {
    const own = lines(event, view, full);
    view = look(view, event);
    return own;
  });
}

const shownOf = (...bodies: EventBody[]) => shown(told(bodies));
const call = (id: string, name: string) => ({ type: "tool_call" as const, id, name, arguments: "{}" });

test("a whole task reads as calm lines", () => {
  expect(shown(story())).toEqual([
    "openkoi 2026.11.23  anthropic/claude-sonnet  /home/ada/shop",
    "  warning    config.toml, line 3: unknown key itteration is ignored",
    "  plan       code",
    "    1 Find the failing test and what it expects",
    "    2 Fix the rounding in src/price.js",
    "    3 Run the tests",
    "  baseline   npm test  3 passed, 1 failed  412 ms",
    "",
    "iteration 1 of 3",
    "  I'll look at the test first.",
    "  read test/price.test.js",
    "  read src/価格/日本語のとても長いファイル名.js  ✗ no such file: src/価格",
    "  edit src/price.js",
    "  waits      4.0 s until attempt 2 of anthropic/claude-sonnet: overloaded (529)",
    "  $ npm test -- --reporter=spec --grep 'price' && echo a very long command that goes on and on  ✓ 1.2 s",
    "  changed    src/price.js +3 -1",
    "  tests      npm test  3 passed, 1 failed (as before)  412 ms",
    "  judge      0.66  code-review: correctness 0.50, style 0.90",
    "  important  Negative prices are rounded the wrong way  src/price.js:12",
    "  score      0.62  of 0.80",
    "             not measured: no type-checker or linter is configured",
    "",
    "iteration 2 of 3",
    "  edit src/price.js",
    "  tests      npm test  4 passed  412 ms",
    "  judge      not measured: the judge answered prose twice",
    "  score      0.62 → 0.91",
    "",
    "accepted  score 0.91  2 iterations  1 file changed  $0.04  12k tokens  66 % of the input cached  1 m 12 s",
    "  26k tokens saved",
    "",
  ]);
});

describe("the words of a model", () => {
  const says = (text: string, calls = true): EventBody => ({
    type: "message",
    message: {
      role: "assistant",
      from: "a/b",
      blocks: [{ type: "reasoning", text: "thought" }, { type: "text", text }, ...(calls ? [call("c", "read")] : [])],
    },
  });

  test("are shown between its calls, and not where they are the result", () => {
    expect(shownOf(says("Let me look."))).toEqual(["  Let me look."]);
    expect(shownOf(says("All done.", false))).toEqual([]);
  });

  test("are shortened, and whole with --verbose, with the reasoning", () => {
    expect(shownOf(says("1\n2\n3\n4\n5"))).toEqual(["  1", "  2", "  3", "  …"]);
    expect(shown(told([says("1\n2\n3\n4")]), { verbose: true })).toEqual(["  thought", "  1", "  2", "  3", "  4"]);
  });
});

describe("a command", () => {
  const question: Question = {
    kind: "permission",
    id: "q",
    tool: "bash",
    subject: "make",
    detail: "make",
    destructive: false,
    choices: ["once", "refuse"],
  };
  const run = (...chunks: string[]): EventBody[] => [
    { type: "tool_started", call: call("c", "bash"), effect: "execute", subject: "make" },
    ...chunks.map((chunk): EventBody => ({ type: "tool_output", id: "c", chunk })),
    { type: "tool_finished", id: "c", name: "bash", result: { text: "oops\n[exit 2]", isError: true }, ms: 1234 },
  ];

  test("that failed is marked with how it ended", () => {
    expect(shownOf(...run("oops\n"))).toEqual(["  $ make  ✗ exit 2, 1.2 s"]);
  });

  test("that was not run says why", () => {
    const [begun] = run();
    const ended = (text: string): EventBody => {
      return { type: "tool_finished", id: "c", name: "bash", result: { text, isError: true }, ms: 2 };
    };
    expect(shownOf(begun!, ended("The user's rules forbid this call"))).toEqual([
      "  $ make  ✗ The user's rules forbid this call",
    ]);
    const answer: EventBody = { type: "answered", id: "q", answer: { choice: "refuse", by: "terminal" } };
    const refused = ended("The user refused this. Do not try it in another way.");
    expect(shownOf(begun!, { type: "asked", question }, answer, refused)).toEqual(["  $ make  ✗ you refused it"]);
  });

  test("that was refused says what the user can do about it, in full and below where there is no room", () => {
    const begun: EventBody = {
      type: "tool_started",
      call: call("f", "fetch"),
      effect: "network",
      subject: "http://127.0.0.1:8080/health",
    };
    const way = "The user can allow it with the rule fetch(127.0.0.1); for a server of this task use bash (curl).";
    const text = `127.0.0.1 lies in this machine or a private network, which fetch does not reach. ${way}`;
    const over: EventBody = { type: "tool_finished", id: "f", name: "fetch", result: { text, isError: true }, ms: 2 };
    expect(shownOf(begun, over)).toEqual(["  fetch http://127.0.0.1:8080/health  ✗", `    ${text}`]);
    const narrow = shown(told([begun, over]), { width: 60 });
    expect(narrow.map((line) => line.trim()).join(" ")).toContain(text);
    for (const line of narrow) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(60);
  });

  test("is what goes on again once it was allowed", () => {
    const [begun] = run();
    const answer: EventBody = { type: "answered", id: "q", answer: { choice: "once", by: "terminal" } };
    let view = emptyView();
    const activities = told([begun!, { type: "asked", question }, answer]).map((event) => {
      view = look(view, event);
      return view.activity;
    });
    expect(activities).toEqual(["$ make", "waiting for your answer", "$ make"]);
  });

  test("shows its output line by line with --verbose, however it was cut into pieces", () => {
    const whole = shown(told(run("one\ntwo\nthree")), { verbose: true });
    expect(whole).toEqual(["  $ make", "    one", "    two", "    three", "    ✗ exit 2, 1.2 s"]);
    fc.assert(
      fc.property(fc.array(fc.nat(13), { maxLength: 6 }), (cuts) => {
        const text = "one\ntwo\nthree";
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(shown(told(run(...pieces)), { verbose: true })).toEqual(whole);
      }),
    );
  });

  test("that prints without end does not drown the display", () => {
    const out = shown(told(run("y\n".repeat(400), "y\n".repeat(5000), "y\n".repeat(5000))), { verbose: true });
    expect(out.length).toBe(1 + 500 + 1 + 1);
    expect(out.at(-2)).toBe("    … (more is not shown)");
  });

  test("cannot steer the terminal", () => {
    const evil = "\x1b]0;title\x07\x1b[2J\x1b[31mred\rover\x1b[0m\u202e";
    const out = shown(told(run(`${evil}\n`)), { verbose: true });
    expect(out[1]).toBe("    over");
  });
});

test("no text of a model or a tool brings a control sequence to the screen", () => {
  const evil = fc.constantFrom("\x1b[2J", "\x1b]0;x\x07", "\x07", "\r", "\u009b31m", "plain", "\n", "\t", "漢");
  fc.assert(
    fc.property(fc.array(evil, { minLength: 1 }), fc.boolean(), (parts, verbose) => {
      const text = parts.join("");
      const out = shown(
        told([
          { ...started, models: { executor: text, evaluator: text, planner: text, small: text } } as EventBody,
          {
            type: "planned",
            plan: { kind: "change", category: text, steps: [text, text], checks: [] },
            proofs: [],
            source: "model",
            refused: [],
          },
          { type: "tool_started", call: call("c", text), effect: "execute", subject: text },
          { type: "tool_output", id: "c", chunk: text },
          { type: "tool_finished", id: "c", name: text, result: { text, isError: true }, ms: 1 },
          { type: "warning", code: "plan", message: text },
          {
            type: "check_finished",
            result: checked(1, [{ name: text, location: text, message: text }]),
            purpose: "evidence",
          },
          {
            type: "evaluated",
            evaluation: evaluated(0.5, { findings: [{ ...finding, title: text }], heldBy: [text] }),
          },
          { type: "task_finished", outcome: ended("failed", { reason: text }) },
        ]),
        { verbose },
      );
      expect(out.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
  );
});

describe("evidence", () => {
  const baseline = (result = checked(3, [{ name: "old" }])): EventBody => ({
    type: "check_finished",
    result,
    purpose: "baseline",
  });
  const evidence = (result = checked(3, [{ name: "old" }])): EventBody => ({
    type: "check_finished",
    result,
    purpose: "evidence",
  });
  const last = (...bodies: EventBody[]) => shownOf(...bodies).slice(1);

  test("tells old failures from new ones, and names the new", () => {
    expect(last(baseline(), evidence())).toEqual(["  tests      npm test  3 passed, 1 failed (as before)  412 ms"]);
    const both = checked(2, [{ name: "old" }, { name: "fresh", location: "a.test.js:3" }]);
    expect(last(baseline(), evidence(both))).toEqual([
      "  tests      npm test  2 passed, 2 failed (1 new)  412 ms",
      "    ✗ fresh  a.test.js:3",
    ]);
    expect(last(baseline(checked(4, [])), evidence(checked(3, [{ name: "fresh" }])))[0]).toContain("1 failed (new)");
  });

  test("that is run again says so in a line, and names what failed once", () => {
    const fresh = checked(2, [{ name: "old" }, { name: "fresh" }]);
    expect(last(baseline(), evidence(fresh), evidence(fresh))).toEqual([
      "  tests      npm test  2 passed, 2 failed (1 new)  412 ms",
      "    ✗ fresh",
      "  tests      npm test  run again: the same  412 ms",
    ]);
    const flaky = [baseline(), evidence(fresh), evidence()];
    expect(last(...flaky).at(-1)).toBe("  tests      npm test  run again: 3 passed, 1 failed (as before)  412 ms");
    const next: EventBody = { type: "iteration_started", iteration: 2 };
    expect(last(baseline(), evidence(fresh), next, evidence(fresh)).join("\n")).not.toContain("again");
  });

  test("of which new failures stand below their check is not listed as blockers again", () => {
    const failures = Array.from({ length: 7 }, (_, at) => ({ name: `fresh ${at}` }));
    const regressions = failures.map((failure) => ({ check, failure }));
    const findings = regressions.map((regression) => ({
      ...finding,
      id: regressionId(regression),
      severity: "blocker" as const,
      title: `${regression.failure.name} fails and did not before`,
      location: "a.test.js:3",
    }));
    const out = last(baseline(checked(8, [])), evidence(checked(1, failures)), {
      type: "evaluated",
      evaluation: evaluated(0.3, { regressions, findings, heldBy: ["7 new failures"] }),
    });
    expect(out.filter((line) => line.includes("✗"))).toHaveLength(5);
    // Those that had no room there.
    expect(out.filter((line) => line.startsWith("  blocker"))).toEqual([
      "  blocker    fresh 5 fails and did not before  a.test.js:3",
      "  blocker    fresh 6 fails and did not before  a.test.js:3",
    ]);
  });

  test("without a baseline compares with nothing", () => {
    expect(shownOf(evidence())[0]).toBe("  tests      npm test  3 passed, 1 failed  412 ms");
  });

  test("that proves nothing is never shown as a pass", () => {
    const of = (status: "empty" | "unavailable" | "timeout") => shownOf(evidence(checked(0, [], { status })))[0];
    expect(of("empty")).toContain("ran no test: not a pass");
    expect(of("unavailable")).toContain("could not be started: not measured");
    expect(of("timeout")).toContain("did not end in time");
  });

  test("without counts says how it ended", () => {
    const { counts: _, ...bare } = checked(0, [], {
      status: "failed",
      exitCode: 2,
      check: { ...check, kind: "proof" },
    });
    expect(shownOf(evidence(bare))).toEqual(["  proof      npm test  failed (exit 2)  412 ms"]);
  });
});

describe("an evaluation", () => {
  test("that measured nothing says so", () => {
    expect(shownOf({ type: "evaluated", evaluation: evaluated(null) })).toEqual(["  score      not measured"]);
  });

  test("says what held the score, and what is not measured only once", () => {
    const held = evaluated(0.79, { heldBy: ["2 new failures"], unmeasured: ["no tests"] });
    const out = shownOf(started, { type: "evaluated", evaluation: held }, { type: "evaluated", evaluation: held });
    expect(out.slice(1)).toEqual([
      "  score      0.79  of 0.80",
      "  held by    2 new failures",
      "             not measured: no tests",
      "  score      0.79 → 0.79  of 0.80",
      "  held by    2 new failures",
    ]);
  });

  test("counts the blockers that hold it: they stand above", () => {
    const findings = ["It leaks", "It hangs"].map((title) => ({ ...finding, severity: "blocker" as const, title }));
    const heldBy = ["not proven: make test", ...findings.map(({ title }) => OPEN_BLOCKER + title)];
    const out = shownOf({ type: "evaluated", evaluation: evaluated(0.79, { findings, heldBy }) });
    expect(out.slice(2)).toEqual([
      "  score      0.79",
      "  held by    not proven: make test",
      "  held by    2 open blockers",
    ]);
  });

  test("lists the worst findings first, and not too many", () => {
    const findings = Array.from({ length: 12 }, (_, at) => ({ ...finding, id: `f${at}`, title: `finding ${at}` }));
    findings[11] = { ...findings[11]!, severity: "blocker", title: "the worst" };
    const out = shownOf({ type: "evaluated", evaluation: evaluated(0.5, { findings }) });
    expect(out[0]).toBe("  blocker    the worst  src/price.js:12");
    expect(out[8]).toBe("    … and 4 more findings");
  });
});

/** What is shown of a decision after a good result. */
function afterGood(decision: Decision, reason: string): string[] {
  const before: EventBody[] = [started, { type: "evaluated", evaluation: evaluated(0.9, { accepted: true }) }];
  return shownOf(...before, { type: "decided", decision, reason }).slice(shownOf(...before).length);
}

test("an ending whose reason the last lines give is not told twice", () => {
  const outcome = ended("unmeasured", { score: null, reason: "nothing could be measured" });
  const out = shownOf(
    started,
    { type: "decided", decision: "unmeasured", reason: outcome.reason },
    { type: "task_finished", outcome },
  );
  expect(out.filter((line) => line.includes("nothing could be measured"))).toEqual(["  nothing could be measured"]);
});

test("a decision is told in words, none of which is the program's own name for it", () => {
  const decisions = ["abort_budget", "abort_timeout", "accept_best", "unmeasured", "escalate"] as const;
  for (const decision of decisions) {
    expect(afterGood(decision, "so it is")).toEqual([
      expect.stringMatching(/^ {2}decision {3}(?:stops|ends)[a-z ,]*: so it is$/),
    ]);
  }
  expect(afterGood("abort_regression", "the score fell from 0.90 to 0.05")).toEqual([
    "  decision   stops, and the best result is kept: the score fell from 0.90 to 0.05",
  ]);
});

describe("what is recalled", () => {
  const memento = (kind: Memento["kind"], text: string): Memento => ({ kind, id: text, text, why: "0.81", tokens: 9 });
  const mementos = [
    memento("anti_pattern", "Never edit generated files."),
    memento("heuristic", "Run the linter\nfirst."),
    memento("skill", "release-notes"),
    memento("task", "Fix the build"),
  ];

  test("is counted, and named in short", () => {
    expect(shownOf({ type: "recalled", mementos, tokens: 36 })).toEqual([
      "  memory     recalled 2 lessons, 1 skill, 1 similar task of earlier work",
      "    - Never edit generated files.",
      "    - Run the linter first.",
      "    - release-notes",
      "    … and 1 more",
    ]);
  });

  test("is told in full where everything is, with why it came up", () => {
    const out = shown(told([{ type: "recalled", mementos, tokens: 36 }]), { verbose: true });
    expect(out).toHaveLength(5);
    expect(out[1]).toBe("    - Never edit generated files. (0.81)");
  });
});

test("going on with another model is no wait", () => {
  const reason = "p answered 529: Overloaded; going on with q/m";
  const lines = shownOf({ type: "model_retry", model: "q/m", attempt: 1, waitMs: 0, reason });
  expect(lines).toEqual([`  fallback   ${reason}`]);
});

describe("the judge's work", () => {
  test("is told with what was taken over, what is resolved, and why a good result is gone on with", () => {
    const dimensions = [
      { name: "correctness", weight: 0.6, score: 0.9, carried: true },
      { name: "style", weight: 0.4, score: 0.8 },
    ];
    const judgement = { state: "scored" as const, dimensions, score: 0.86, findings: [], rubric: "code-review" };
    const lines = shownOf(
      started,
      { type: "judged", judgement, saved: 400 },
      {
        type: "evaluated",
        evaluation: evaluated(0.8, { accepted: true, resolved: [{ ...finding, title: "It leaks" }] }),
      },
      { type: "decided", decision: "continue", reason: "0.80 reaches 0.80, but an important finding is open" },
    );
    expect(lines).toContain("  judge      0.86  code-review: correctness 0.90 (as before), style 0.80");
    expect(lines).toContain("  resolved   It leaks");
    expect(lines).toContain("  decision   goes on: 0.80 reaches 0.80, but an important finding is open");
  });
});

describe("an ending", () => {
  const end = (...args: Parameters<typeof ended>) => shownOf({ type: "task_finished", outcome: ended(...args) });

  test("says that a cost is a lower bound where a price is unknown", () => {
    const doubtful = evaluated(0.9, {
      accepted: true,
      oldFailures: [{ check: checked(4, []).check, failure: { name: "adds" } }],
      judgement: { state: "failed", reason: "prose" },
      testsTouched: [{ path: "a.test.ts", kind: "weakened", detail: "a.test.ts has 1 fewer assertion" }],
    });
    expect(end("accepted", { evaluation: doubtful }).slice(2, 5)).toEqual([
      "  but 1 failure is as before the task",
      "  but no judge was heard: checks alone say so",
      "  but it touched tests: a.test.ts has 1 fewer assertion",
    ]);
    const unknown = { ...ended("accepted").spent, costKnown: false };
    expect(end("accepted", { spent: unknown })[1]).toContain("≥ $0.04 (price unknown)");
  });

  test("tells the share of the cache only where there was one", () => {
    const usage = { input: 1000, output: 10, cacheRead: 0, cacheWrite: 500, reasoning: 0 };
    const spent = { ...ended("accepted").spent, usage };
    expect(end("accepted", { spent })[1]).not.toContain("cached");
    const whole = { ...spent, usage: { ...usage, cacheRead: 998_500_000 } };
    expect(end("accepted", { spent: whole })[1]).toContain(" 99 % of the input cached ");
  });

  test("that is no success says why", () => {
    expect(end("budget", { reason: "the budget is used up" })).toContain("  the budget is used up");
    expect(end("unmeasured", { score: null })[1]).toStartWith("not measured  2 iterations");
  });

  test("of work says that nothing was changed, whatever the model says; an answer does not", () => {
    for (const status of ["accepted", "below", "regressed", "unmeasured"] as const) {
      expect(end(status, { changes: [] })[1]).toContain("  nothing was changed in the files  ");
    }
    for (const status of ["answered", "completed"] as const) {
      expect(end(status, { changes: [] })[1]).not.toContain("changed");
    }
  });

  test("below the threshold does not round up to it", () => {
    const below = shownOf(started, { type: "task_finished", outcome: ended("below", { score: 0.799 }) });
    expect(below[2]).toContain("score 0.79 of 0.80");
  });
});

test("a permission that the policy refused is shown, one given at the terminal is not shown again", () => {
  const question = {
    kind: "permission",
    id: "q1",
    tool: "bash",
    subject: "rm -rf x",
    detail: "rm -rf x",
    destructive: false,
    choices: ["once", "refuse"],
  } as const;
  const asked: EventBody = { type: "asked", question };
  const answered = (by: "policy" | "terminal"): EventBody => ({
    type: "answered",
    id: "q1",
    answer: { choice: "refuse", by },
  });
  expect(shownOf(asked, answered("policy"))).toEqual(["  $ rm -rf x  refused: there is nobody to ask"]);
  // Of a call it is said once, when it ends.
  const begun: EventBody = { type: "tool_started", call: call("c", "bash"), effect: "execute", subject: "rm -rf x" };
  const result = { text: "Not permitted", isError: true, denied: true };
  const over: EventBody = { type: "tool_finished", id: "c", name: "bash", result, ms: 1 };
  expect(shownOf(begun, asked, answered("policy"), over)).toEqual(["  $ rm -rf x  ✗ refused: there is nobody to ask"]);
  expect(shownOf(asked, answered("terminal"))).toEqual([]);
});

test("a helper agent's lines carry its name", () => {
  const [event] = told([{ type: "warning", code: "plan", message: "hm" }]);
  expect(shown([{ ...event!, agent: "helper-1" }])).toEqual(["helper-1 |   warning    hm"]);
});

test("no line is wider than the terminal, at any width from 24 columns on", () => {
  const events = story();
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 160 }), fc.boolean(), fc.boolean(), (width, verbose, color) => {
      for (const line of shown(events, { width, verbose, style: createStyle(color) })) {
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      }
    }),
  );
});

test("colours are added to the same text, never instead of it", () => {
  const plain = shown(story(), { width: 80 });
  const coloured = shown(story(), { width: 80, style: createStyle(true) });
  expect(coloured.map((line) => Bun.stripANSI(line))).toEqual(plain);
  expect(coloured.join("")).toContain("\x1b[32m");
});

test("a passing price is added up for the status line", () => {
  let view = emptyView();
  for (const event of told([started, spent("planner", 0.5), spent("executor", null)])) view = look(view, event);
  expect(view.task.spent).toMatchObject({ costUsd: 0.5, costKnown: false, calls: 2 });
});

test("a conversation that was made smaller is one calm line", () => {
  const compaction = { shortened: [], facts: { until: 5, text: "long" } };
  expect(shownOf({ type: "compacted", compaction, before: 121_000, after: 64_000 })).toEqual([
    "  context    the conversation got long: made smaller, from about 121k to 64k tokens",
  ]);
});

test("what somebody else changed is told from what both changed", () => {
  const changes = [{ path: "a.ts", kind: "changed" as const }];
  const outcome = ended("accepted", { changes, foreign: ["a.ts", "b.ts", "c.ts"], kept: ["c.ts"] });
  const shown = shownOf({ type: "task_finished", outcome });
  expect(shown).toContain("  somebody else changed these meanwhile, too: a.ts");
  expect(shown).toContain("  also changed meanwhile, not by this task: b.ts");
});

test("what was put back, what was kept and what could not be put back is said", () => {
  const to = { id: "c", hash: "h", at: "", files: 1, uncovered: [] };
  const report = { restored: ["a.ts"], kept: ["b.ts", "c\nd.ts"], failed: ["e.ts: it is too large"] };
  expect(shownOf({ type: "restored", to, report, reason: "worse" })).toEqual([
    "  restored   1 file as in the best result",
    "  kept       changed by somebody else: b.ts, c d.ts",
    "  failed     not put back: e.ts: it is too large",
  ]);
  const outcome = ended("regressed", { kept: ["b.ts"], reason: "worse" });
  expect(shownOf({ type: "task_finished", outcome })).toContain("  kept, because somebody else changed them: b.ts");
});

test("a task that goes on says what it is, where it stands and what it has cost", () => {
  const events = story();
  const at = events.findLastIndex((event) => event.type === "iteration_started");
  const [first] = events;
  const resumed = { ...first!, type: "resumed", seq: 99 } as Event;
  const out = shown([...events.slice(0, at + 1), resumed]);
  expect(out.slice(-2)).toEqual([
    "openkoi 2026.11.23  anthropic/claude-sonnet  /home/ada/shop",
    expect.stringMatching(/^ {2}resumed {4}.*, iteration 2 of 3, \$0\.\d+ spent so far$/),
  ]);
});

test("a task that did not come to its end says how to go on", () => {
  expect(shownOf({ type: "task_finished", outcome: ended("cancelled") }).join("\n")).toContain("openkoi resume");
  for (const status of ["budget", "timeout"] as const) {
    const lines = shownOf({ type: "task_finished", outcome: ended(status) }).join("\n");
    expect(lines).toContain("openkoi resume goes on from here once more is allowed");
  }
  expect(shownOf({ type: "task_finished", outcome: ended("accepted") }).join("\n")).not.toContain("openkoi resume");
});
