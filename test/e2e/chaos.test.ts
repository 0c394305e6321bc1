import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { FakeRequest, ScriptedCall, Turn } from "../fakes/script.ts";
import { snapshot } from "../workspace/tree.ts";
import { BINARY, makePlace, openkoi, type Place, start, useServer } from "./openkoi.ts";

/** How many times a task is killed. `CHAOS=100` for more. */
const KILLS = Number(process.env["CHAOS"] ?? 20);
const SEED = Number(process.env["CHAOS_SEED"] ?? Date.now() % 1_000_000);

/** Mulberry32: the same moments for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One thing that the scripted agent does, and how it makes sure of it where it may have half-happened. */
interface Step {
  id: string;
  call: Omit<ScriptedCall, "id">;
  again: Omit<ScriptedCall, "id">;
}

const bash = (command: string) => ({ name: "bash", arguments: { command } });

/** Each tick is a line in a file: a call that is made twice shows. */
function tick(round: number, number: number): Step {
  const line = `tick ${round}.${number}`;
  return {
    id: `tick${round}${number}`,
    call: bash(`echo '${line}' >> log.txt`),
    again: bash(`grep -qx '${line}' log.txt || echo '${line}' >> log.txt`),
  };
}

function turns(round: number): Step[][] {
  const [from, to] = round === 1 ? ["41", "43"] : ["43", "42"];
  const look = { name: "read", arguments: { path: "answer.ts" } };
  const files = bash(
    round === 1
      ? "mkdir -p made/deep && echo new > made/deep/file.txt && rm -f old.txt && chmod 755 mode.sh && ln -sfn mode.sh link"
      : "echo more > made/deep/file.txt && rm -rf gone && chmod 600 mode.sh",
  );
  return [
    [{ id: `look${round}`, call: look, again: look }, tick(round, 1)],
    [
      {
        id: `edit${round}`,
        call: { name: "edit", arguments: { path: "answer.ts", old: from, new: to } },
        again: bash(`echo 'export const answer = ${to};' > answer.ts`),
      },
      tick(round, 2),
      { id: `files${round}`, call: files, again: files },
    ],
    [tick(round, 3)],
  ];
}

/** Answers by what is asked alone, so that it does not matter which process asks, or how often. */
function agent({ body }: FakeRequest): Turn {
  const text = JSON.stringify(body.messages);
  const system: string = body.messages[0].content;
  if (system.startsWith("You plan")) {
    return JSON.stringify({ kind: "change", category: "code", steps: ["Look.", "Change it."], checks: ["make test"] });
  }
  if (system.startsWith("You judge")) {
    const value = text.includes("answer = 42") ? 0.95 : 0.4;
    return JSON.stringify({
      scores: { correctness: value, safety: value, style: value, completeness: value },
      findings: [],
    });
  }
  const round = text.includes("The result was measured") ? 2 : 1;
  const results: { tool_call_id: string; content: string }[] = body.messages.filter(
    (message: { role: string }) => message.role === "tool",
  );
  for (const steps of turns(round)) {
    const calls = steps.flatMap(({ id, call, again }) => {
      const own = results.filter((result) => result.tool_call_id.split("_")[0] === id);
      if (own.some(({ content }) => !content.includes("Check before you repeat it"))) return [];
      return [{ ...(own.length === 0 ? call : again), id: `${id}_${own.length}` }];
    });
    if (calls.length > 0) return { calls, delayMs: 4, pieceBytes: 400 };
  }
  return `The answer is ${round === 1 ? 43 : 42} now.`;
}

const server = startOpenAiFake(agent);
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});
afterAll(() => server.stop());

function place(): Place {
  const made = makePlace({
    Makefile: "test:\n\t@grep -q 'answer = 42' answer.ts && echo ok\n",
    "answer.ts": "export const answer = 41;\n",
    "old.txt": "old\n",
    "mode.sh": "#!/bin/sh\n",
    "gone/with/it.txt": "it\n",
  });
  mkdirSync(join(made.project, "empty"));
  symlinkSync("old.txt", join(made.project, "link"));
  useServer(made, server.baseUrl);
  places.push(made);
  return made;
}

const TASK = ["--yes", "Set the answer to 42."];

