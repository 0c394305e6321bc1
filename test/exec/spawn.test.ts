import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Exec, SpawnRequest } from "../../src/contracts/exec.ts";
import { Guards } from "../../src/exec/guards.ts";
import { createExec, type ExecInput, lazyExec, type ReadyExec } from "../../src/exec/index.ts";

const never = new AbortController().signal;

/** The same behaviour is wanted with and without a sandbox. */
const modes = process.platform === "linux" ? (["off", "workspace"] as const) : (["off"] as const);

for (const mode of modes) {
  describe(`a command, sandbox ${mode}`, () => {
    let exec: Exec;
    let folder: string;
    beforeAll(async () => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-spawn-")));
      exec = await createExec({
        workspace: folder,
        addDirs: [],
        env: { ...process.env, OPENAI_API_KEY: "sk-secret", BUN_OPTIONS: "--x", FORCE_COLOR: "1" },
        mode,
        network: "loopback",
        privateTemp: mkdtempSync(join(folder, "temp-")),
        graceMs: 50,
      });
    });
    afterAll(async () => {
      await exec.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const run = (line: string, options: Partial<SpawnRequest> = {}, signal = never) =>
      exec.run({ argv: exec.shell(line), cwd: folder, timeoutMs: 20_000, ...options }, signal);

    test("returns its output and exit code", async () => {
      const result = await run("echo out; exit 7");
      expect(result).toMatchObject({
        output: "out\n",
        code: 7,
        signal: null,
        timedOut: false,
        leftovers: false,
        omitted: 0,
      });
    });

    test("is not kept waiting by npm for a network that it does not have", async () => {
      const line = 'echo "$npm_config_fetch_retries"';
      expect((await run(line)).output).toBe(mode === "off" ? "\n" : "0\n");
      expect((await run(line, { env: { npm_config_fetch_retries: "5" } })).output).toBe("5\n");
    });

    test("names the signal that ended it", async () => {
      expect(await run("kill -TERM $$")).toMatchObject({ code: null, signal: "SIGTERM", timedOut: false });
      expect(await run("kill -KILL $$")).toMatchObject({ code: null, signal: "SIGKILL" });
    });

    test("has both outputs in the order in which they were written", async () => {
      const { output } = await run("for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done");
      expect(output).toBe([1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join(""));
    });

    test("may open its own output by name", async () => {
      expect((await run("echo a > /dev/stderr; echo b > /dev/stdout")).output).toBe("a\nb\n");
    });

    test("reads nothing, or the text that it is given", async () => {
      expect((await run("cat; echo end")).output).toBe("end\n");
      expect((await run("cat", { stdin: "grüße\n" })).output).toBe("grüße\n");
      expect((await run("true", { stdin: "x".repeat(10_000_000) })).code).toBe(0);
    });

    test("gets its arguments unchanged, its own name first", async () => {
      const argv = ["sh", "-c", 'printf "%s|" "$0" "$@"', "a b", "", "ü'\"\\", "$HOME"];
      const { output } = await exec.run({ argv, cwd: folder, timeoutMs: 20_000 }, never);
      expect(output).toBe("a b||ü'\"\\|$HOME|");
      expect((await exec.run({ argv: ["sh", "-c", "echo $0"], cwd: folder, timeoutMs: 20_000 }, never)).output).toBe(
        "sh\n",
      );
    });

    test("runs in its folder", async () => {
      expect((await run("pwd")).output).toBe(`${folder}\n`);
    });

    test("has an environment without keys and without what changes programs, and what it is given", async () => {
      const { output } = await run("env", { env: { ADDED: "yes" } });
      expect(output).toContain("ADDED=yes");
      expect(output).not.toMatch(/sk-secret|BUN_OPTIONS|FORCE_COLOR/);
      expect(output).toContain("GIT_TERMINAL_PROMPT=0");
    });

    test("is stopped with all its children at its time limit", async () => {
      const { timedOut, output } = await run("echo begun; sleep 61234 & sleep 61234", { timeoutMs: 150 });
      expect({ timedOut, output }).toEqual({ timedOut: true, output: "begun\n" });
      expect(running("sleep 61234")).toBe(false);
    });

    test("is killed when it does not heed SIGTERM", async () => {
      const result = await run("trap '' TERM; echo begun; while :; do :; done", { timeoutMs: 150 });
      expect(result).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    });

    test("may end in its own way at SIGTERM", async () => {
      const result = await run("trap 'echo cleaned; exit 3' TERM; echo begun; sleep 61235 & wait", { timeoutMs: 150 });
      expect(result).toMatchObject({ timedOut: true, output: "begun\ncleaned\n", code: 3 });
    });

    test("does not wait for a child in the background that holds the pipe open", async () => {
      const result = await run("sleep 61236 & echo done");
      expect(result).toMatchObject({ output: "done\n", leftovers: true, code: 0 });
      expect(running("sleep 61236")).toBe(false);
    });

    test("is stopped when the task is aborted", async () => {
      const controller = new AbortController();
      const stopped = run(
        "echo begun; sleep 61237",
        { onOutput: () => controller.abort(new Error("enough")) },
        controller.signal,
      );
      await expect(stopped).rejects.toThrow("enough");
      expect(running("sleep 61237")).toBe(false);
      await expect(run("true", {}, controller.signal)).rejects.toThrow("enough");
    });

    test("keeps head and tail of too much output", async () => {
      const { output, omitted } = await run("seq 1 100000", { maxOutput: 100 });
      expect(output.startsWith("1\n2\n3\n")).toBe(true);
      expect(output.endsWith("99999\n100000\n")).toBe(true);
      expect(output).toContain(`[${omitted} bytes of output left out here]`);
      expect(omitted).toBe(588_895 - 100);
    });

    test("cannot exhaust memory with output without end", async () => {
      const { output, omitted, timedOut } = await run("yes", { timeoutMs: 200, maxOutput: 1000 });
      expect(timedOut).toBe(true);
      expect(output.length).toBeLessThan(1100);
      expect(omitted).toBeGreaterThan(1000);
    });

    test("hands out whole characters while it runs", async () => {
      const pieces: string[] = [];
      const { output } = await run(
        "printf '\\303'; sleep 0.05; printf '\\274\\360\\237'; sleep 0.05; printf '\\220\\237'",
        {
          onOutput: (piece) => pieces.push(piece),
        },
      );
      expect(output).toBe("ü🐟");
      expect(pieces.join("")).toBe("ü🐟");
    });

    test("that cannot be started says why", async () => {
      const start = (argv: string[], cwd = folder) => exec.run({ argv, cwd, timeoutMs: 20_000 }, never);
      await expect(start(["no-such-program"])).rejects.toThrow("cannot start no-such-program: no such program in PATH");
      await expect(start(["true"], join(folder, "missing"))).rejects.toThrow("does not exist");
      writeFileSync(join(folder, "plain"), "no program", { mode: 0o755 });
      await expect(start(["./plain"])).rejects.toThrow("cannot start ./plain");
      writeFileSync(join(folder, "unexecutable"), "no program");
      await expect(start(["./unexecutable"])).rejects.toThrow("cannot start ./unexecutable");
    });

    test("in the background is read piece by piece and killed with its children", async () => {
      const { promise: spoke, resolve } = Promise.withResolvers<void>();
      const job = await exec.start({
        argv: exec.shell("echo one; sleep 61238 & sleep 61238"),
        cwd: folder,
        onOutput: () => resolve(),
      });
      await spoke;
      expect(job.read()).toEqual({ output: "one\n", omitted: 0 });
      expect(job.read()).toEqual({ output: "", omitted: 0 });
      expect(job.ended).toBeUndefined();
      await job.kill();
      expect(job.ended).toMatchObject({ signal: "SIGTERM" });
      expect(running("sleep 61238")).toBe(false);
    });

    test("leaves no descriptors behind", async () => {
      await run("true");
      const before = descriptors();
      for (let i = 0; i < 50; i++) await run("echo x");
      // The runtime opens one or two of its own now and then.
      expect(descriptors()).toBeLessThan(before + 10);
    });

    test("in great number and at once gets its own output", async () => {
      const all = await Promise.all(Array.from({ length: 30 }, (_, i) => run(`echo ${i}; echo ${i} >&2`)));
      expect(all.map(({ output }) => output)).toEqual(all.map((_, i) => `${i}\n${i}\n`));
    });
  });
}

test("close kills what runs in the background", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-spawn-")));
  const exec = await createExec({
    workspace: folder,
    addDirs: [],
    env: { ...process.env },
    mode: "off",
    network: "all",
    privateTemp: folder,
  });
  const job = await exec.start({ argv: ["sleep", "61239"], cwd: folder });
  await exec.close();
  expect(job.ended).toBeDefined();
  expect(running("sleep 61239")).toBe(false);
  rmSync(folder, { recursive: true });
});

test.skipIf(process.platform !== "linux")(
  "no value of a credential stays in the environment block of the process",
  () => {
    const project = join(import.meta.dir, "../..");
    const script = `
    const { readEnv } = await import("${project}/src/base/env.ts");
    const { hideEnviron } = await import("${project}/src/exec/environ.ts");
    const env = readEnv();
    await hideEnviron(env);
    const block = (await Bun.file("/proc/self/environ").text()).split("\\0").filter(Boolean);
    console.log(JSON.stringify({ block, proxy: env.HTTPS_PROXY }));`;
    const env = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HTTPS_PROXY: "http://user:pass@proxy:3128",
      DATABASE_URL: "postgres://user:pass@host/db",
      LANG: "C.UTF-8",
    };
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script], { env });
    expect(stderr.toString()).toBe("");
    const { block, proxy } = JSON.parse(stdout.toString()) as { block: string[]; proxy: string };
    expect(proxy).toBe(env.HTTPS_PROXY);
    expect(block).toContain("LANG=C.UTF-8");
    expect(block.map((line) => line.split("=")[0])).toContain("DATABASE_URL");
    expect(block.join("\n")).not.toContain("pass");
  },
);

