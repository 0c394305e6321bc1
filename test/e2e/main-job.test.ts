import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startAnthropicFake } from "../fakes/anthropic-server.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, start, useServer } from "./openkoi.ts";

const PROJECT = {
  Makefile: "test:\n\t@grep -q 'answer = 42' answer.ts && echo ok\n",
  "answer.ts": "export const answer = 41;\n",
};
const SCORES = (value: number) => ({ correctness: value, safety: value, style: value, completeness: value });
const PLAN = JSON.stringify({
  kind: "change",
  category: "code",
  steps: ["Look.", "Change it."],
  checks: ["make test"],
});
const edit = (from: string, to: string): Turn => ({
  text: "I change the number.",
  calls: [{ name: "edit", arguments: { path: "answer.ts", old: from, new: to } }],
});
const read: Turn = { calls: [{ name: "read", arguments: { path: "answer.ts" } }] };

/** Wrong first, right after the feedback. */
const TWO_ITERATIONS: Turn[] = [
  PLAN,
  read,
  edit("41", "43"),
  "The answer is 43 now.",
  JSON.stringify({
    scores: SCORES(0.4),
    findings: [
      { severity: "blocker", dimension: "correctness", title: "The test asks for 42", location: "answer.ts:1" },
    ],
  }),
  read,
  edit("43", "42"),
  "The answer is 42 now.",
  JSON.stringify({ scores: SCORES(0.95), findings: [] }),
];

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function place(files: Record<string, string> = PROJECT): Place {
  const made = makePlace(files);
  places.push(made);
  return made;
}

function openai(script: Parameters<typeof startOpenAiFake>[0], at: Place, config = ""): Fake {
  const server = startOpenAiFake(script);
  servers.push(server);
  useServer(at, server.baseUrl, config);
  return server;
}

function refusals(server: Fake): (string | undefined)[] {
  return server.requests.map((request) => request.refused).filter(Boolean);
}

