import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, constants, lstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake } from "../fakes/script.ts";
import { BINARY, makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** A home with a model, and with a skill of three megabytes, so that an export fits into no pipe. */
function place(): Place {
  const made = makePlace({ "a.txt": "one\n" });
  places.push(made);
  const server = startOpenAiFake(() => "Hello.");
  servers.push(server);
  useServer(made, server.baseUrl);
  const skill = join(made.home, ".openkoi/skills/user/long");
  mkdirSync(skill, { recursive: true });
  writeFileSync(join(skill, "SKILL.md"), "---\nname: long\ndescription: A long one.\n---\n");
  writeFileSync(join(skill, "reference.md"), "A line that says nothing at all.\n".repeat(100_000));
  return made;
}

const COMMANDS = [
  ["--version"],
  ["--help"],
  ["learn", "--help"],
  ["export"],
  ["export", "--format", "yaml"],
  ["status"],
  ["status", "--costs"],
  ["learn", "list"],
  ["models"],
  ["models", "--json"],
  ["doctor"],
  ["connect", "status"],
  ["migrate", "--status"],
  ["undo", "--list"],
  ["-i", "0", "say hello"],
  ["-i", "0", "--format", "json", "say hello"],
  ["-i", "0", "--format", "stream-json", "say hello"],
  ["demo"],
];

/** The exit code and the messages, with standard output and standard error wherever they lead. */
async function ends(at: Place, args: readonly string[], stdout: number | "ignore", stderr: number | "pipe" = "pipe") {
  const child = Bun.spawn([BINARY, ...args], { cwd: at.project, env: at.env, stdin: "ignore", stdout, stderr });
  const text = child.stderr instanceof ReadableStream ? await child.stderr.text() : "";
  return { args, code: await child.exited, stderr: text };
}

function full(): number {
  return openSync("/dev/full", "w");
}

/** The end of a pipe that nobody reads any more. */
function closedPipe(at: Place): number {
  const path = join(at.home, "fifo");
  Bun.spawnSync(["mkfifo", path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  closeSync(reader);
  return writer;
}

describe("standard output on a full disk", () => {
  test("is one line and exit 1, whatever the command", async () => {
    const here = place();
    for (const args of COMMANDS) {
      const fd = full();
      const { code, stderr } = await ends(here, args, fd);
      closeSync(fd);
      expect({ args, code, stderr }).toMatchObject({ code: 1 });
      expect(stderr.match(/standard output cannot be written: no space left on device/g)).toHaveLength(1);
      expect(stderr).not.toMatch(/this is a bug|^\s+at /m);
    }
  });
});

describe("standard output that nobody reads any more", () => {
  test("changes neither the exit code nor the messages, whatever the command", async () => {
    const here = place();
    const fd = closedPipe(here);
    for (const args of COMMANDS) {
      const { code } = await openkoi(here, args);
      const closed = await ends(here, args, fd);
      expect(closed).toMatchObject({ args, code });
      expect(closed.stderr).not.toMatch(/EPIPE|this is a bug|^\s+at /m);
    }
    closeSync(fd);
  });

  test("ends a long export early and quietly", async () => {
    const here = place();
    const shell = Bun.spawn(["bash", "-c", '"$0" export | head -n 1; echo "exit $PIPESTATUS"', BINARY], {
      cwd: here.project,
      env: here.env,
      stderr: "pipe",
    });
    expect(await shell.stdout.text()).toBe("{\nexit 0\n");
    expect(await shell.stderr.text()).toBe("");
  });
});

describe("an export to a pipe or a device", () => {
  test("is written to it, and leaves it what it is", async () => {
    const here = place();
    const path = join(here.project, "pipe");
    Bun.spawnSync(["mkfifo", path]);
    const reader = Bun.spawn(["cat", path], { stdout: "pipe" });
    expect(await openkoi(here, ["export", "--output", path])).toMatchObject({ code: 0 });
    expect(JSON.parse(await reader.stdout.text())).toMatchObject({ format: "openkoi-export" });
    expect(lstatSync(path).isFIFO()).toBe(true);
    // A pipe of the shell: Bun's own would be a socket, which cannot be opened by its name.
    const shell = Bun.spawn(["bash", "-c", '"$0" export learnings --output /dev/stdout | cat', BINARY], {
      cwd: here.project,
      env: here.env,
    });
    expect(JSON.parse(await shell.stdout.text())).toMatchObject({ what: "learnings" });
  });

  test("that is full says so in a line", async () => {
    const { code, stderr } = await openkoi(place(), ["export", "--output", "/dev/full"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "openkoi: /dev/full cannot be written: ENOSPC: no space left on device, write\n  Name another place with --output.\n",
    });
  });
});

describe("standard error that cannot be written", () => {
  test("leaves the exit code as it is", async () => {
    const here = place();
    const fd = full();
    expect(await ends(here, ["--nonsense"], "ignore", fd)).toMatchObject({ code: 2 });
    expect(await ends(here, ["-i", "0", "say hello"], "ignore", fd)).toMatchObject({ code: 0 });
    expect(await ends(here, ["import", "nothing.json"], "ignore", fd)).toMatchObject({ code: 1 });
    closeSync(fd);
  });
});

describe("standard output and standard error", () => {
  test("in files in the workspace are no work of the task, and undo leaves them", async () => {
    const here = makePlace({ "a.txt": "one\n", "old.log": "old\n" });
    places.push(here);
    const command = "echo two > a.txt";
    const server = startOpenAiFake([{ calls: [{ name: "bash", arguments: { command } }] }, "Done."]);
    servers.push(server);
    useServer(here, server.baseUrl);
    const shell = Bun.spawn(["sh", "-c", `${BINARY} --yes -i 0 --format json 'say two' > out.json 2> old.log`], {
      cwd: here.project,
      env: here.env,
    });
    expect(await shell.exited).toBe(0);
    const { changes, foreign } = JSON.parse(readFileSync(join(here.project, "out.json"), "utf8"));
    expect(changes.map(({ path }: { path: string }) => path)).toEqual(["a.txt"]);
    expect(foreign).toBeUndefined();
    const { code, stdout } = await openkoi(here, ["undo"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("1 path as before the task") });
    expect(stdout).not.toMatch(/out\.json|old\.log/);
    expect(lstatSync(join(here.project, "out.json")).size).toBeGreaterThan(0);
  });
});
