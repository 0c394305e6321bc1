import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, Script, Turn } from "../fakes/script.ts";
import { makePlace, onTerminal, openkoi, type Place, start, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function place(files: Record<string, string> = { "a.txt": "one\n" }): Place {
  const made = makePlace(files);
  places.push(made);
  return made;
}

function serving(script: Script, at: Place, config = ""): Fake {
  const server = startOpenAiFake(script);
  servers.push(server);
  useServer(at, server.baseUrl, config);
  return server;
}

const run = (command: string): Turn => ({ calls: [{ name: "bash", arguments: { command } }] });
const sessions = (at: Place) => join(at.home, ".local/share/openkoi/sessions");
const ids = (at: Place) =>
  readdirSync(sessions(at))
    .sort()
    .map((name) => name.replace(".jsonl", ""));

// biome-ignore lint/suspicious/noExplicitAny: events of every type are looked into
function events(at: Place, id = ids(at)[0]!): any[] {
  const text = readFileSync(join(sessions(at), `${id}.jsonl`), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await Bun.sleep(5);
}

/** Starts a task of `turns`, the first of which never comes to its end, and kills it there. */
async function killed(at: Place, flags: string[] = ["-i", "0", "--yes"]): Promise<Fake> {
  const server = serving((request) => {
    const results = request.body.messages.filter((message: { role: string }) => message.role === "tool");
    if (results.length === 0) return run("echo first >> log");
    if (results.length === 1) return run("echo begun >> log; sleep 1000");
    return "Done.";
  }, at);
  const child = start(at, [...flags, "do it"]);
  const log = join(at.project, "log");
  await until(() => existsSync(log) && readFileSync(log, "utf8").includes("begun"));
  child.kill("SIGKILL");
  await child.exited;
  return server;
}

describe("resume", () => {
  test("goes on after kill -9: the same transcript, nothing done twice, the model told of what is uncertain", async () => {
    const here = place();
    const server = await killed(here);
    const before = events(here).length;
    const asked = server.requests.length;
    const { code, stdout, stderr } = await openkoi(here, ["resume"]);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "Done.\n" });
    expect(stderr).toContain("resumed");
    expect(readFileSync(join(here.project, "log"), "utf8")).toBe("first\nbegun\n");
    expect(ids(here)).toHaveLength(1);
    const all = events(here);
    expect(all[before]).toMatchObject({ type: "resumed", request: { description: "do it" }, permission: "auto" });
    const numbers = all.map((event) => event.seq);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(all.at(-1)).toMatchObject({ type: "task_finished", outcome: { status: "completed" } });
    // One call of the model was enough: it heard both results in the conversation it knew.
    expect(server.requests).toHaveLength(asked + 1);
    const last = JSON.stringify(server.requests.at(-1)!.body.messages);
    expect(last).toContain("Check before you repeat it");
    expect(last).toContain("goes on now");
    expect(server.requests.map((request) => request.refused).filter(Boolean)).toEqual([]);
    expect(all.at(-1).outcome.spent.calls).toBe(all.filter((event) => event.type === "model_finished").length);
  });

  test("undo takes back what both runs changed", async () => {
    const here = place();
    await killed(here);
    await openkoi(here, ["resume"]);
    expect((await openkoi(here, ["undo"])).code).toBe(0);
    expect(existsSync(join(here.project, "log"))).toBe(false);
    expect(readFileSync(join(here.project, "a.txt"), "utf8")).toBe("one\n");
  });

  test("says that it does not ask, where the task was begun with --yes and the flag was not given again", async () => {
    const told = async (flags: string[], again: string[]) => {
      const here = place();
      await killed(here, ["-i", "0", ...flags]);
      return (await openkoi(here, ["resume", ...again])).stderr;
    };
    const silent = "it goes on without asking, because it was begun with --yes or --permission auto";
    expect(await told(["--yes"], [])).toContain(silent);
    expect(await told(["--permission", "auto"], [])).toContain(silent);
    expect(await told(["--yes"], ["--yes"])).not.toContain("without asking");
    expect(await told(["--yes"], ["--permission", "ask"])).not.toContain("without asking");
    expect(await told(["--yes", "--sandbox", "off"], [])).toContain("begun with --sandbox off");
  });

  test("asks again about a call that waited for its permission when it was killed: it never ran", async () => {
    const here = place();
    const server = serving(({ body }) => {
      const results = body.messages.filter((message: { role: string }) => message.role === "tool");
      return results.length === 0 ? run("mkdir made") : "Done.";
    }, here);
    const when = "[n] no";
    const kill = { when, act: (child: { kill(signal: "SIGKILL"): void }) => child.kill("SIGKILL") };
    const first = await onTerminal(here, 'exec "$OPENKOI" -i 0 "do it"', [kill]);
    expect(first.seen).toContain("mkdir made");
    expect(existsSync(join(here.project, "made"))).toBe(false);
    const second = await onTerminal(here, 'exec "$OPENKOI" resume', [{ when, type: "y" }]);
    expect({ code: second.code, seen: second.seen }).toMatchObject({ code: 0 });
    expect(second.seen).toContain("Allow bash?");
    expect(existsSync(join(here.project, "made"))).toBe(true);
    expect(JSON.stringify(server.requests.at(-1)!.body.messages)).not.toContain("Check before you repeat it");
  });

  test("of a task that is still at work is refused", async () => {
    const here = place();
    serving([run("touch started; sleep 1000")], here);
    const child = start(here, ["-i", "0", "--yes", "wait"]);
    await until(() => existsSync(join(here.project, "started")));
    const { code, stderr } = await openkoi(here, ["resume"]);
    expect(code).toBe(1);
    expect(stderr).toContain("is still at work");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(130);
  });

  test("with nothing to resume is one clear line, exit 2; so is a task that ended, or that nobody knows", async () => {
    const here = place();
    const none = await openkoi(here, ["resume"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain("nothing to resume");
    serving(["Hello."], here);
    await openkoi(here, ["-i", "0", "say hello"]);
    expect((await openkoi(here, ["resume"])).code).toBe(2);
    const [id] = ids(here);
    const ended = await openkoi(here, ["resume", id!]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("has ended");
    const wrong = await openkoi(here, ["resume", `${id!.slice(0, -1)}_`]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(`did you mean ${id}?`);
  });

  test("goes on after Ctrl-C, too, and takes the settings of the task", async () => {
    const here = place();
    const server = serving((request) => {
      const results = request.body.messages.filter((message: { role: string }) => message.role === "tool");
      return results.length === 0 ? run("touch started; sleep 1000") : "Done.";
    }, here);
    const child = start(here, ["-i", "0", "--yes", "--timeout", "77", "wait"]);
    await until(() => existsSync(join(here.project, "started")));
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await child.stderr.text()).toContain("openkoi resume");
    const { code } = await openkoi(here, ["resume", "--budget", "1.5"]);
    expect(code).toBe(0);
    const resumed = events(here).find((event) => event.type === "resumed");
    expect(resumed.limits).toMatchObject({ iterations: 0, timeoutMs: 77_000, budgetUsd: 1.5 });
    expect(resumed.permission).toBe("auto");
    expect(server.requests).toHaveLength(2);
  });

  test("with --yes goes on where a permission was missing", async () => {
    const here = place();
    serving((request) => {
      const results = request.body.messages.filter((message: { role: string }) => message.role === "tool");
      return results.length === 0 ? run("echo x > a.txt") : "Done.";
    }, here);
    expect((await openkoi(here, ["-i", "0", "change it"])).code).toBe(4);
    expect(await openkoi(here, ["resume", "--yes"])).toMatchObject({ code: 0, stdout: "Done.\n" });
    expect(readFileSync(join(here.project, "a.txt"), "utf8")).toBe("x\n");
  });

  test("with --yes measures what it was not allowed to run before, and knows what it has read", async () => {
    const here = place({ "a.txt": "one\n", Makefile: "test:\n\t@grep -q two a.txt && echo ok\n" });
    const turns: Turn[] = [
      { calls: [{ name: "read", arguments: { path: "a.txt" } }] },
      { calls: [{ name: "write", arguments: { path: "a.txt", content: "two\n" } }] },
      "Done.",
    ];
    serving(({ body }) => {
      const system: string = body.messages[0].content;
      if (system.startsWith("You plan"))
        return JSON.stringify({ kind: "change", category: "code", steps: [], checks: [] });
      if (system.startsWith("You judge")) {
        const scores = { correctness: 0.9, safety: 0.9, style: 0.9, completeness: 0.9 };
        return JSON.stringify({ scores, findings: [] });
      }
      return turns[body.messages.filter((message: { role: string }) => message.role === "tool").length];
    }, here);
    const first = await openkoi(here, ["make it two"]);
    expect(first).toMatchObject({ code: 4 });
    const { code, stderr } = await openkoi(here, ["resume", "--yes"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/baseline +make test {2}failed/);
    expect(stderr).toMatch(/tests +make test {2}passed/);
    expect(readFileSync(join(here.project, "a.txt"), "utf8")).toBe("two\n");
  });

  test("is refused after undo, and possible again after redo", async () => {
    const here = place();
    await killed(here);
    expect((await openkoi(here, ["undo"])).code).toBe(0);
    const refused = await openkoi(here, ["resume"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("was undone");
    expect((await openkoi(here, ["undo"])).code).toBe(0);
    expect((await openkoi(here, ["resume"])).code).toBe(0);
    expect(readFileSync(join(here.project, "log"), "utf8")).toBe("first\nbegun\n");
  });

  test("reads a transcript whose last line was torn by a power cut", async () => {
    const here = place();
    await killed(here);
    const path = join(sessions(here), `${ids(here)[0]}.jsonl`);
    writeFileSync(path, `${readFileSync(path, "utf8")}{"v":1,"seq":99,"ty`);
    expect((await openkoi(here, ["resume"])).code).toBe(0);
    expect(events(here).at(-1).type).toBe("task_finished");
  });

  test("counts in the history what was not counted before, so that the day's cost stays true", async () => {
    const here = place();
    serving((_, index) => (index < 1 ? { status: 401, body: { error: { message: "no" } } } : "Hello."), here);
    expect((await openkoi(here, ["-i", "0", "say hello"])).code).toBe(1);
    expect((await openkoi(here, ["resume"])).code).toBe(0);
    const history = readFileSync(join(here.home, ".openkoi/state/task-history.jsonl"), "utf8").trim().split("\n");
    expect(history.map((line) => JSON.parse(line).status)).toEqual(["failed", "completed"]);
    const state = JSON.parse(readFileSync(join(here.home, ".openkoi/state/current-task.json"), "utf8"));
    expect(state).toMatchObject({ status: "completed", description: "say hello" });
  });
});

/** The user's own work, apart from the task's by more than the clock of files is coarse. */
function meanwhile(act: () => void): void {
  Bun.sleepSync(60);
  act();
  Bun.sleepSync(60);
}

describe("what the user does meanwhile", () => {
  test("between two calls of the task is not its work: rollback and undo leave it", async () => {
    const here = place({ "a.txt": "one\n", "b.txt": "two\n", Makefile: "test:\n\t@grep -q good out.txt && echo ok\n" });
    let judged = 0;
    serving(({ body }) => {
      const system: string = body.messages[0].content;
      if (system.startsWith("You plan")) {
        return JSON.stringify({ kind: "change", category: "code", steps: ["Do."], checks: ["make test"] });
      }
      if (system.startsWith("You judge")) {
        const value = judged++ === 0 ? 0.5 : 0.1;
        const scores = { correctness: value, safety: value, style: value, completeness: value };
        return JSON.stringify({ scores, findings: [] });
      }
      const second = JSON.stringify(body.messages).includes("The result was measured");
      const results = body.messages.filter((message: { role: string }) => message.role === "tool").length;
      if (!second) return results === 0 ? run("echo good > out.txt") : "Done.";
      if (results === 0) return run("echo bad > out.txt; echo x > junk.txt");
      if (results === 1) {
        meanwhile(() => {
          writeFileSync(join(here.project, "notes.txt"), "mine\n");
          writeFileSync(join(here.project, "b.txt"), "mine\n");
        });
        return run("true");
      }
      return "Done again.";
    }, here);
    const read = (name: string) => readFileSync(join(here.project, name), "utf8");
    const { code, stderr } = await openkoi(here, ["--yes", "-i", "2", "make it good"]);
    expect({ code, stderr }).toMatchObject({ code: 3 });
    expect(read("out.txt")).toBe("good\n");
    expect(existsSync(join(here.project, "junk.txt"))).toBe(false);
    expect([read("notes.txt"), read("b.txt")]).toEqual(["mine\n", "mine\n"]);
    expect(stderr).toContain("1 file changed");
    expect(stderr).toContain("also changed meanwhile, not by this task: b.txt, notes.txt");
    expect(await openkoi(here, ["undo"])).toMatchObject({ code: 0 });
    expect(existsSync(join(here.project, "out.txt"))).toBe(false);
    expect([read("notes.txt"), read("b.txt")]).toEqual(["mine\n", "mine\n"]);
  });

  test("while it is interrupted is not its work either, and undo says so", async () => {
    const here = place();
    serving((request) => {
      const results = request.body.messages.filter((message: { role: string }) => message.role === "tool");
      return results.length === 0 ? run("echo x > log; touch started; sleep 1000") : "Done.";
    }, here);
    const child = start(here, ["-i", "0", "--yes", "wait"]);
    await until(() => existsSync(join(here.project, "started")));
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    meanwhile(() => {
      writeFileSync(join(here.project, "a.txt"), "mine\n");
      writeFileSync(join(here.project, "mine.txt"), "mine\n");
    });
    expect((await openkoi(here, ["resume"])).code).toBe(0);
    const { code, stdout } = await openkoi(here, ["undo"]);
    expect(code).toBe(0);
    expect(readdirSync(here.project).sort()).toEqual(["a.txt", "mine.txt"]);
    expect(readFileSync(join(here.project, "a.txt"), "utf8")).toBe("mine\n");
    expect(stdout).not.toContain("  a.txt\n  log");
  });

  test("after kill -9 in the middle of a command is told from it as soon as the task cannot have lived any more", async () => {
    for (const goOn of [true, false]) {
      const here = place();
      await killed(here);
      // The last sign of life is a second old at most.
      await Bun.sleep(1_700);
      writeFileSync(join(here.project, "mine.txt"), "mine\n");
      if (goOn) expect((await openkoi(here, ["resume"])).code).toBe(0);
      const { code, stdout } = await openkoi(here, ["undo"]);
      expect({ code, stdout }).toMatchObject({ code: 0 });
      expect(readdirSync(here.project).sort()).toEqual(["a.txt", "mine.txt"]);
      if (!goOn) expect(stdout).toContain("not by this task:\n  mine.txt");
    }
  });
});

describe("a task that was cut short", () => {
  test("is shown by status until it is resumed, and must be named once another one has ended there", async () => {
    const here = place();
    await killed(here);
    const [id] = ids(here) as [string];
    serving(() => "Hello.", here);
    await openkoi(here, ["-i", "0", "say hello"]);
    const { stdout } = await openkoi(here, ["status"]);
    expect(stdout).toMatch(/cut short\n {2}\d{8}/);
    expect(stdout).toContain(id);
    const asked = await openkoi(here, ["resume"]);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain(id);
    expect(asked.stderr).toContain(`openkoi resume ${id}`);
    const { code } = await openkoi(here, ["resume", id]);
    expect(code).toBe(0);
    expect((await openkoi(here, ["status"])).stdout).not.toContain("cut short");
    expect((await openkoi(here, ["resume"])).stderr).toContain("nothing to resume");
  });

  test("is no longer shown once it is undone", async () => {
    const here = place();
    await killed(here);
    const shown = async () => JSON.parse((await openkoi(here, ["status", "--json"])).stdout).cut_short;
    expect(await shown()).toMatchObject([{ task_id: ids(here)[0], description: "do it" }]);
    expect((await openkoi(here, ["undo"])).code).toBe(0);
    expect(await shown()).toEqual([]);
  });
});

describe("what is ignored", () => {
  test("is recorded before a file tool changes it, so that undo brings it back", async () => {
    const here = place({ ".gitignore": "secret.env\nout/\n", "secret.env": "A=1\n" });
    serving(
      [
        { calls: [{ name: "read", arguments: { path: "secret.env" } }] },
        {
          calls: [
            { name: "edit", arguments: { path: "secret.env", old: "A=1", new: "A=2" } },
            { name: "write", arguments: { path: "out/new.txt", content: "x\n" } },
          ],
        },
        "Done.",
      ],
      here,
    );
    expect((await openkoi(here, ["-i", "0", "--yes", "change it"])).code).toBe(0);
    expect(readFileSync(join(here.project, "secret.env"), "utf8")).toBe("A=2\n");
    expect((await openkoi(here, ["undo"])).code).toBe(0);
    expect(readFileSync(join(here.project, "secret.env"), "utf8")).toBe("A=1\n");
    expect(existsSync(join(here.project, "out"))).toBe(false);
  });
});