describe("openkoi -i 3 against an OpenAI-compatible server", () => {
  test("edits files, runs the tests, refines on the evidence and accepts", async () => {
    const here = place();
    const server = openai(TWO_ITERATIONS, here);
    const result = await openkoi(here, ["--yes", "-i", "3", "Set the answer to 42."]);
    expect(refusals(server)).toEqual([]);
    expect(result).toMatchObject({ code: 0, stdout: "The answer is 42 now.\n" });
    expect(readFileSync(join(here.project, "answer.ts"), "utf8")).toBe("export const answer = 42;\n");
    expect(server.requests).toHaveLength(TWO_ITERATIONS.length);
  });

  test("the second iteration gets the findings and not the history", async () => {
    const here = place();
    const server = openai(TWO_ITERATIONS, here);
    await openkoi(here, ["--yes", "Set the answer to 42."]);
    const refining = JSON.stringify(server.requests[5]!.body.messages);
    expect(refining).toContain("The test asks for 42");
    expect(refining).toContain("make test");
    expect(refining).not.toContain("The answer is 43 now.");
    expect(server.requests[5]!.body.messages.length).toBe(server.requests[1]!.body.messages.length);
  });

  test("leaves a transcript whose events are numbered without gaps, the state and a history entry", async () => {
    const here = place();
    openai(TWO_ITERATIONS, here);
    await openkoi(here, ["--yes", "Set the answer to 42."]);
    const sessions = join(here.home, ".local/share/openkoi/sessions");
    const [name] = readdirSync(sessions);
    const events = readFileSync(join(sessions, name!), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ v: 1, seq: 1, type: "task_started", agent: "main", parent: null, iteration: 0 });
    expect(events.at(-1)).toMatchObject({ type: "task_finished", outcome: { status: "accepted", iterations: 2 } });
    const numbers = events.map((event) => event.seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(events.filter((event) => event.type === "evaluated").map((event) => event.evaluation.accepted)).toEqual([
      false,
      true,
    ]);
    const state = JSON.parse(readFileSync(join(here.home, ".openkoi/state/current-task.json"), "utf8"));
    expect(state).toMatchObject({ status: "accepted" });
    const history = readFileSync(join(here.home, ".openkoi/state/task-history.jsonl"), "utf8").trim().split("\n");
    expect(history).toHaveLength(1);
    expect(statSync(join(sessions, name!)).mode & 0o077).toBe(0);
  });

  test("the baseline runs before the first effect", async () => {
    const here = place();
    openai(TWO_ITERATIONS, here);
    const { stdout } = await openkoi(here, ["--yes", "--format", "stream-json", "Set the answer to 42."]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const baseline = events.findIndex((event) => event.type === "check_finished" && event.purpose === "baseline");
    const effect = events.findIndex((event) => event.type === "tool_started" && event.effect === "write");
    expect(baseline).toBeGreaterThan(0);
    expect(baseline).toBeLessThan(effect);
  });
});

describe("openkoi against an Anthropic-compatible server", () => {
  test("does the same", async () => {
    const here = place();
    const server = startAnthropicFake(TWO_ITERATIONS);
    servers.push(server);
    const env = { ANTHROPIC_API_KEY: "sk-ant-test-000000000000", ANTHROPIC_BASE_URL: server.baseUrl };
    const result = await openkoi(here, ["--yes", "-i", "3", "Set the answer to 42."], { env });
    expect(refusals(server)).toEqual([]);
    expect(result).toMatchObject({ code: 0, stdout: "The answer is 42 now.\n" });
    expect(readFileSync(join(here.project, "answer.ts"), "utf8")).toBe("export const answer = 42;\n");
  });
});

describe("a question", () => {
  test("is answered in one pass, without evaluation, and changes nothing", async () => {
    const here = place();
    const server = openai([JSON.stringify({ kind: "question" }), read, "It is 41."], here);
    const result = await openkoi(here, ["--yes", "What is the answer?"]);
    expect(result).toMatchObject({ code: 0, stdout: "It is 41.\n" });
    expect(server.requests).toHaveLength(3);
  });
});

describe("-i 0", () => {
  test("is one pass without plan and judge, and says that nothing was measured", async () => {
    const here = place();
    const server = openai(["Hello."], here);
    const result = await openkoi(here, ["-i", "0", "Say hello."]);
    expect(result).toMatchObject({ code: 0, stdout: "Hello.\n" });
    expect(result.stderr).toContain("not measured");
    expect(server.requests).toHaveLength(1);
  });
});

describe("what ends below the threshold", () => {
  test("a new test failure under a high judge score is not accepted: exit 3, and the best result is on disk", async () => {
    const here = place({ ...PROJECT, "answer.ts": "export const answer = 42;\n" });
    const worse: Turn[] = [
      JSON.stringify({ kind: "change", category: "code", steps: [], checks: [] }),
      read,
      edit("42", "40"),
      "Done.",
      JSON.stringify({ scores: SCORES(1), findings: [] }),
    ];
    openai(worse, here);
    const { code, stderr } = await openkoi(here, ["--yes", "-i", "1", "Improve the answer."]);
    expect(code).toBe(3);
    expect(stderr).toContain("make test");
  });

  const LIAR = {
    "package.json": '{"scripts": {"test": "node --test"}}',
    "add.js": "exports.add = (a, b) => a - b;\n",
    "add.test.js": `const test = require("node:test");
const assert = require("node:assert");
const { add } = require("./add.js");
test("adds", () => assert.equal(add(1, 2), 3));
test("adds nothing", () => assert.equal(add(1, 0), 1));
`,
  };
  const lie = (calls: { name: string; arguments: Record<string, unknown> }[], wants = {}): Turn[] => [
    JSON.stringify({ kind: "change", category: "code", steps: ["Mend it."], checks: [], ...wants }),
    {
      calls: [
        { name: "read", arguments: { path: "add.ts" } },
        { name: "read", arguments: { path: "add.test.ts" } },
      ],
    },
    { calls },
    "All tests pass now.",
    JSON.stringify({ scores: SCORES(0.97), findings: [] }),
  ];

  test("a lie about failing tests is not accepted, though planner and judge let it pass: exit 3", async () => {
    const here = place(LIAR);
    const old = "exports";
    openai(lie([{ name: "edit", arguments: { path: "add.js", old, new: `// mended\n${old}` } }]), here);
    const run = await openkoi(here, ["--yes", "-i", "1", "--format", "json", "fix the failing test"]);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout)).toMatchObject({
      status: "below",
      evaluation: { heldBy: [expect.stringContaining("not proven: ")] },
    });
  });

  test("a lie is none the better in a language of which only the planner knows that tests shall pass: exit 3", async () => {
    const here = place(LIAR);
    const call = { name: "edit", arguments: { path: "add.js", old: "exports", new: "// ok\nexports" } };
    openai(lie([call], { tests: "must_pass" }), here);
    const run = await openkoi(here, ["--yes", "-i", "1", "--format", "json", "Mach die Prüfungen heil"]);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout).evaluation.heldBy).toEqual([expect.stringContaining("not proven: ")]);
  });

  test("a failing test that is taken away is not mended: exit 3", async () => {
    const here = place(LIAR);
    const test = 'test("adds nothing", () => assert.equal(add(1, 0), 1));\n';
    openai(lie([{ name: "edit", arguments: { path: "add.test.js", old: test, new: "" } }]), here);
    const run = await openkoi(here, ["--yes", "-i", "1", "--format", "json", "Subtraction is broken, mend it"]);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stdout).evaluation.heldBy).toEqual([expect.stringContaining("that ran before")]);
  });

  test("a judge that answers prose is not a pass: the score comes from the evidence alone, and it says so", async () => {
    const here = place();
    openai([PLAN, read, edit("41", "42"), "Done.", "Looks great to me!", "Really, great."], here);
    const { code, stdout } = await openkoi(here, ["--yes", "--format", "json", "Set the answer to 42."]);
    const outcome = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(outcome.evaluation.judgement.state).toBe("failed");
    expect(JSON.stringify(outcome.evaluation.unmeasured)).toContain("judge");
  });

  test("nothing could be measured: unmeasured, exit 3", async () => {
    const here = place({ "note.txt": "a\n" });
    const plan = JSON.stringify({ kind: "change", category: "prose", steps: [], checks: ["true"] });
    const change: Turn = { calls: [{ name: "write", arguments: { path: "b.txt", content: "b\n" } }] };
    openai([plan, change, "Done.", "Nice.", "Very nice."], here);
    const { code, stderr, stdout } = await openkoi(here, ["--yes", "Write b."]);
    expect(code).toBe(3);
    expect(stdout).toBe("Done.\n");
    expect(stderr).toContain("`true`");
    expect(stderr).toContain("not measured");
  });
});

