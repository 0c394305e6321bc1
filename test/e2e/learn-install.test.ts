import { afterEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openDatabase } from "../../src/memory/database.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake } from "../fakes/script.ts";
import { skillText } from "../skills/home.ts";
import { makePlace, onTerminal, openkoi, type Place, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** A place with a source of skills beside the project; its script would leave a mark. */
function place(): Place & { source: string; managed: string; mark: string } {
  const made = makePlace({ "a.txt": "a\n" });
  places.push(made);
  const source = join(dirname(made.project), "source");
  const mark = join(made.home, "was-run");
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), text);
  };
  put("skills/greet/SKILL.md", skillText("greet", "Greets people politely."));
  put("skills/greet/scripts/install.sh", `#!/bin/sh\ntouch ${mark}\n`);
  chmodSync(join(source, "skills/greet/scripts/install.sh"), 0o755);
  return { ...made, source, mark, managed: join(made.home, ".openkoi/skills/managed") };
}

function git(folder: string, ...args: string[]): void {
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder, stdio: "ignore" });
}

/** What the model is offered. */
async function isOffered(here: Place, name: string): Promise<boolean> {
  const server = startOpenAiFake(["Hello."]);
  servers.push(server);
  useServer(here, server.baseUrl);
  await openkoi(here, ["-i", "0", "Say hello."]);
  return server.requests[0]!.raw.includes(`- ${name}: `);
}

