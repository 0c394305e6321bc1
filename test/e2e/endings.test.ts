import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, Script, Turn } from "../fakes/script.ts";
import { BINARY, type Child, makePlace, openkoi, type Place, start, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** A place whose temporary folder is its own, so that what is left in it can be seen. */
function place(files: Record<string, string> = { "a.txt": "one\n" }): Place & { temp: string } {
  const made = makePlace(files);
  places.push(made);
  const temp = join(made.home, "tmp");
  mkdirSync(temp);
  return { ...made, env: { ...made.env, TMPDIR: temp }, temp };
}

function serving(script: Script, at: Place, config = ""): Fake {
  const server = startOpenAiFake(script);
  servers.push(server);
  useServer(at, server.baseUrl, config);
  return server;
}

const run = (command: string): Turn => ({ calls: [{ name: "bash", arguments: { command } }] });

async function ended(child: Child) {
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}

const textOf = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");

function isRunning(pid: number): boolean {
  try {
    // A zombie has ended.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Whether a process handles a signal itself: `SigCgt` of proc_pid_status(5). */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

describe("an interruption", () => {
  test.skipIf(process.platform !== "linux")(
    "while standard input is awaited is exit 130, and nobody's bug",
    async () => {
      const child = start(place(), ["do it"], { stdin: "open" });
      await until(() => catches(child.pid, 2));
      child.kill("SIGINT");
      expect(await ended(child)).toEqual({ code: 130, stdout: "", stderr: "" });
    },
  );

  test("of the demo is exit 130, and what is deleted is not said to go on", async () => {
    const at = place();
    const child = start(at, ["demo"]);
    const result = ended(child);
    await until(() => readdirSync(at.temp).some((name) => name.startsWith("openkoi-demo-")));
    child.kill("SIGINT");
    const { code, stderr } = await result;
    expect(code).toBe(130);
    expect(stderr).not.toContain("bug");
    expect(stderr).not.toContain("resume");
    expect(readdirSync(at.temp)).toEqual([]);
  });

  test("by a closed terminal ends the task in good order", async () => {
    const at = place();
    serving([run("echo $$ > pid; sleep 1000"), "unreachable"], at);
    const child = start(at, ["-i", "0", "--yes", "sleep"]);
    await until(() => textOf(join(at.project, "pid")) !== "");
    child.kill("SIGHUP");
    expect(await child.exited).toBe(130);
    const sessions = join(at.home, ".local/share/openkoi/sessions");
    const lines = textOf(join(sessions, readdirSync(sessions)[0]!))
      .trimEnd()
      .split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ type: "task_finished", outcome: { status: "cancelled" } });
    expect(JSON.parse(textOf(join(at.home, ".openkoi/state/current-task.json"))).status).toBe("cancelled");
  }, 30_000);

  test.skipIf(!Bun.which("nohup"))(
    "by a closed terminal does not reach what was started with nohup",
    async () => {
      const at = place();
      serving([run("echo $$ > pid; sleep 1"), "Done."], at);
      const child = Bun.spawn(["nohup", BINARY, "-i", "0", "--yes", "sleep"], {
        cwd: at.project,
        env: at.env,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      await until(() => textOf(join(at.project, "pid")) !== "");
      child.kill("SIGHUP");
      expect(await child.exited).toBe(0);
      expect(await child.stdout.text()).toBe("Done.\n");
    },
    30_000,
  );

  test.skipIf(process.platform !== "linux")(
    "that comes twice leaves neither processes nor a temporary folder, also without a sandbox",
    async () => {
      const at = place();
      const stubborn = "trap 'touch told' TERM; echo $$ > pid; while :; do sleep 0.1; done";
      serving([run(stubborn), "unreachable"], at);
      const child = start(at, ["-i", "0", "--yes", "--sandbox", "off", "sleep"]);
      await until(() => textOf(join(at.project, "pid")).endsWith("\n"));
      const pid = Number(textOf(join(at.project, "pid")));
      child.kill("SIGINT");
      await until(() => existsSync(join(at.project, "told")));
      child.kill("SIGINT");
      expect(await child.exited).toBe(130);
      await until(() => !isRunning(pid));
      expect(readdirSync(at.temp)).toEqual([]);
    },
    30_000,
  );

  test("with SIGKILL leaves a temporary folder to the next task, which removes it and no other", async () => {
    const at = place();
    serving([run("export KEY=value; echo $$ > pid; sleep 1000"), "unreachable"], at);
    const child = start(at, ["-i", "0", "--yes", "sleep"]);
    await until(() => textOf(join(at.project, "pid")) !== "");
    child.kill("SIGKILL");
    await child.exited;
    expect(readdirSync(at.temp)).toHaveLength(1);
    mkdirSync(join(at.temp, "openkoi-mine"));
    await servers.splice(0)[0]!.stop();
    serving(["Hello."], at);
    expect((await openkoi(at, ["-i", "0", "hello"])).code).toBe(0);
    expect(readdirSync(at.temp)).toEqual(["openkoi-mine"]);
  }, 30_000);
});

describe("standard output", () => {
  const failing: Turn = { status: 401, body: { error: { message: "Incorrect key" } } };

  test("has the outcome with --format json, also of a task that failed", async () => {
    const at = place();
    serving([failing], at);
    const { code, stdout } = await openkoi(at, ["-i", "0", "--format", "json", "hello"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: "failed", reason: expect.stringContaining("Incorrect key") });
  });

  test("has the outcome with --format json, also of a task that was cancelled", async () => {
    const at = place();
    serving([run("echo $$ > pid; sleep 1000"), "unreachable"], at);
    const child = start(at, ["-i", "0", "--yes", "--format", "json", "sleep"]);
    const result = ended(child);
    await until(() => textOf(join(at.project, "pid")) !== "");
    child.kill("SIGTERM");
    const { code, stdout } = await result;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ status: "cancelled" });
  }, 30_000);

  test("stays empty where no value came out that fits the schema", async () => {
    const at = place();
    serving(() => "The answer is four.", at);
    writeFileSync(join(at.project, "schema.json"), JSON.stringify({ type: "object", required: ["answer"] }));
    const { code, stdout, stderr } = await openkoi(at, ["-i", "0", "--schema", "schema.json", "how many?"]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("does not fit the schema");
  });

  test("that nobody reads to its end changes nothing about the exit code", async () => {
    const at = place();
    serving(["Hello.\n".repeat(20_000)], at);
    const line = `{ "${BINARY}" -i 0 "hello there"; echo $? > code; } | head -c 5`;
    const child = Bun.spawn(["sh", "-c", line], {
      cwd: at.project,
      env: at.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stdout.text()).toBe("Hello");
    expect(await child.stderr.text()).not.toContain("    at ");
    await child.exited;
    expect(textOf(join(at.project, "code"))).toBe("0\n");
  });

  test("that is read slowly does not keep the workspace from the next task", async () => {
    const at = place();
    const write = (path: string): Turn => ({ calls: [{ name: "write", arguments: { path, content: "x" } }] });
    serving([write("b.txt"), "Hello.\n".repeat(60_000), write("c.txt"), "Done."], at);
    const reader = `{ "${BINARY}" -i 0 --yes --format stream-json "write b"; echo $? > code; } | { until [ -e go ]; do sleep 0.02; done; cat > /dev/null; }`;
    const slow = Bun.spawn(["sh", "-c", reader], { cwd: at.project, env: at.env, stdin: "ignore", stderr: "ignore" });
    const history = join(at.home, ".openkoi/state/task-history.jsonl");
    await until(() => textOf(history) !== "");
    const next = await openkoi(at, ["-i", "0", "--yes", "--timeout", "20", "write c"]);
    expect({ code: next.code, stdout: next.stdout }).toEqual({ code: 0, stdout: "Done.\n" });
    expect(existsSync(join(at.project, "code"))).toBe(false);
    writeFileSync(join(at.project, "go"), "");
    await slow.exited;
    expect(textOf(join(at.project, "code"))).toBe("0\n");
  }, 60_000);
});

describe("a place that cannot be used", () => {
  test("for transcripts is one line and a remedy", async () => {
    const at = place();
    serving(["Hello."], at);
    mkdirSync(join(at.home, ".local/share/openkoi"), { recursive: true });
    writeFileSync(join(at.home, ".local/share/openkoi/sessions"), "a file");
    const { code, stderr } = await openkoi(at, ["-i", "0", "hello"]);
    expect(code).toBe(1);
    expect(stderr).not.toContain("bug");
    expect(stderr.trimEnd().split("\n").at(-1)).toContain("move it away");
  });

  test("as a workspace is a finding of doctor, which looks at all the rest", async () => {
    const at = place();
    serving(["Hello."], at);
    const { code, stdout } = await openkoi(at, ["doctor"], { cwd: at.home });
    expect(stdout).toContain(`${at.home} is refused as a workspace`);
    expect(stdout).toContain("nothing is broken");
    expect(code).toBe(0);
    expect(stdout).toContain(join(at.home, ".local/share/openkoi/logs/openkoi.log"));
    expect(readdirSync(at.temp)).toEqual([]);
  });
});

describe("the log", () => {
  const lines = (at: Place) =>
    textOf(join(at.home, ".local/share/openkoi/logs/openkoi.log"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));

  test("tells of retries and failures, without the keys", async () => {
    const at = place();
    const key = "very-secret-key-0123456789";
    const limit: Turn = {
      status: 429,
      headers: { "retry-after-ms": "5" },
      body: { error: { message: `Rate limit of ${key}` } },
    };
    serving([limit, { status: 401, body: { error: { message: `No ${key}` } } }], at, 'api_key_env = "LOCAL_KEY"\n');
    expect((await openkoi(at, ["-i", "0", "hello"], { env: { LOCAL_KEY: key } })).code).toBe(1);
    expect(lines(at)).toEqual([
      expect.objectContaining({ level: "info", message: "task_started" }),
      expect.objectContaining({ level: "warn", message: "warning", code: "assumed" }),
      expect.objectContaining({ level: "warn", message: "model_retry", reason: expect.stringContaining("Rate limit") }),
      expect.objectContaining({ level: "error", message: "task_finished", status: "failed" }),
    ]);
    expect(JSON.stringify(lines(at))).not.toContain(key);
  });

  test("holds what OPENKOI_LOG_LEVEL asks for, and is not there where that is nothing", async () => {
    const at = place();
    serving(() => "Hello.", at);
    const log = join(at.home, ".local/share/openkoi/logs");
    expect((await openkoi(at, ["-i", "0", "hello"], { env: { OPENKOI_LOG_LEVEL: "error" } })).code).toBe(0);
    expect(existsSync(log)).toBe(false);
    expect((await openkoi(at, ["-i", "0", "hello"], { env: { OPENKOI_LOG_LEVEL: "debug" } })).code).toBe(0);
    expect(lines(at).map(({ message }) => message)).toEqual([
      ...["task_started", "warning", "model_finished", "warning", "task_finished"],
    ]);
    rmSync(log, { recursive: true });
    expect((await openkoi(at, ["-i", "0", "hello"], { env: { OPENKOI_LOG_LEVEL: "trace" } })).code).toBe(0);
    expect(lines(at).map(({ message }) => message)).toContain("phase");
    expect(JSON.stringify(lines(at))).not.toContain("Hello.");
  });
});
