import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, FakeRequest, Turn } from "../fakes/script.ts";
import { snapshot } from "../workspace/tree.ts";
import { makePlace, openkoi, type Place, start, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function place(files: Record<string, string> = { "a.txt": "one\n", "b.txt": "two\n" }): Place {
  const made = makePlace(files);
  places.push(made);
  return made;
}

const run = (command: string): Turn => ({ calls: [{ name: "bash", arguments: { command } }] });

/** Runs a task of one command. */
async function task(at: Place, ...commands: string[]): Promise<void> {
  const server = startOpenAiFake([...commands.map(run), "Done."]);
  servers.push(server);
  useServer(at, server.baseUrl);
  const { code, stderr } = await openkoi(at, ["-i", "0", "--yes", `do: ${commands[0]}`]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

const undo = (at: Place, ...more: string[]) => openkoi(at, ["undo", ...more]);

/** The ids that `--list` shows, newest first. */
async function listed(at: Place): Promise<string[]> {
  return [...(await undo(at, "--list")).stdout.matchAll(/\d{8}-\d{6}-\w+/g)].map(([id]) => id);
}

describe("undo", () => {
  test("puts back contents, created and deleted files, modes and links; a second one redoes", async () => {
    const here = place();
    mkdirSync(join(here.project, "empty"));
    symlinkSync("a.txt", join(here.project, "link"));
    const before = snapshot(here.project);
    await task(
      here,
      "echo changed > a.txt; rm b.txt; chmod 755 a.txt; mkdir -p new/deep && echo x > new/deep/c.txt; ln -sfn b.txt link; rmdir empty; ln -s a.txt link2",
    );
    const after = snapshot(here.project);
    expect(after).not.toEqual(before);

    const undone = await undo(here);
    expect(undone).toMatchObject({ code: 0, stderr: "" });
    expect(undone.stdout).toContain("as before the task");
    expect(snapshot(here.project)).toEqual(before);
    expect((await undo(here, "--list")).stdout).toContain("undone");

    expect((await undo(here)).stdout).toContain("redone");
    expect(snapshot(here.project)).toEqual(after);
    expect((await undo(here)).code).toBe(0);
    expect(snapshot(here.project)).toEqual(before);
  });

  test("keeps what somebody changed since, says so and ends with 3", async () => {
    const here = place();
    await task(here, "echo task >> a.txt; echo task >> b.txt; echo task > c.txt");
    appendFileSync(join(here.project, "b.txt"), "mine\n");
    writeFileSync(join(here.project, "c.txt"), "mine\n");
    const { code, stdout } = await undo(here);
    expect(code).toBe(3);
    expect(stdout).toMatch(/kept, because somebody else changed them, too:\n {2}b\.txt\n {2}c\.txt\n/);
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("one\n");
    expect(await Bun.file(join(here.project, "b.txt")).text()).toBe("two\ntask\nmine\n");
    expect(await Bun.file(join(here.project, "c.txt")).text()).toBe("mine\n");
  });

  test("that puts nothing back, because all of it was changed since, says so, ends with 3 and can be tried again", async () => {
    const here = place();
    await task(here, "echo task > a.txt");
    writeFileSync(join(here.project, "a.txt"), "mine\n");
    const { code, stdout } = await undo(here);
    expect(code).toBe(3);
    expect(stdout).toStartWith("nothing was undone:");
    expect(stdout).toContain("a.txt");
    expect(stdout).not.toContain("bring its changes back");
    expect((await undo(here, "--list")).stdout).toContain("1 file changed");
    writeFileSync(join(here.project, "a.txt"), "task\n");
    expect((await undo(here)).stdout).toContain("undone: 1 path");
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("one\n");
  });

  test("says that commits and branches stay, and how git goes back", async () => {
    const here = place();
    const git = (...args: string[]) => {
      // Logs of git know seconds: the task's must be others.
      const env = { ...here.env, GIT_COMMITTER_DATE: "2026-11-23T10:00:00Z" };
      const { stdout, exitCode } = Bun.spawnSync(["git", "-C", here.project, ...args], { env });
      expect(exitCode).toBe(0);
      return stdout.toString().trim();
    };
    writeFileSync(join(here.home, ".gitconfig"), "[user]\nname = a\nemail = a@example.org\n");
    git("init", "-q", "-b", "main");
    git("add", ".");
    git("commit", "-q", "-m", "one");
    const was = git("rev-parse", "HEAD");
    await task(
      here,
      "echo x > a.txt; git switch -q -c topic; git -c user.name=b -c user.email=b@example.org commit -qam two; git log --oneline",
    );
    expect(git("rev-parse", "HEAD")).not.toBe(was);
    const { stdout } = await undo(here);
    expect(stdout).toContain(`HEAD was at ${was.slice(0, 10)} (main) before the task, and is at `);
    expect(stdout).toContain("Branches that were made meanwhile stay: topic (");
    const [, way] = /leaving the files as they are: (.+)/.exec(stdout) ?? [];
    expect(Bun.spawnSync(["sh", "-c", way!], { cwd: here.project, env: here.env }).exitCode).toBe(0);
    expect([git("rev-parse", "HEAD"), git("branch", "--show-current"), git("status", "--short")]).toEqual([
      was,
      "main",
      "",
    ]);
    expect((await undo(here)).stdout).not.toContain("HEAD");
    expect((await undo(here)).stdout).not.toContain("HEAD");
    await task(here, "echo y > a.txt; git stash -q; git mv b.txt c.txt");
    const staged = (await undo(here)).stdout;
    expect(staged).toContain("Stash entries that were made meanwhile stay: stash@{0} (");
    const [, unstage] = /To unstage all, leaving the files as they are: (.+)/.exec(staged) ?? [];
    expect(Bun.spawnSync(["sh", "-c", unstage!], { cwd: here.project, env: here.env }).exitCode).toBe(0);
    expect(git("status", "--short")).toBe("");
  });

  test("takes the last task that changed something, or the one that is named by a part of its id", async () => {
    const here = place();
    await task(here, "echo first > a.txt");
    await task(here, "echo second > b.txt");
    await task(here, "cat a.txt");
    const ids = await listed(here);
    expect(ids).toHaveLength(2);
    expect((await undo(here)).stdout).toContain(ids[0]!);
    expect(await Bun.file(join(here.project, "b.txt")).text()).toBe("two\n");
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("first\n");
    expect((await undo(here, ids[1]!.slice(-4))).code).toBe(0);
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("one\n");
  });

  test("of a task that nobody knows names the one that was meant, exit 2", async () => {
    const here = place();
    await task(here, "echo first > a.txt");
    const [id] = await listed(here);
    const wrong = `${id!.slice(0, -1)}_`;
    const { code, stderr } = await undo(here, wrong);
    expect(code).toBe(2);
    expect(stderr).toContain(`did you mean ${id}?`);
    const there = place();
    const elsewhere = await openkoi({ ...here, project: there.project }, ["undo", id!]);
    expect(elsewhere).toMatchObject({ code: 2 });
    expect(elsewhere.stderr).toContain(`worked in ${here.project}`);
    expect((await openkoi({ ...here, project: there.project }, ["undo", "-C", here.project, id!])).code).toBe(0);
  });

  test("with nothing to undo is one clear line, exit 2", async () => {
    const here = place();
    const { code, stderr, stdout } = await undo(here);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("no task changed anything");
    expect(await undo(here, "--list")).toMatchObject({ code: 0 });
  });

  test("of a task that was killed puts everything back that changed since it began", async () => {
    const here = place();
    const before = snapshot(here.project);
    const server = startOpenAiFake([run("echo x > a.txt; rm b.txt; touch started; sleep 1000")]);
    servers.push(server);
    useServer(here, server.baseUrl);
    const child = start(here, ["-i", "0", "--yes", "break it"]);
    while (!existsSync(join(here.project, "started"))) await Bun.sleep(10);
    const running = await undo(here);
    expect(running.code).toBe(1);
    expect(running.stderr).toContain("is working in this folder");
    child.kill("SIGKILL");
    await child.exited;
    expect((await undo(here, "--list")).stdout).toContain("cut short");
    const { code, stdout } = await undo(here);
    expect(code).toBe(0);
    expect(stdout).toContain("cut short");
    expect(snapshot(here.project)).toEqual(before);
    expect((await undo(here)).stdout).toContain("redone");
    expect(existsSync(join(here.project, "b.txt"))).toBe(false);
  });

  test("passes over a task that was killed before it did anything", async () => {
    const here = place();
    await task(here, "echo first > a.txt");
    const server = startOpenAiFake([{ hang: "start" }]);
    servers.push(server);
    useServer(here, server.baseUrl);
    const child = start(here, ["--yes", "think"]);
    while (server.requests.length === 0) await Bun.sleep(5);
    child.kill("SIGKILL");
    await child.exited;
    expect((await undo(here)).code).toBe(0);
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("one\n");
  });

  test("works from the checkpoints alone where the transcript is gone", async () => {
    const here = place();
    await task(here, "echo x > a.txt");
    rmSync(join(here.home, ".local/share/openkoi/sessions"), { recursive: true });
    expect((await undo(here)).code).toBe(0);
    expect(await Bun.file(join(here.project, "a.txt")).text()).toBe("one\n");
  });

  test("covers as much as the config says, and says what it leaves out", async () => {
    const here = place({ "small.bin": "s".repeat(1000), "big.bin": "b".repeat(3000) });
    const server = startOpenAiFake([run("echo x > small.bin; echo x > big.bin"), "Done."]);
    servers.push(server);
    useServer(here, server.baseUrl, "[checkpoints]\nmax_file_mb = 0.002\n");
    const { code, stderr } = await openkoi(here, ["-i", "0", "--yes", "do it"]);
    expect(code).toBe(0);
    expect(stderr).toContain("cannot be put back later: 1 file over 2 KB (big.bin)");
    await undo(here);
    expect(await Bun.file(join(here.project, "small.bin")).text()).toBe("s".repeat(1000));
    expect(await Bun.file(join(here.project, "big.bin")).text()).toBe("x\n");
  });
});

describe("what the user adds to a file that the task edits", () => {
  const edit = (old: string, now: string): Turn => ({
    calls: [{ name: "edit", arguments: { path: "a.txt", edits: [{ old, new: now }] } }],
  });
  const sed = (old: string, now: string) => run(`sed -i s/${old}/${now}/ a.txt`);

  /** The user's edit: the clock of files needs a moment around it. */
  function addLine(here: Place): void {
    Bun.sleepSync(60);
    writeFileSync(join(here.project, "a.txt"), `mine\n${readFileSync(join(here.project, "a.txt"), "utf8")}`);
    Bun.sleepSync(60);
  }

  function serve(here: Place, model: (request: FakeRequest, done: number) => Turn): void {
    const server = startOpenAiFake((request) =>
      model(request, request.body.messages.filter((message: { role: string }) => message.role === "tool").length),
    );
    servers.push(server);
    useServer(here, server.baseUrl);
  }

  const text = (here: Place) => readFileSync(join(here.project, "a.txt"), "utf8");

  test("between two of its edits is kept, and both the task and the undo say so; forced, it goes back, too", async () => {
    for (const change of [edit, sed]) {
      const here = place({ "a.txt": "one\ntwo\n" });
      serve(here, (_, done) => {
        if (done === 0) return change("one", "1");
        if (done > 1) return "Done.";
        addLine(here);
        return change("two", "2");
      });
      const { code, stderr } = await openkoi(here, ["-i", "0", "--yes", "count"]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr).toContain("somebody else changed these meanwhile, too: a.txt");
      const undone = await undo(here);
      expect(undone.code).toBe(3);
      expect(undone.stdout).toMatch(/kept, because somebody.*:\n {2}a\.txt\n/);
      expect(text(here)).toBe("mine\n1\n2\n");
      const [way] = /openkoi undo \S+ --force/.exec(undone.stdout) ?? [];
      const forced = await undo(here, ...way!.split(" ").slice(2));
      expect(forced).toMatchObject({ code: 0 });
      expect(text(here)).toBe("one\ntwo\n");
      expect((await undo(here)).code).toBe(0);
      expect(text(here)).toBe("mine\n1\n2\n");
    }
  });

  test("after it has ended is no dead end: what was kept is put back when forced, and comes again", async () => {
    const here = place();
    await task(here, "echo task >> a.txt; echo task >> b.txt; mkdir -p some/folders; echo x > some/folders/c.txt");
    expect((await undo(here, "--list")).stdout).toContain("3 files changed");
    addLine(here);
    const mine = snapshot(here.project);
    const { code, stdout } = await undo(here);
    expect(code).toBe(3);
    const [way] = /openkoi undo \S+ --force/.exec(stdout) ?? [];
    expect(await undo(here, ...way!.split(" ").slice(2))).toMatchObject({ code: 0 });
    expect([text(here), existsSync(join(here.project, "some"))]).toEqual(["one\n", false]);
    expect((await undo(here)).stdout).toContain("redone: 5 paths as before the undo\n");
    expect(snapshot(here.project)).toEqual(mine);
  });

  test("while it is interrupted is kept", async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const here = place({ "a.txt": "one\ntwo\n" });
      let resumed = false;
      serve(here, (request, done) => {
        if (done === 0) return edit("one", "1");
        if (!resumed) return { hang: "start" };
        return JSON.stringify(request.body.messages).includes("two") ? "Done." : edit("two", "2");
      });
      const child = start(here, ["-i", "0", "--yes", "count"]);
      while (text(here) !== "1\ntwo\n" || servers.at(-1)!.requests.length < 2) await Bun.sleep(10);
      child.kill(signal);
      await child.exited;
      addLine(here);
      resumed = true;
      expect((await openkoi(here, ["resume"])).code).toBe(0);
      expect(text(here)).toBe("mine\n1\n2\n");
      expect((await undo(here)).code).toBe(3);
      expect(text(here)).toBe("mine\n1\n2\n");
    }
  });

  test("before its first edit is there after the undo", async () => {
    const here = place({ "a.txt": "one\ntwo\n" });
    serve(here, (_, done) => {
      if (done === 0) return run("echo new > b.txt");
      if (done > 1) return "Done.";
      addLine(here);
      return edit("two", "2");
    });
    expect((await openkoi(here, ["-i", "0", "--yes", "count"])).code).toBe(0);
    const { code, stdout } = await undo(here);
    expect(code).toBe(0);
    expect(stdout).toContain("as somebody else had left them before the task changed them:\n  a.txt\n");
    expect(text(here)).toBe("mine\none\ntwo\n");
    expect(existsSync(join(here.project, "b.txt"))).toBe(false);
  });
});

describe("what the user undid", () => {
  const files = { Makefile: "test:\n\t@true\n\t@grep -q rate rates.ts\n", "rates.ts": "export const rate = 0;\n" };
  const LESSON = "Write the rates of rates.ts in basis points, as 475.";
  const scores = { correctness: 0.95, safety: 0.95, style: 0.95, completeness: 0.95 };

  /** Follows the lesson where it is told of it; the second task saves it. */
  function model(request: FakeRequest): Turn {
    const [system] = request.body.messages;
    const all = JSON.stringify(request.body.messages);
    if (system.content.includes("You plan a task"))
      return JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: ["make test"] });
    if (system.content.includes("You judge")) return JSON.stringify({ scores, findings: [] });
    const turn = request.body.messages.filter((message: { role: string }) => message.role === "assistant").length;
    const arguments_ = { path: "rates.ts", content: `export const rate = ${all.includes("475") ? 475 : 1};\n` };
    const write = { name: "write", arguments: arguments_ };
    const save = { name: "memory", arguments: { action: "save", text: LESSON } };
    if (turn === 0) return { calls: [{ name: "read", arguments: { path: "rates.ts" } }] };
    if (turn === 1) return { calls: all.includes("475") ? [write] : [write, save] };
    return "The interest stands at basis level.";
  }

  test("is recalled as undone, its lessons did not help; a redo makes both good again", async () => {
    const here = place(files);
    const server = startOpenAiFake(model);
    servers.push(server);
    useServer(here, server.baseUrl);
    const work = async (text: string) => {
      writeFileSync(join(here.project, "rates.ts"), "export const rate = 0;\n");
      const { code, stderr } = await openkoi(here, ["--yes", text]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
    };
    const lesson = async () => {
      const { stdout } = await openkoi(here, ["learn", "list", "--json"]);
      return (JSON.parse(stdout) as { learnings: { helped: number; recalled: number; confidence: number }[] })
        .learnings[0];
    };
    const prompts = () => server.requests.map(({ body }) => String(body.messages[0].content)).join("\n");

    await work("Set the interest rate in rates.ts");
    await work("Please set the interest rate in rates.ts");
    const helped = await lesson();
    expect(helped).toMatchObject({ helped: 1, recalled: 1 });

    expect((await undo(here)).code).toBe(0);
    const undone = await lesson();
    expect(undone).toMatchObject({ helped: 0, recalled: 1 });
    expect(undone!.confidence).toBeLessThan(helped!.confidence);
    server.requests.length = 0;
    await openkoi(here, ["--yes", "-i", "0", "Set the interest rate in rates.ts again"]);
    expect(prompts()).toContain('Similar task (undone by the user): "Please set the interest rate');

    // A memory that is made anew knows of it, too.
    const database = join(here.home, ".local/share/openkoi/openkoi.db");
    for (const end of ["", "-wal", "-shm"]) rmSync(database + end, { force: true });
    await openkoi(here, ["status"]);
    expect(await lesson()).toMatchObject({ helped: 0, recalled: 1 });

    const [, second] = await listed(here);
    expect((await undo(here, second!)).stdout).toContain("redone");
    expect(await lesson()).toMatchObject({ helped: 1, recalled: 1 });
    server.requests.length = 0;
    await openkoi(here, ["--yes", "-i", "0", "Set the interest rate in rates.ts again"]);
    expect(prompts()).not.toContain("undone by the user");
  }, 60_000);
});

