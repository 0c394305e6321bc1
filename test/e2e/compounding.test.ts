import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, FakeRequest, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

/**
 * A new user's first day and week with the memory, on the binary: five similar tasks, the sixth is cheaper, and it can be
 * seen why; a habit becomes a skill, the skill is used, and everything can be taken along.
 */

let place: Place | undefined;
let server: Fake | undefined;
/** The approved one. */
let skill = "";
afterEach(async () => {
  place?.remove();
  await server?.stop();
});

const RULE = "rates are in basis points, as the Makefile checks";
const LESSON = "Write the rates of rates.ts in basis points, because the Makefile checks for 250.";
const SCORES = (value: number) => ({ correctness: value, safety: value, style: value, completeness: value });
const textOf = (request: FakeRequest) => JSON.stringify(request.body.messages);

/** Does it wrong unless the request tells of basis points. */
function model(request: FakeRequest): Turn {
  const [system] = request.body.messages;
  const all = textOf(request);
  if (system.content.includes("You plan a task")) {
    return JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: ["make test"] });
  }
  if (system.content.includes("You judge")) {
    if (all.includes("+export const rate = 250")) return JSON.stringify({ scores: SCORES(0.95), findings: [] });
    const finding = (severity: string, dimension: string, title: string) => ({ severity, dimension, title });
    const findings = [
      finding("blocker", "correctness", RULE),
      finding("important", "completeness", "the unit is not named"),
      finding("suggestion", "style", "a comment would help"),
    ];
    return JSON.stringify({ scores: SCORES(0.4), findings });
  }
  if (system.content.includes("You keep the memory")) return `DO: ${LESSON}`;
  const turn = request.body.messages.filter((message: { role: string }) => message.role === "assistant").length;
  const look = { name: "read", arguments: { path: "rates.ts" } };
  // An approved skill is in the index: it is opened beside.
  if (turn === 0 && skill && all.includes(skill))
    return { calls: [look, { name: "skill", arguments: { name: skill } }] };
  if (turn === 0) return { calls: [look] };
  const rate = all.includes("basis points") ? "250" : "2.5";
  const content = `export const rate = ${rate};\n`;
  if (turn === 1) return { calls: [{ name: "write", arguments: { path: "rates.ts", content } }] };
  return "The rate is set.";
}

const TASKS = [
  "Set the interest rate in rates.ts to two and a half percent",
  "Please set the interest rate in rates.ts to two and a half percent",
  "The interest rate in rates.ts must be two and a half percent",
  "Make the interest rate of rates.ts two and a half percent",
  "Set the interest rate of rates.ts to 2.5 percent, please",
  "Change the interest rate in rates.ts to two and a half percent",
];

/** Bytes that were sent and the requests they took. */
async function work(at: Place, task: string): Promise<{ requests: number; bytes: number; stderr: string }> {
  at.write({ "rates.ts": "export const rate = 0;\n" });
  const before = server!.requests.length;
  const { code, stderr } = await openkoi(at, ["--yes", task]);
  expect({ task, code, stderr }).toMatchObject({ code: 0 });
  const sent = server!.requests.slice(before);
  return { requests: sent.length, bytes: sent.reduce((sum, { raw }) => sum + raw.length, 0), stderr };
}

test("five similar tasks make the sixth cheaper, it can be seen why, and a habit becomes a skill that is used", async () => {
  const at = makePlace({ Makefile: "test:\n\t@grep -q 'rate = 250' rates.ts && echo ok\n" });
  place = at;
  at.env["TZ"] = "UTC";
  server = startOpenAiFake(model);
  useServer(at, server.baseUrl);

  const first = await work(at, TASKS[0]!);
  expect(first.stderr).toContain(`learned    do: ${LESSON}`);
  for (const task of TASKS.slice(1, 5)) await work(at, task);
  const sixth = await work(at, TASKS[5]!);
  expect(sixth.stderr).toContain("recalled 1 lesson");
  expect(sixth.requests).toBeLessThan(first.requests);
  expect(sixth.bytes).toBeLessThan(0.75 * first.bytes);

  const { stdout: status } = await openkoi(at, ["status"]);
  expect(status).toContain("1 learning, 6 tasks");
  const { stdout: learned } = await openkoi(at, ["learn", "list"]);
  expect(learned).toContain(LESSON);
  expect(learned).toContain("helped 5 of 5");

  // A week goes by: what was asked for today was asked for on six days.
  const file = join(at.home, ".local/share/openkoi/openkoi.db");
  using memory = new Database(file);
  const ids = memory.query<{ id: string }, []>("SELECT id FROM usage_events WHERE event_type = 'task' ORDER BY rowid");
  for (const [day, { id }] of ids.all().entries()) {
    memory
      .query("UPDATE usage_events SET timestamp = strftime('%Y-%m-%dT%H:%M:%fZ', timestamp, ?) WHERE id = ?")
      .run(`-${6 - day} days`, id);
  }
  const { stdout: listed } = await openkoi(at, ["learn", "list", "--json"]);
  const [habit] = (JSON.parse(listed) as { patterns: { status: string; skill: string }[] }).patterns;
  expect(habit).toMatchObject({ status: "proposed" });
  skill = habit!.skill;
  expect(await openkoi(at, ["learn", "approve", skill])).toMatchObject({ code: 0 });

  await work(at, "Set the interest rate in rates.ts to two and a half percent once more");
  const results = server.requests.flatMap(({ body }) => body.messages).filter(({ role }) => role === "tool");
  expect(results.map(({ content }) => content).join("\n")).toContain(`skills/proposed/${skill}`);

  const exported = await openkoi(at, ["export", "all", "--format", "json", "--output", "all.json"]);
  expect(exported).toMatchObject({ code: 0 });
  const data = readFileSync(join(at.project, "all.json"), "utf8");
  for (const text of [LESSON, TASKS[3]!, skill]) expect(data).toContain(text);

  const other = makePlace();
  try {
    expect(await openkoi(other, ["import", "--yes", join(at.project, "all.json")])).toMatchObject({ code: 0 });
    expect((await openkoi(other, ["learn", "list"])).stdout).toContain(LESSON);
  } finally {
    other.remove();
  }
}, 120_000);