test("a background command whose end cannot be looked after says so and does not end the agent", async () => {
  const folder = realpathSync(tmpdir());
  const exec = await createExec({ ...plain(folder), mode: "off" });
  const leave = spyOn(Guards.prototype, "leave").mockImplementation(() => {
    throw new Error("the disk is full");
  });
  const job = await exec.start({ argv: ["true"], cwd: folder });
  await exec.close();
  leave.mockRestore();
  expect(job.read().output).toContain("could not be looked after: the disk is full");
});

test("a time limit longer than a timer can count does not end the command at once", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-long-")));
  const exec = await createExec({ ...plain(folder), mode: "off" });
  const request = { argv: exec.shell("sleep 0.1; echo done"), cwd: folder, timeoutMs: 30 * 24 * 3_600_000 };
  expect(await exec.run(request, never)).toMatchObject({ output: "done\n", timedOut: false });
  await exec.close();
  rmSync(folder, { recursive: true });
});

describe("where nothing holds commands", () => {
  const folder = realpathSync(tmpdir());
  const closed: string[] = [];
  const unheld = async (): Promise<ReadyExec> => {
    const exec = await createExec({ ...plain(folder), mode: "off" });
    const posture = { mode: "workspace" as const, layers: [], gaps: [] };
    const close = async () => void closed.push("closed");
    return { run: exec.run.bind(exec), start: exec.start.bind(exec), shell: exec.shell.bind(exec), close, posture };
  };
  const request = { argv: ["true"], cwd: folder, timeoutMs: 20_000 };

  test("an unattended task gets none, is told to end, and what was made is closed", async () => {
    const exec = lazyExec(plain(folder), true, () => {}, unheld);
    expect(exec.refused.aborted).toBe(false);
    await expect(exec.run(request, never)).rejects.toThrow("none is run unattended");
    expect(exec.refused.reason).toBeInstanceOf(UserError);
    await expect(exec.start(request)).rejects.toThrow("none is run unattended");
    await exec.close();
    expect(closed).toEqual(["closed"]);
  });

  test("a person who is there may allow them", async () => {
    const exec = lazyExec(plain(folder), false, () => {}, unheld);
    expect((await exec.run(request, never)).code).toBe(0);
    expect(exec.refused.aborted).toBe(false);
  });
});

test("the home folder and what holds it are refused as a workspace", async () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-home-")));
  const start = (workspace: string) =>
    createExec({
      workspace,
      addDirs: [],
      env: { ...process.env, HOME: home },
      mode: "workspace",
      network: "loopback",
      privateTemp: home,
    });
  await expect(start(home)).rejects.toThrow("home folder");
  await expect(start(realpathSync(tmpdir()))).rejects.toThrow("home folder");
  await expect(start("/")).rejects.toThrow("home folder");
  expect(statSync(home).isDirectory()).toBe(true);
  rmSync(home, { recursive: true });
});

function plain(folder: string): ExecInput {
  return {
    workspace: folder,
    addDirs: [],
    env: { ...process.env },
    mode: "workspace",
    network: "all",
    privateTemp: folder,
  };
}

/** True while a process with exactly this command line exists. */
function running(command: string): boolean {
  return Bun.spawnSync(["pgrep", "-fx", command]).success;
}

function descriptors(): number {
  return process.platform === "linux"
    ? Bun.spawnSync(["ls", `/proc/${process.pid}/fd`])
        .stdout.toString()
        .split("\n").length
    : 0;
}