describe("what checks leave behind", () => {
  const PROJECT = {
    Makefile:
      "test:\n\t@mkdir -p cover; date +%N > cover/lines; date +%N > report.xml; grep -q 'answer = 42' answer.ts && echo ok\n",
    "answer.ts": "export const answer = 41;\n",
  };
  const PLAN = JSON.stringify({ kind: "change", category: "code", steps: ["Change it."], checks: ["make test"] });
  const VERDICT = JSON.stringify({
    scores: { correctness: 1, safety: 1, style: 1, completeness: 1 },
    findings: [],
  });
  const EDIT: Turn = { calls: [{ name: "edit", arguments: { path: "answer.ts", old: "41", new: "42" } }] };

  async function worked(at: Place, turns: Turn[]) {
    const server = startOpenAiFake(turns);
    servers.push(server);
    useServer(at, server.baseUrl);
    const { code, stdout } = await openkoi(at, ["--yes", "--format", "json", "Set the answer to 42."]);
    return { code, outcome: JSON.parse(stdout), server };
  }

  test("is no work of the task, the judge does not see it, and undo removes it", async () => {
    const here = place(PROJECT);
    const before = snapshot(here.project);
    const { code, outcome, server } = await worked(here, [PLAN, EDIT, run("make test"), "It is 42.", VERDICT]);
    expect({ code, paths: outcome.changes.map(({ path }: { path: string }) => path) }).toEqual({
      code: 0,
      paths: ["answer.ts"],
    });
    expect(existsSync(join(here.project, "report.xml"))).toBe(true);
    const judged = JSON.stringify(server.requests.at(-1)!.body.messages);
    expect(judged).toContain("+export const answer = 42;");
    expect(judged).not.toMatch(/report\.xml|cover\/lines/);
    const after = snapshot(here.project);

    const undone = await undo(here);
    expect(undone).toMatchObject({ code: 0 });
    expect(undone.stdout).not.toContain("somebody else");
    expect(snapshot(here.project)).toEqual(before);
    expect((await undo(here)).code).toBe(0);
    expect(snapshot(here.project)).toEqual(after);
  });

  test("makes no work of a task that did nothing, and is put back even so", async () => {
    const here = place(PROJECT);
    const before = snapshot(here.project);
    const { code, outcome } = await worked(here, [PLAN, "I set it to 42.", "It is there.", "It is there."]);
    expect(code).not.toBe(0);
    expect(outcome).toMatchObject({ changes: [], reason: "the last 2 iterations changed nothing" });
    expect((await undo(here, "--list")).stdout).toContain("3 paths left by checks");
    expect((await undo(here)).code).toBe(0);
    expect(snapshot(here.project)).toEqual(before);
  });

  test("stays, and is named, where it was there before", async () => {
    const here = place({ ...PROJECT, "report.xml": "old\n", "cover/lines": "old\n" });
    const { outcome } = await worked(here, [PLAN, EDIT, "It is 42.", VERDICT]);
    expect(outcome.changes).toHaveLength(1);
    const { code, stdout } = await undo(here);
    expect(code).toBe(0);
    expect(stdout).toContain("changed while checks ran, and left as they are:\n  cover/lines\n  report.xml\n");
    expect(stdout).not.toContain("somebody else");
    expect(readFileSync(join(here.project, "answer.ts"), "utf8")).toContain("41");
  });
});