describe("permissions without a terminal", () => {
  test("a task that must change something needs --yes: exit 4, and nothing is changed", async () => {
    const here = place();
    openai([PLAN, read, edit("41", "42"), "unreachable"], here);
    const { code, stderr } = await openkoi(here, ["Set the answer to 42."]);
    expect(code).toBe(4);
    expect(stderr).toContain("--yes");
    expect(readFileSync(join(here.project, "answer.ts"), "utf8")).toBe("export const answer = 41;\n");
  });

  test("the home folder and / are refused as a workspace", async () => {
    const here = place();
    openai([], here);
    expect((await openkoi(here, ["-C", "/", "x y"])).code).toBe(2);
    expect((await openkoi(here, ["-C", here.home, "x y"])).code).toBe(2);
  });
});

describe("the environment of the agent", () => {
  test("shows no key to other processes once the task runs, and the key still works", async () => {
    const here = place();
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const server = startAnthropicFake(async () => {
      asked.resolve();
      await release.promise;
      return "Done.";
    });
    servers.push(server);
    const env = { ANTHROPIC_API_KEY: "sk-ant-test-000000000000", ANTHROPIC_BASE_URL: server.baseUrl, HARMLESS: "yes" };
    const child = start(here, ["-i", "0", "hello there"], { env });
    await asked.promise;
    const environ = readFileSync(`/proc/${child.pid}/environ`, "latin1");
    release.resolve();
    expect(await child.exited).toBe(0);
    expect(environ).toContain("HARMLESS=yes");
    expect(environ).not.toContain("sk-ant-test");
    expect(server.requests[0]!.headers["x-api-key"]).toBe("sk-ant-test-000000000000");
  });
});