/** Starts a command and kills it after `ms`; undefined where it ended before. */
async function killAfter(at: Place, args: readonly string[], ms: number): Promise<number | undefined> {
  const child = start(at, args);
  const ended = await Promise.race([child.exited, Bun.sleep(ms)]);
  child.kill("SIGKILL");
  await child.exited;
  return ended ?? undefined;
}

/** The files, once the command that was running has died with its agent: the system takes a moment for it. */
async function atRest(at: Place): Promise<Record<string, string>> {
  for (let last = seen(at); ; ) {
    await Bun.sleep(10);
    const now = seen(at);
    if (now && !isBusy(at) && Bun.deepEquals(now, last)) return now;
    last = now;
  }
}

/** Undefined where something went while it was looked at. */
function seen(at: Place): Record<string, string> | undefined {
  try {
    return snapshot(at.project);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** True while a process is at work in the project: on a loaded machine one that was killed may take its time to die. */
function isBusy(at: Place): boolean {
  const processes = existsSync("/proc") ? readdirSync("/proc") : [];
  return processes.some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`).startsWith(at.project);
    } catch {
      return false;
    }
  });
}

// biome-ignore lint/suspicious/noExplicitAny: events of every type are looked into
function transcript(at: Place): any[] {
  const folder = join(at.home, ".local/share/openkoi/sessions");
  const [name] = existsSync(folder) ? readdirSync(folder) : [];
  if (!name) return [];
  const lines = readFileSync(join(folder, name), "utf8").split("\n");
  // Only what was being written at the moment of death may be torn.
  const torn = lines.pop()!;
  if (torn !== "") expect(() => JSON.parse(torn)).toThrow();
  return lines.map((line) => JSON.parse(line));
}

function expectSound(at: Place): void {
  const events = transcript(at);
  const numbers = events.map((event) => event.seq);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const finished = new Set<string>();
  for (const event of events) {
    if (event.type === "tool_started") expect(finished.has(event.call.id)).toBe(false);
    if (event.type === "tool_finished") finished.add(event.id);
  }
}

/** What an undisturbed run leaves, and how long it takes, ms. */
async function undisturbed() {
  const here = place();
  const initial = snapshot(here.project);
  const began = performance.now();
  const result = await openkoi(here, TASK);
  expect(result).toMatchObject({ code: 0, stdout: "The answer is 42 now.\n" });
  expectSound(here);
  return { initial, final: snapshot(here.project), ms: performance.now() - began };
}

describe(`kill -9 at ${KILLS} random moments (CHAOS_SEED=${SEED})`, () => {
  const limit = 60_000 + KILLS * 15_000;

  test(
    "then resume: the workspace is that of an undisturbed run, nothing was done twice, and undo takes all of it back",
    async () => {
      const random = randomOf(SEED);
      const { initial, final, ms } = await undisturbed();
      for (let kills = 0; kills < KILLS / 2; ) {
        const here = place();
        let ended = await killAfter(here, TASK, random() * ms);
        kills++;
        // Some are killed again while they go on.
        while (ended === undefined && random() < 0.4 && transcript(here).length > 0) {
          ended = await killAfter(here, ["resume"], random() * ms);
          kills++;
        }
        const context = { seed: SEED, kills, events: transcript(here).length };
        if (transcript(here).length > 0) {
          const { code, stderr } = await openkoi(here, ["resume"]);
          // It may have come to its end just before it was killed.
          const done = stderr.includes("nothing to resume");
          expect({ ...context, code, stderr: done ? "" : stderr }).toMatchObject({ ...context, code: done ? 2 : 0 });
          expect({ ...context, files: snapshot(here.project) }).toEqual({ ...context, files: final });
          expectSound(here);
          expect(transcript(here).at(-1)).toMatchObject({ outcome: { status: "accepted", iterations: 2, best: 2 } });
          expect((await openkoi(here, ["undo"])).code).toBe(0);
        }
        expect({ ...context, files: snapshot(here.project) }).toEqual({ ...context, files: initial });
        here.remove();
      }
    },
    limit,
  );

  test(
    "then undo: the initial bytes, every one, also where undo itself is killed",
    async () => {
      const random = randomOf(SEED + 1);
      const { initial, ms } = await undisturbed();
      for (let kills = 0; kills < KILLS / 2; kills++) {
        const here = place();
        await killAfter(here, TASK, random() * ms);
        const killed = await atRest(here);
        let undone = false;
        if (random() < 0.5) {
          await killAfter(here, ["undo"], random() * 40);
          kills++;
          undone = (await openkoi(here, ["undo", "--list"])).stdout.includes("undone");
        }
        if (!undone) {
          const { code, stderr } = await openkoi(here, ["undo"]);
          expect({ code, stderr }).toMatchObject({ code: stderr.includes("no task changed anything") ? 2 : 0 });
        }
        const context = { seed: SEED, kills };
        expect({ ...context, files: snapshot(here.project) }).toEqual({ ...context, files: initial });
        expectSound(here);
        if ((await openkoi(here, ["undo", "--list"])).stdout.includes("undone")) {
          expect((await openkoi(here, ["undo"])).code).toBe(0);
          expect({ ...context, files: snapshot(here.project) }).toEqual({ ...context, files: killed });
        }
        here.remove();
      }
    },
    limit,
  );
});

/** Runs shell lines as root of a namespace of its own, in which it may mount. */
async function mounting(at: Place, lines: readonly string[]) {
  const child = Bun.spawn(["unshare", "-Urm", "sh", "-c", lines.join("\n")], {
    cwd: at.project,
    env: { ...at.env, OPENKOI_DATA: join(at.home, "data"), KOI: BINARY },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

const canMount = Bun.spawnSync(["sh", "-c", "unshare -Urm true"]).exitCode === 0;

describe.skipIf(!canMount)("a data folder that cannot be written", () => {
  const oneCommand = (command: string, at: Place) => {
    const own = startOpenAiFake((request) =>
      request.body.messages.some((message: { role: string }) => message.role === "tool")
        ? "Done."
        : { calls: [{ ...bash(command), id: "one" }] },
    );
    useServer(at, own.baseUrl);
    return own;
  };

  test("because the disk is full at the first checkpoint: one clear line, nothing is changed", async () => {
    const here = place();
    await Bun.write(join(here.project, "big.bin"), crypto.getRandomValues(new Uint8Array(60_000)).toString());
    mkdirSync(join(here.home, "data"));
    const own = oneCommand("echo x > answer.ts", here);
    const initial = snapshot(here.project);
    const { code, stderr } = await mounting(here, [
      'mount -t tmpfs -o size=96k tmpfs "$OPENKOI_DATA"',
      '"$KOI" -i 0 --yes "change it"',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("the disk is full");
    expect(stderr).not.toContain("    at ");
    expect(snapshot(here.project)).toEqual(initial);
    await own.stop();
  });

  test("because the disk fills up in the middle: it says so, and undo works once there is room", async () => {
    const here = place();
    mkdirSync(join(here.home, "data"));
    const own = oneCommand("echo x > answer.ts; rm old.txt; head -c 3000000 /dev/urandom > big.bin", here);
    const initial = snapshot(here.project);
    const { code, stderr, stdout } = await mounting(here, [
      'mount -t tmpfs -o size=2m tmpfs "$OPENKOI_DATA"',
      '"$KOI" -i 0 --yes "change it"',
      'echo "code $?" >&2',
      '"$KOI" undo',
      'echo "code $?" >&2',
      'mount -o remount,size=40m "$OPENKOI_DATA"',
      '"$KOI" undo',
    ]);
    expect({ code, stderr, stdout }).toMatchObject({ code: 0 });
    expect(stderr.match(/code \d/g)).toEqual(["code 1", "code 1"]);
    expect(stderr).toContain("the disk is full");
    expect(stderr).not.toContain("    at ");
    expect(snapshot(here.project)).toEqual(initial);
    await own.stop();
  });

  test("because it is read-only: one clear line, nothing is changed", async () => {
    const here = place();
    mkdirSync(join(here.home, "data"));
    const own = oneCommand("echo x > answer.ts", here);
    const initial = snapshot(here.project);
    const { code, stderr } = await mounting(here, [
      'mount -t tmpfs -o ro tmpfs "$OPENKOI_DATA"',
      '"$KOI" -i 0 --yes "change it"',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(join(here.home, "data"));
    expect(stderr).not.toContain("    at ");
    expect(snapshot(here.project)).toEqual(initial);
    await own.stop();
  });
});
