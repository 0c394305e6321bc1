import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAnthropicFake } from "../fakes/anthropic-server.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, Script, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, start, useServer } from "./openkoi.ts";

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
const QUESTION = JSON.stringify({ kind: "question" });

describe("wrong usage", () => {
  test("an empty task is one line and exit 2", async () => {
    const { code, stderr } = await openkoi(place(), ["  "]);
    expect(code).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(2);
  });

  test("an unknown flag is named, with the one that was meant", async () => {
    const { code, stderr } = await openkoi(place(), ["--iterat", "3", "x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--iterate");
  });

  test("a mistyped command is not run as a task", async () => {
    const { code, stderr } = await openkoi(place(), ["statsu"]);
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean status");
  });

  test("without a terminal and without arguments it prints the help", async () => {
    const { code, stdout, stderr } = await openkoi(place(), []);
    expect(code).toBe(0);
    expect(stdout).toContain("openkoi");
    expect(stderr).toBe("");
  });

  test("a task that is piped into the bare program is not lost without a word", async () => {
    const { code, stdout, stderr } = await openkoi(place(), [], { stdin: "fix it" });
    expect(code).toBe(0);
    expect(stdout).toContain("Commands");
    expect(stderr.trim().split("\n")).toEqual([expect.stringContaining("openkoi --stdin")]);
  });

  for (const args of [["--yes"], ["--yes", "--format", "json"], ["-i", "0", "-C", "."], ["-m", "?"], ["--"]]) {
    test(`${args.join(" ")} without a task is a mistake and not a call for help`, async () => {
      const { code, stdout, stderr } = await openkoi(place(), args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toBe('openkoi: no task was given\n  Say what to do: openkoi "make the failing test pass"\n');
    });
  }

  test("flags with a piped task are told of --stdin", async () => {
    const { code, stdout, stderr } = await openkoi(place(), ["--yes"], { stdin: "fix it" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("--stdin");
  });

  test("no provider: what to do, the demo is named, exit 1", async () => {
    const { code, stderr } = await openkoi(place(), ["do something"]);
    expect(code).toBe(1);
    expect(stderr).toContain("ANTHROPIC_API_KEY");
    expect(stderr).toContain("openkoi demo");
  });

  test("malformed TOML: file, line and column in one line, exit 1", async () => {
    const here = place();
    mkdirSync(join(here.home, ".openkoi"));
    writeFileSync(join(here.home, ".openkoi/config.toml"), "[models]\nexecutor = \n");
    const { code, stderr } = await openkoi(here, ["do something"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/TOML parse error .*config\.toml.*line 2.*column/);
  });
});

describe("trouble with the provider", () => {
  test("doctor, which an unreachable server is sent to, says so too", async () => {
    const here = place();
    useServer(here, "http://127.0.0.1:1/v1");
    const { code, stdout } = await openkoi(here, ["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toContain("! local: not reachable at http://127.0.0.1:1/v1");
    expect(stdout).toContain("local/test-model: its server does not answer");
    serving([], here);
    const there = await openkoi(here, ["doctor"]);
    expect(there.stdout).toContain("✓ local: no key needed");
    expect(there.stdout).not.toContain("does not answer");
  });

  test("an unreachable server is said plainly, exit 1", async () => {
    const here = place();
    useServer(here, "http://127.0.0.1:9/v1");
    const { code, stderr } = await openkoi(here, ["-i", "0", "hello there"], {
      env: { OPENKOI_ITERATION_TIMEOUT_SECONDS: "20" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("127.0.0.1");
    expect(stderr).not.toContain("    at ");
  }, 60_000);

  test("404 of a configured server names the key of its address, and not the model that was asked for", async () => {
    const here = place();
    serving([{ status: 404, body: { error: { message: "no such page" } } }], here, 'models = ["test-model"]\n');
    const { code, stderr } = await openkoi(here, ["-i", "0", "hello there"]);
    expect(code).toBe(1);
    expect(stderr).toContain("(check the model's name and the provider's base_url)");
  });

  test("a provider that asks for a day is not waited for, and nobody is told to wait a little", async () => {
    const here = place();
    const busy = { status: 429, headers: { "retry-after": "86400" }, body: { error: { message: "slow down" } } };
    serving([busy], here);
    const { code, stderr } = await openkoi(here, ["-i", "0", "hello there"]);
    expect(code).toBe(1);
    expect(stderr).toContain("local asks to be left alone for 24 h 00 m; until then name another model with -m.");
    expect(stderr).not.toContain("Wait a little");
  });

  test("401 is final, and says where the key came from is shown", async () => {
    const here = place();
    const server = serving([{ status: 401, body: { error: { message: "Incorrect API key provided: sk-abc" } } }], here);
    const { code, stderr } = await openkoi(here, ["-i", "0", "hello there"]);
    expect(code).toBe(1);
    expect(stderr).toContain("doctor");
    // This server was set up without a key: there is none to check.
    expect(stderr).toContain("no key is set for local");
    expect(server.requests).toHaveLength(1);
  });

  test("429 and 529 are waited out", async () => {
    const here = place();
    const limit = { status: 429, headers: { "retry-after-ms": "20" }, body: { error: { message: "Rate limit" } } };
    const server = serving([limit, { ...limit, status: 529 }, "Hello."], here);
    const result = await openkoi(here, ["-i", "0", "hello there"]);
    expect(result).toMatchObject({ code: 0, stdout: "Hello.\n" });
    expect(server.requests).toHaveLength(3);
  });

  test("a 200 whose stream carries an error is an error, and is tried again", async () => {
    const here = place();
    const bad: Turn = { text: "Hel", streamError: { message: "The server had an error", type: "server_error" } };
    serving([bad, "Hello."], here);
    const result = await openkoi(here, ["-i", "0", "hello there"]);
    expect(result).toMatchObject({ code: 0, stdout: "Hello.\n" });
  });

  test("a stream cut in the middle of a tool call runs no half call and is tried again", async () => {
    const here = place();
    const call = { name: "write", arguments: { path: "b.txt", content: "x".repeat(400) } };
    serving([{ calls: [call], cut: "call" }, { calls: [call] }, "Done."], here);
    const result = await openkoi(here, ["-i", "0", "--yes", "write b"]);
    expect(result).toMatchObject({ code: 0, stdout: "Done.\n" });
    expect(readFileSync(join(here.project, "b.txt"), "utf8")).toBe("x".repeat(400));
  });

  test("an answer that is empty again and again is a failure, not a result", async () => {
    const here = place();
    serving(() => "", here);
    const { code, stderr } = await openkoi(here, ["-i", "0", "hello there"]);
    expect(code).toBe(1);
    expect(stderr).toContain("empty");
  });

  test("the same trouble on the Anthropic wire", async () => {
    const here = place();
    const server = startAnthropicFake([
      {
        status: 529,
        headers: { "retry-after-ms": "10" },
        body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      },
      { text: "Hel", cut: 0.6 },
      "Hello.",
    ]);
    servers.push(server);
    const env = { ANTHROPIC_API_KEY: "sk-ant-test-000000000000", ANTHROPIC_BASE_URL: server.baseUrl };
    const result = await openkoi(here, ["-i", "0", "hello there"], { env });
    expect(result).toMatchObject({ code: 0, stdout: "Hello.\n" });
  });
});

describe("a model that makes mistakes", () => {
  test("broken arguments, missing fields and tools that do not exist come back as results it can act on", async () => {
    const here = place();
    const server = serving(
      [
        { calls: [{ name: "read", arguments: '{"path": ' }] },
        { calls: [{ name: "read", arguments: {} }] },
        { calls: [{ name: "raed", arguments: { path: "a.txt" } }] },
        { calls: [{ name: "read", arguments: { path: "a.txt" } }] },
        "It says one.",
      ],
      here,
    );
    expect((await openkoi(here, ["-i", "0", "read it"])).code).toBe(0);
    const results = server.requests
      .at(-1)!
      .body.messages.filter((message: { role: string }) => message.role === "tool");
    expect(results).toHaveLength(4);
    expect(results[0].content).toContain("JSON");
    expect(results[1].content).toContain("path");
    expect(results[2].content).toContain("read");
    expect(results[3].content).toContain("one");
  });

  test("a file outside the workspace is refused, also through a link", async () => {
    const here = place();
    const server = serving(
      [
        { calls: [{ name: "read", arguments: { path: "/etc/passwd" } }] },
        run(`ln -s ${here.home} out`),
        { calls: [{ name: "write", arguments: { path: "out/evil.txt", content: "x" } }] },
        "Refused.",
      ],
      here,
    );
    expect((await openkoi(here, ["-i", "0", "--yes", "try it"])).code).toBe(0);
    expect(JSON.stringify(server.requests.at(-1)!.body.messages)).not.toContain("root:");
    expect(existsSync(join(here.home, "evil.txt"))).toBe(false);
  });

  test("binary files, invalid UTF-8 and a file of 200 MB do not break it", async () => {
    const here = place();
    writeFileSync(join(here.project, "b.bin"), new Uint8Array([0, 1, 2, 255, 0]));
    writeFileSync(join(here.project, "l.txt"), new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a]));
    writeFileSync(join(here.project, "big.txt"), Buffer.alloc(200_000_000, "0123456789abcde\n"));
    const reads = ["b.bin", "l.txt", "big.txt"].map((path) => ({ name: "read", arguments: { path } }));
    const server = serving([{ calls: reads }, "Read."], here);
    expect((await openkoi(here, ["-i", "0", "read them"])).code).toBe(0);
    const results = server.requests
      .at(-1)!
      .body.messages.filter((message: { role: string }) => message.role === "tool");
    expect(results).toHaveLength(3);
    expect(results[1].content).toContain("caf");
    expect(results[2].content.length).toBeLessThan(60_000);
  }, 60_000);
});

describe("trouble with the machine", () => {
  test("tests that hang are ended by their time limit and count as not proven", async () => {
    const here = place({ Makefile: "test:\n\t@sleep 1000\n", "a.txt": "one\n" });
    const change: Turn = { calls: [{ name: "write", arguments: { path: "b.txt", content: "b\n" } }] };
    const plan = JSON.stringify({ kind: "change", category: "code", steps: [], checks: [] });
    const scores = { correctness: 1, safety: 1, style: 1, completeness: 1 };
    serving([plan, change, "Done.", JSON.stringify({ scores, findings: [] })], here);
    const { code } = await openkoi(here, ["--yes", "-i", "1", "--timeout", "3", "write b"]);
    expect(code).toBe(4);
  }, 60_000);

  test("a read-only workspace is a refusal for the model and not a crash", async () => {
    const here = place();
    chmodSync(here.project, 0o500);
    const server = serving(
      [{ calls: [{ name: "write", arguments: { path: "b.txt", content: "b" } }] }, "Could not write."],
      here,
    );
    const { code, stderr } = await openkoi(here, ["-i", "0", "--yes", "write b"]);
    chmodSync(here.project, 0o700);
    expect(code).toBe(0);
    expect(stderr).not.toContain("    at ");
    expect(server.requests).toHaveLength(2);
  });

  test("an open pipe that never speaks on standard input is waited for 3 s, then it goes on and says so", async () => {
    const here = place();
    serving(["Hello."], here);
    const child = start(here, ["-i", "0", "hello there"], { stdin: "open" });
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello.\n" });
    expect(stderr).toContain("said nothing");
  }, 30_000);

  test("piped text becomes context of the task", async () => {
    const here = place();
    const server = serving(["Summed."], here);
    expect((await openkoi(here, ["-i", "0", "sum it up"], { stdin: "a long text" })).code).toBe(0);
    expect(JSON.stringify(server.requests[0]!.body.messages)).toContain("a long text");
  });

  test("piped text that is too long is kept where the file tools read it, and the user hears of it", async () => {
    const here = place();
    let path = "";
    const server = serving(({ body }, index) => {
      path ||= /whole text: (\S+)/.exec(JSON.stringify(body.messages))?.[1] ?? "";
      return index > 0 ? "Seen." : { calls: [{ name: "read", arguments: { path, offset: 39_999, limit: 1 } }] };
    }, here);
    const stdin = Array.from({ length: 80_000 }, (_, at) => `${at + 1}\n`).join("");
    const { code, stderr } = await openkoi(here, ["-i", "0", "why?"], { stdin });
    expect(code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(stdin);
    expect(JSON.stringify(server.requests[1]!.body.messages)).toContain("39999");
    expect(stderr.match(/characters that were piped in/g)).toHaveLength(1);
  });

  for (const name of ["SIGINT", "SIGTERM"] as const) {
    test(`${name}: exit 130, children dead, transcript complete, state cancelled`, async () => {
      const here = place();
      const nap = `sleep 1000.${process.pid}${name.length}`;
      serving([run(`echo $$ > pid; ${nap}`), "unreachable"], here);
      const child = start(here, ["-i", "0", "--yes", "sleep"]);
      const pidFile = join(here.project, "pid");
      while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await Bun.sleep(10);
      child.kill(name);
      expect(await child.exited).toBe(130);
      const alive = Bun.spawnSync(["pgrep", "-f", nap], { stdout: "pipe" }).stdout.toString();
      expect(alive).toBe("");
      const sessions = join(here.home, ".local/share/openkoi/sessions");
      const lines = readFileSync(join(sessions, readdirSync(sessions)[0]!), "utf8")
        .trimEnd()
        .split("\n");
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ type: "task_finished", outcome: { status: "cancelled" } });
      const state = JSON.parse(readFileSync(join(here.home, ".openkoi/state/current-task.json"), "utf8"));
      expect(state.status).toBe("cancelled");
    }, 30_000);
  }

  test("two tasks at once in one home both end well and both are in the history", async () => {
    const [one, two] = [place(), place()];
    serving(() => "Hello.", one);
    const results = await Promise.all([
      openkoi(one, ["-i", "0", "first task"]),
      openkoi({ ...one, project: two.project }, ["-i", "0", "second task"]),
    ]);
    expect(results.map((result) => result.code)).toEqual([0, 0]);
    const history = readFileSync(join(one.home, ".openkoi/state/task-history.jsonl"), "utf8").trim().split("\n");
    expect(history.map((line) => JSON.parse(line).description).sort()).toEqual(["first task", "second task"]);
  });

  // A disk of its own needs a mount.
  const mounts = Bun.spawnSync(["sh", "-c", "command -v unshare && unshare -Urm true"]).exitCode === 0;
  test.skipIf(!mounts)("a full disk ends the task with one clear line before anything is changed", async () => {
    const here = place();
    const server = serving([{ calls: [{ name: "write", arguments: { path: "b.txt", content: "b" } }] }, "Done."], here);
    const binary = join(import.meta.dir, "../../dist/openkoi");
    mkdirSync(join(here.home, "full"));
    const script = `mount -t tmpfs -o size=64k tmpfs "$HOME/full" && head -c 100000 /dev/zero > "$HOME/full/fill" 2>/dev/null; OPENKOI_DATA="$HOME/full" "${binary}" -i 0 --yes "write b"`;
    const child = Bun.spawn(["unshare", "-Urm", "sh", "-c", script], {
      cwd: here.project,
      env: here.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no space|full/i);
    expect(stderr).not.toContain("    at ");
    expect(existsSync(join(here.project, "b.txt"))).toBe(false);
    expect(server.requests.length).toBeLessThanOrEqual(1);
  });
});

describe("the plan", () => {
  test("whose check is `true` is told so, and the check is not run", async () => {
    const here = place();
    serving([JSON.stringify({ kind: "change", checks: ["true"] }), "Nothing to do.", "prose", "prose"], here);
    const { code, stderr } = await openkoi(here, ["--yes", "do nothing much"]);
    expect(code).toBe(3);
    expect(stderr).toContain("`true`");
  });

  test("that is no plan at all does not end the task", async () => {
    const here = place();
    serving([QUESTION.slice(0, 5), "Done.", "prose", "prose"], here);
    const { code, stderr } = await openkoi(here, ["--yes", "do nothing much"]);
    expect(code).toBe(3);
    expect(stderr).toContain("plan");
  });
});