describe("record and replay", () => {
  test("a recording answers for the model, in another folder, with no server", async () => {
    const here = place();
    const tape = join(here.home, "tape.jsonl");
    openai(TWO_ITERATIONS, here);
    expect((await openkoi(here, ["--yes", "--record", tape, "Set the answer to 42."])).code).toBe(0);
    const there = place();
    const result = await openkoi(there, ["--yes", "--replay", tape, "Set the answer to 42."]);
    expect(result).toMatchObject({ code: 0, stdout: "The answer is 42 now.\n" });
    expect(readFileSync(join(there.project, "answer.ts"), "utf8")).toContain("42");
  });

  test("a recording in the workspace is not the task's work: neither judged nor taken away by undo", async () => {
    const here = place();
    const server = openai(TWO_ITERATIONS, here);
    const args = ["--yes", "--record", "tape.jsonl", "Set the answer to 42."];
    const { code, stderr } = await openkoi(here, args);
    expect(code).toBe(0);
    expect(stderr).toContain("1 file changed");
    expect(JSON.stringify(server.requests.map(({ body }) => body.messages))).not.toContain("b/tape.jsonl");
    expect((await openkoi(here, ["undo"])).stdout).toContain("  answer.ts\n");
    expect(existsSync(join(here.project, "tape.jsonl"))).toBe(true);
  });

  test("a conversation that differs is refused clearly", async () => {
    const here = place();
    const tape = join(here.home, "tape.jsonl");
    openai(TWO_ITERATIONS, here);
    await openkoi(here, ["--yes", "--record", tape, "Set the answer to 42."]);
    const there = place();
    const { code, stderr } = await openkoi(there, ["--yes", "--replay", tape, "Set the answer to 7."]);
    expect(code).toBe(1);
    expect(stderr).toContain("differs");
  });
});

describe("--schema", () => {
  test("gives the result as JSON that fits, after one repair", async () => {
    const here = place();
    here.write({
      "schema.json": JSON.stringify({ type: "object", properties: { n: { type: "integer" } }, required: ["n"] }),
    });
    openai([JSON.stringify({ kind: "question" }), "It is 41.", '{"n": "41"}', '{"n": 41}'], here);
    const { code, stdout } = await openkoi(here, ["--schema", "schema.json", "What is the answer?"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ n: 41 });
  });
});

describe("demo", () => {
  test("runs offline without a key, raises the score, says that the model is recorded and leaves nothing behind", async () => {
    const here = place({});
    const before = readdirSync(here.env["TMPDIR"]!).filter((name) => name.startsWith("openkoi-demo"));
    const { code, stdout, stderr } = await openkoi(here, ["demo"], { env: { PATH: "/usr/bin:/bin" } });
    expect(code).toBe(0);
    expect(stderr).toContain("recorded");
    expect(stdout).toContain("10 % off from ten pieces");
    const after = readdirSync(here.env["TMPDIR"]!).filter((name) => name.startsWith("openkoi-demo"));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
    expect(existsSync(join(here.home, ".openkoi"))).toBe(false);
    expect(existsSync(join(here.home, ".local"))).toBe(false);
  });
});
