import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { UsageEvent } from "../../src/contracts/memory.ts";
import { openDatabase } from "../../src/memory/database.ts";
import { putUsage } from "../../src/memory/usage.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake } from "../fakes/script.ts";
import { makePlace, onTerminal, openkoi, type Place, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const DAY = 24 * 60 * 60 * 1000;

/** A home whose memory holds these tasks, each on these days before now, at about this hour UTC. */
function place(tasks: Record<string, { days: number[]; hour: number }> = {}): Place {
  const made = makePlace({ "a.txt": "one\n" });
  places.push(made);
  // The binary reads the clock of the machine; its days are those of UTC.
  made.env["TZ"] = "UTC";
  add(made, tasks);
  return made;
}

function database(at: Place) {
  const folder = join(at.home, ".local/share/openkoi");
  mkdirSync(folder, { recursive: true });
  return openDatabase({ path: join(folder, "openkoi.db"), now: () => Date.now(), onNotice: () => {} });
}

function add(at: Place, tasks: Record<string, { days: number[]; hour: number }>): void {
  using memory = database(at);
  const midnight = Math.floor(Date.now() / DAY) * DAY;
  for (const [text, { days, hour }] of Object.entries(tasks)) {
    for (const [turn, day] of days.entries()) {
      const event = { kind: "task" as const, description: text, category: "code", outcome: "ok" as const };
      const rest = { channel: "cli", skills: [], score: null, task: `${text}-${day}-${hour}` };
      const moment = midnight - day * DAY + hour * 3_600_000 + (turn % 4) * 400_000;
      putUsage(memory, { ...event, ...rest, id: `${text}-${day}-${hour}`, at: moment });
    }
  }
}

function commands(at: Place): Pick<UsageEvent, "text" | "outcome">[] {
  using memory = database(at);
  return memory
    .query<{ text: string; outcome: UsageEvent["outcome"] }, []>(
      "SELECT description AS text, outcome FROM usage_events WHERE event_type = 'command' ORDER BY timestamp",
    )
    .all();
}

const EVERY_DAY = Array.from({ length: 25 }, (_, day) => day + 1);
const HABITS = {
  "summarise the commits for the standup": { days: EVERY_DAY, hour: 9 },
  "write the release notes for v1.4": { days: [25, 17, 9, 2], hour: 15 },
  "explain the borrow checker": { days: [12], hour: 11 },
};

const learn = (at: Place, ...args: string[]) => openkoi(at, ["learn", ...args]);

describe("learn", () => {
  test("write asks the planner, and what that cost is in the ledger, for no task", async () => {
    const at = place(HABITS);
    const text = JSON.stringify({ description: "Writes the release notes.", body: "Group the changes, then write." });
    const server = startOpenAiFake([text]);
    servers.push(server);
    useServer(at, server.baseUrl);
    const { code, stdout } = await learn(at, "write", "write-release-notes");
    expect([code, stdout]).toEqual([0, expect.stringContaining("written by local/test-model")]);
    using memory = database(at);
    const calls = memory.query("SELECT task_id, role, model, output > 0 AS said FROM model_calls").all();
    expect(calls).toEqual([{ task_id: null, role: "planner", model: "local/test-model", said: 1 }]);
    expect((await openkoi(at, ["status", "--costs"])).stdout).toMatch(/local\/test-model .* 1 call /);
  });

  test("lists what the events show; an approved skill is offered to the next task", async () => {
    const at = place(HABITS);
    const listed = await learn(at, "list");
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(listed.stdout).toContain("summarise-commits  proposed");
    expect(listed.stdout).toContain("every day about 9: summarise the commits for the standup");
    expect(listed.stdout).not.toContain("borrow");

    const server = startOpenAiFake(["Done.", "Done."]);
    servers.push(server);
    useServer(at, server.baseUrl);
    const prompt = () => JSON.stringify(server.requests.at(-1));
    expect((await openkoi(at, ["-i", "0", "--yes", "say hello"])).code).toBe(0);
    expect(prompt()).not.toContain("summarise-commits");
    const approved = await learn(at, "approve", "summarise-commits");
    expect(approved).toMatchObject({ code: 0, stdout: "approved: summarise-commits, offered from the next task on\n" });
    expect((await openkoi(at, ["-i", "0", "--yes", "say hello"])).code).toBe(0);
    expect(prompt()).toContain("summarise-commits");
  });

  test("what is dismissed is gone, and returns only when it is done twice as often", async () => {
    const at = place(HABITS);
    await learn(at, "list");
    const file = join(at.home, ".openkoi/skills/proposed/write-release-notes/SKILL.md");
    expect(readFileSync(file, "utf8")).toContain("- write the release notes for v1.4");
    expect((await learn(at, "dismiss", "write-release-notes")).stdout).toStartWith("dismissed: write-release-notes;");
    expect(existsSync(file)).toBe(false);
    expect((await learn(at, "list")).stdout).not.toContain("release");
    add(at, { "write the release notes for v1.5": { days: [20, 5], hour: 12 } });
    expect((await learn(at, "list")).stdout).not.toContain("release");
    add(at, { "write the release notes for v1.6": { days: [23, 7], hour: 18 } });
    expect((await learn(at, "list")).stdout).toContain("write-release-notes  proposed");
  });

  test("a task's end says in one line that there is something new, once", async () => {
    const at = place(HABITS);
    const server = startOpenAiFake(["Done.", "Done."]);
    servers.push(server);
    useServer(at, server.baseUrl);
    const first = await openkoi(at, ["-i", "0", "--yes", "say hello"]);
    expect(first.stderr).toEndWith("  2 new patterns: openkoi learn\n");
    const second = await openkoi(at, ["-i", "0", "--yes", "say hello"]);
    expect(second.stderr).not.toContain("new pattern");
  });

  test("off in the config nothing is mined", async () => {
    const at = place(HABITS);
    const server = startOpenAiFake(["Done."]);
    servers.push(server);
    useServer(at, server.baseUrl, "[patterns]\nenabled = false\n");
    expect((await openkoi(at, ["-i", "0", "--yes", "say hello"])).stderr).not.toContain("new pattern");
    expect((await learn(at, "list")).stdout).toStartWith("nothing was learned yet");
  });

  test("without a terminal names its subcommands, exit 2; of a wrong one the one that was meant", async () => {
    const at = place();
    const bare = await learn(at);
    expect(bare).toMatchObject({ code: 2, stdout: "" });
    for (const name of ["list", "show", "approve", "dismiss", "edit", "forget"]) expect(bare.stderr).toContain(name);
    expect(await learn(at, "aprove", "x")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean approve?"),
    });
    expect(await learn(at, "show", "x")).toMatchObject({ code: 2 });
    expect(await learn(at, "show", "x", "--json")).toMatchObject({ code: 2 });
  });

  test("lets one pick on a terminal, look and decide, and leaves with Escape", async () => {
    const at = place(HABITS);
    const { code, seen } = await onTerminal(at, '"$OPENKOI" learn', [
      { when: "1 of 2", type: "write\r" },
      { when: "write-release-notes (type", type: "view\r" },
      { when: "how it was asked for", type: "dismiss\r" },
      { when: "dismissed: write-release-notes", type: "\x1b" },
    ]);
    expect(code).toBe(0);
    expect(seen).toContain("every day about 9");
    expect((await learn(at, "list", "--json")).stdout).toContain('"status": "dismissed"');
    // What is dismissed or said by another one is not counted either.
    const listed = (await learn(at, "list")).stdout.match(/^ {2}\S+ +(?:seen|proposed|approved) /gm) ?? [];
    expect((await openkoi(at, ["status"])).stdout).toContain(
      `, ${listed.length} pattern${listed.length === 1 ? "" : "s"}  (`,
    );
  });

  test("says in good English what is missing", async () => {
    for (const [subcommand, what] of [
      ["forget", "an ID"],
      ["edit", "an ID"],
      ["approve", "a NAME"],
    ] as const) {
      const { code, stderr } = await openkoi(place(HABITS), ["learn", subcommand]);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`needs ${what}`) });
    }
  });

  test("offers to keep the time of a regular thing, and says that nothing runs by itself yet", async () => {
    const at = place(HABITS);
    const { seen } = await onTerminal(at, '"$OPENKOI" learn approve summarise-commits', [
      { when: "to run by itself every day about 9", type: "y" },
    ]);
    expect(seen.replace(/\s+/g, " ")).toContain(
      "kept: every day about 9 (0 9 * * *). Nothing runs by itself before there is a daemon",
    );
    const { patterns } = JSON.parse((await learn(at, "list", "--json")).stdout);
    const kept = { kind: "time", cron: "0 9 * * *", scheduled: true, status: "approved", skill: "summarise-commits" };
    expect(patterns).toContainEqual(expect.objectContaining(kept));
  });

  test("changes a learning in the user's editor, and forgets it", async () => {
    const at = place();
    using memory = database(at);
    memory
      .query(
        "INSERT INTO learnings (id, type, content, category, confidence, created_at) VALUES ('l-1', 'heuristic', 'Run the linter', 'code', 0.9, ?)",
      )
      .run(new Date().toISOString());
    expect((await learn(at, "list")).stdout).toContain("l-1  0.89  do     Run the linter");
    const editor = join(at.home, "editor");
    writeFileSync(editor, '#!/bin/sh\necho "Run the linter first" > "$1"\n', { mode: 0o755 });
    const edited = await openkoi(at, ["learn", "edit", "l-1"], { env: { EDITOR: editor } });
    expect(edited).toMatchObject({ code: 0, stdout: "changed: Run the linter first\n" });
    expect(await learn(at, "edit", "l-1")).toMatchObject({ code: 2, stderr: expect.stringContaining("EDITOR") });
    const withKey = await openkoi(at, ["learn", "edit", "l-1", "use my-own-key-12345"], {
      env: { GROQ_API_KEY: "my-own-key-12345" },
    });
    expect(withKey).toMatchObject({ code: 1, stderr: expect.stringContaining("holds a key of yours") });
    const failed = await openkoi(at, ["learn", "edit", "l-1"], { env: { EDITOR: "false" } });
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("Nothing was changed") });
    expect((await learn(at, "forget", "l-1")).stdout).toBe("forgotten: Run the linter first\n");
    expect((await learn(at, "list")).stdout).toStartWith("nothing was learned yet");
  });
});

describe("commands that a person gives", () => {
  test("are events of their own, on a terminal only, without what may be a secret", async () => {
    const at = place({ x: { days: [1], hour: 9 } });
    await learn(at, "list");
    expect(commands(at)).toEqual([]);
    await onTerminal(at, '"$OPENKOI" learn list; "$OPENKOI" undo sk-ant-secret; "$OPENKOI" --version', []);
    // They are taken in when somebody looks at the events.
    await learn(at, "list");
    expect(commands(at)).toEqual([
      { text: "learn list", outcome: "ok" },
      { text: "undo", outcome: "failed" },
    ]);
  });

  test("make no memory where there is none", async () => {
    const at = makePlace();
    places.push(at);
    await onTerminal(at, '"$OPENKOI" status', []);
    expect(existsSync(join(at.home, ".local/share"))).toBe(false);
  });
});