describe("openkoi learn install", () => {
  test("shows what a folder holds, and without a yes installs nothing", async () => {
    const here = place();
    const result = await openkoi(here, ["learn", "install", here.source]);
    expect(result.code).toBe(2);
    expect(result.stdout).toContain("greet (skill) → ");
    expect(result.stdout).toContain("Greets people politely.");
    expect(result.stdout).toMatch(/scripts\/install\.sh +\d+ B {2}script/);
    expect(result.stderr).toContain("--yes installs it");
    expect(existsSync(here.managed)).toBe(false);
  });

  test("with --yes installs it, and the next task is offered it; no script ran", async () => {
    const here = place();
    expect((await openkoi(here, ["learn", "install", "--yes", "../source"])).code).toBe(0);
    expect(readdirSync(here.managed)).toEqual(["greet"]);
    expect(await isOffered(here, "greet")).toBe(true);
    expect(existsSync(here.mark)).toBe(false);
  });

  test("asks at a terminal", async () => {
    const here = place();
    const { code, seen } = await onTerminal(here, `$OPENKOI learn install ${here.source}`, [
      { when: "Install greet?", type: "y" },
    ]);
    expect([code, seen.includes("installed")]).toEqual([0, true]);
    expect(existsSync(join(here.managed, "greet/SKILL.md"))).toBe(true);
    const again = await onTerminal(here, `$OPENKOI learn install bug-report`, [
      { when: "Install bug-report?", type: "n" },
    ]);
    expect(again.code).toBe(0);
    expect(readdirSync(here.managed)).toEqual(["greet"]);
  });

  test("clones a git URL, runs neither its hooks nor filters, and shows what an update changes", async () => {
    const here = place();
    writeFileSync(join(here.source, ".gitattributes"), "* filter=evil\n");
    git(here.source, "init", "-q", "-b", "main");
    git(here.source, "config", "filter.evil.smudge", `touch ${here.mark}; cat`);
    git(here.source, "add", "-A");
    git(here.source, "commit", "-qm", "one");
    writeFileSync(join(here.source, ".git/hooks/post-checkout"), `#!/bin/sh\ntouch ${here.mark}\n`, { mode: 0o755 });
    const url = `file://${here.source}`;
    const first = await openkoi(here, ["learn", "install", "--yes", url]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    writeFileSync(join(here.source, "skills/greet/SKILL.md"), skillText("greet", "Greets people \u202eloudly."));
    git(here.source, "commit", "-qam", "two");
    const second = await openkoi(here, ["learn", "install", "--yes", url]);
    expect(second.stdout).toContain("-description: Greets people politely.");
    // Nothing that a terminal would not show is hidden.
    expect(second.stdout).toContain("+description: Greets people \\u202eloudly.");
    expect(readFileSync(join(here.managed, "greet/SKILL.md"), "utf8")).toContain("loudly");
    expect(readdirSync(join(here.managed, "greet"))).toEqual(["SKILL.md", "scripts"]);
    expect(existsSync(here.mark)).toBe(false);
  });

  test("shows all that an update changes, also in a long file, and names what it cannot show", async () => {
    const here = place();
    const notes = join(here.source, "skills/greet/notes.md");
    const data = join(here.source, "skills/greet/data.txt");
    const lines = Array.from({ length: 10_000 }, (_, at) => `Line ${at}.\n`).join("");
    writeFileSync(notes, lines);
    writeFileSync(data, "x".repeat(1_100_000));
    await openkoi(here, ["learn", "install", "--yes", "../source"]);
    writeFileSync(notes, `${lines.replaceAll(".\n", "!\n")}Obey.\n`);
    writeFileSync(data, "y".repeat(1_100_000));
    const { code, stdout } = await openkoi(here, ["learn", "install", "../source"]);
    expect(code).toBe(2);
    expect(stdout).toContain("10001 +Obey.\n");
    expect(stdout).toContain("too large to be shown, and maybe changed: data.txt");
  });

  test("says why a URL cannot be cloned", async () => {
    const here = place();
    const { code, stderr } = await openkoi(here, ["learn", "install", "--yes", "file:///no/such/repository"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^openkoi: file:\/\/\/no\/such\/repository could not be cloned: fatal: /);
  });

  test("unpacks an archive, and refuses one with a link or a way out", async () => {
    const here = place();
    const parent = dirname(here.source);
    execFileSync("tar", ["-C", parent, "-czf", join(parent, "good.tar.gz"), "source"]);
    execFileSync("zip", ["-qr", join(parent, "good.zip"), "source"], { cwd: parent });
    for (const name of ["good.tar.gz", "good.zip"]) {
      expect((await openkoi(here, ["learn", "install", "--yes", `../${name}`])).code).toBe(0);
    }
    writeFileSync(join(here.source, "skills/greet/SKILL.md"), skillText("greet", "Another one."));
    symlinkSync("/etc/passwd", join(here.source, "skills/greet/link"));
    execFileSync("tar", ["-C", parent, "-cf", join(parent, "link.tar"), "source"]);
    const link = await openkoi(here, ["learn", "install", "--yes", "../link.tar"]);
    expect(link.stderr).toContain("link.tar holds a symbolic link");
    const folder = await openkoi(here, ["learn", "install", "--yes", "../source"]);
    expect(folder.stderr).toContain("is a link that leads out of the skill");
    execFileSync("tar", ["-C", here.project, "-Pcf", join(parent, "out.tar"), "../source/skills/greet/SKILL.md"]);
    expect((await openkoi(here, ["learn", "install", "--yes", "../out.tar"])).stderr).toContain("leads out of it");
    expect(readdirSync(here.managed)).toEqual(["greet"]);
  });

  test("knows the optional skills of the program by name, and the nearest one", async () => {
    const here = place();
    expect((await openkoi(here, ["learn", "install", "--yes", "release-notes"])).code).toBe(0);
    expect(await isOffered(here, "release-notes")).toBe(true);
    expect((await openkoi(here, ["learn", "install", "relese-notes"])).stderr).toContain("Did you mean release-notes?");
  });
});

describe("openkoi learn --install", () => {
  test("picks from the sources of the config and the optional skills", async () => {
    const here = place();
    useServer(here, "http://127.0.0.1:9", `[skills]\nsources = ["${here.source}", "/no/such/folder"]\n`);
    const { code, seen } = await onTerminal(here, "$OPENKOI learn --install", [
      { when: "Skill (type to filter", type: "polite\r" },
      { when: "Install greet?", type: "y" },
    ]);
    expect(code).toBe(0);
    expect(seen).toContain("/no/such/folder is left out");
    expect(readdirSync(here.managed)).toEqual(["greet"]);
  });

  test("without a terminal is an error that says what to do", async () => {
    const { code, stderr } = await openkoi(place(), ["learn", "--install"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("openkoi learn install SOURCE")]);
  });
});

/** A memory with as many tasks and sure learnings as an evolution of the soul takes. */
function remember(here: Place): void {
  const folder = join(here.home, ".local/share/openkoi");
  mkdirSync(folder, { recursive: true });
  using memory = openDatabase({ path: join(folder, "openkoi.db"), now: () => Date.now(), onNotice: () => {} });
  const time = new Date().toISOString();
  memory.db.run("INSERT INTO sessions (id, created_at, updated_at) VALUES ('s', ?, ?)", [time, time]);
  for (let at = 0; at < 50; at++) {
    const task = [`t${at}`, time];
    memory.db.run("INSERT INTO tasks (id, session_id, description, created_at) VALUES (?, 's', 'x', ?)", task);
  }
  for (let at = 0; at < 10; at++) {
    memory.db.run(
      "INSERT INTO learnings (id, type, content, confidence, created_at, last_used) VALUES (?, 'heuristic', ?, 0.9, ?, ?)",
      [`l${at}`, `Lesson ${at}.`, time, time],
    );
  }
}

describe("openkoi learn evolve-soul", () => {
  test("says what is missing", async () => {
    const { code, stdout } = await openkoi(place(), ["learn", "evolve-soul"]);
    expect(code).toBe(0);
    expect(stdout).toContain("0 tasks since the last time, and it takes 50");
  });

  test("shows the planner's proposal, and changes the soul after a yes", async () => {
    const here = place();
    const server = startOpenAiFake([
      JSON.stringify({ changes: [{ old: "", new: "You say what was measured.", why: "several lessons" }] }),
    ]);
    servers.push(server);
    useServer(here, server.baseUrl);
    remember(here);
    const { code, seen } = await onTerminal(here, "$OPENKOI learn evolve-soul", [{ when: "like this?", type: "1" }]);
    expect([code, seen]).toEqual([0, expect.stringContaining("+You say what was measured.")]);
    expect(server.requests[0]!.raw).toContain("Lesson 9.");
    expect(readFileSync(join(here.home, ".openkoi/SOUL.md"), "utf8")).toEndWith("You say what was measured.\n");
  });

  test("is hinted at after a task, once", async () => {
    const here = place();
    const server = startOpenAiFake(["One.", "Two."]);
    servers.push(server);
    useServer(here, server.baseUrl);
    remember(here);
    const run = () => openkoi(here, ["-i", "0", "Say hello."]);
    expect((await run()).stderr).toContain("openkoi learn evolve-soul shows how, and asks.");
    expect((await run()).stderr).not.toContain("evolve-soul");
  });
});
