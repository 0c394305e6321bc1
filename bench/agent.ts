import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { chatFault, startOpenAiFake } from "../test/fakes/openai-server.ts";
import type { FakeRequest, ScriptedTurn, Turn } from "../test/fakes/script.ts";
import { createMeter, type Meter } from "./peak.ts";
import { median, type Row } from "./table.ts";

const BINARY = resolve(import.meta.dir, "../dist/openkoi");
const SHELL_AND_READ_TURNS = 25;
const READS = 50;
const SKILLS = 20;

interface Setup {
  flags: string[];
  files: Record<string, string>;
  /** Files of the config home. */
  home?: Record<string, string>;
  /** The turn that answers the n-th request of one run. */
  turn: (index: number, request: FakeRequest) => Turn;
  /** Throws where a run did not do what it is timed for. */
  verify?: (folder: string, requests: readonly FakeRequest[]) => void;
}

interface Sample {
  ms: number;
  /** Peak resident set, MiB. */
  mib: number;
  requests: FakeRequest[];
}

interface Measured extends Omit<Sample, "mib"> {
  /** Peaks of the single runs, MiB. */
  peaks: number[];
}

const source = Object.fromEntries(
  Array.from({ length: READS }, (_, at) => [`src/file-${at}.ts`, `export const value${at} = ${at};\n`.repeat(8)]),
);

const call = (name: string, args: Record<string, unknown>): ScriptedTurn => ({ calls: [{ name, arguments: args }] });
const read = (at: number) => call("read", { path: `src/file-${at}.ts` });

/** Whole-process times of the compiled binary against a zero-latency server in this process. */
export async function agentRows(runs: number): Promise<Row[]> {
  const answer: Setup = { flags: ["-i", "0"], files: source, turn: () => "Four." };
  const one = await measure(runs, answer);
  const edit = await measure(runs, {
    flags: ["-i", "0"],
    files: source,
    turn: (at) =>
      [
        read(0),
        call("edit", { path: "src/file-0.ts", old: "value0 = 0;\n".repeat(1), new: "value0 = 1;\n", all: true }),
        "Done.",
      ][at] ?? "Done.",
    verify(folder) {
      const text = readFileSync(join(folder, "src/file-0.ts"), "utf8");
      if (!text.includes("value0 = 1;")) throw new Error("the edit did not reach the file");
    },
  });
  const reads = await measure(runs, {
    flags: ["-i", "0"],
    files: source,
    turn: (at) => (at < READS ? read(at) : "Read all."),
  });
  const mixed = (at: number) => (at % 2 === 0 ? read(at / 2) : call("bash", { command: "true" }));
  const turns: Setup = {
    flags: ["-i", "0"],
    files: source,
    turn: (at) => (at < 2 * SHELL_AND_READ_TURNS ? mixed(at) : "Ran all."),
    verify: (_folder, requests) => everyRequestExtendsTheOneBefore(requests),
  };
  const unheld = await measure(runs, { ...turns, flags: ["-i", "0", "--sandbox", "off"] });
  const held = await measure(runs, turns);
  const cycle = await measure(runs, {
    flags: ["-i", "3"],
    files: {
      Makefile: "test:\n\t@sleep 0.01; grep -q 'answer = 42' answer.ts\n",
      "answer.ts": "export const answer = 41;\n",
    },
    turn: (at) =>
      [
        JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: ["make test"] }),
        call("read", { path: "answer.ts" }),
        call("edit", { path: "answer.ts", old: "41", new: "42" }),
        "The answer is 42 now; make test passes.",
        JSON.stringify({ scores: { correctness: 0.95, safety: 0.95, style: 0.9, completeness: 0.95 }, findings: [] }),
      ][at] ?? "unexpected",
    verify(folder) {
      if (!readFileSync(join(folder, "answer.ts"), "utf8").includes("42")) throw new Error("the edit is missing");
    },
  });
  const bare = await once({ ...answer, home: { "SOUL.md": "" } });
  const dressed = await once({
    ...answer,
    home: Object.fromEntries(Array.from({ length: SKILLS }, (_, at) => skill(at))),
  });
  const all = held.requests.reduce((sum, request) => sum + request.raw.length, 0);
  return [
    row("one answer, no tools, `-i 0`", one.ms, 40, "ms", "auto, workspace"),
    row("read + edit + answer, `-i 0`, file changed", edit.ms, 60, "ms", "auto, workspace"),
    row("50 reads in a row, `-i 0`", reads.ms, 250, "ms", "auto, workspace"),
    row("25 reads and 25 `true` in turn, `-i 0`", unheld.ms, 300, "ms", "auto, sandbox off"),
    row("the same, sandboxed", held.ms, 550, "ms", "auto, workspace"),
    row("all requests of those 51 turns (bytes/4)", all / 4, 200_000, "tokens", "auto, workspace"),
    row("plan, edit, tests (10 ms, run twice), judge, accept", cycle.ms - 20, 120, "ms", "auto, workspace"),
    row("first request without soul and skills, all of it (bytes/4)", sizeOf(bare), 1000, "tokens", "auto, workspace"),
    row(`first request with the bundled soul and ${SKILLS} skills`, sizeOf(dressed), 1600, "tokens", "auto, workspace"),
    ...memoryRows([reads.peaks, held.peaks]),
  ];
}

/** Tokens of the first request, estimated. */
function sizeOf({ requests }: Pick<Sample, "requests">): number {
  return requests[0]!.raw.length / 4;
}

/** A user's skill, described in as many words as most are. */
function skill(at: number): [string, string] {
  const description = `Makes reports of kind ${at} from the project's figures. Use when a report of kind ${at} is asked for.`;
  const text = `---\nname: report-${at}\ndescription: ${description}\n---\n\nCollect the figures.\n`;
  return [`skills/user/report-${at}/SKILL.md`, text];
}

function row(what: string, value: number, reach: number, unit: Row["unit"], mode: string): Row {
  return { what, value, reach, unit, mode };
}

/** The largest peak of all runs is the one that has to fit; the usual one stands beside it where it is another number. */
export function memoryRows(setups: readonly (readonly number[])[]): Row[] {
  const largest = Math.max(...setups.flat());
  const usual = Math.max(...setups.map(median));
  const mode = "auto, workspace";
  return [
    row("peak memory, 50 calls: largest of all runs", largest, 90, "MiB", mode),
    ...(Math.round(usual) === Math.round(largest)
      ? []
      : [{ what: "peak memory, 50 calls: median of the runs", value: usual, unit: "MiB" as const, mode }]),
  ];
}

async function measure(runs: number, setup: Setup): Promise<Measured> {
  const samples: Sample[] = [];
  for (let at = 0; at <= runs; at++) {
    const sample = await once(setup);
    if (at > 0) samples.push(sample); // the first one warms the disk cache
  }
  return {
    ms: median(samples.map((sample) => sample.ms)),
    peaks: samples.map((sample) => sample.mib),
    requests: samples[0]!.requests,
  };
}

async function once(setup: Setup): Promise<Sample> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-bench-")));
  const server = startOpenAiFake((request, at) => setup.turn(at, request), { unchecked: true });
  const meter: Meter | undefined = createMeter(join(root, "meter"));
  try {
    const project = join(root, "project");
    const home = join(root, "home");
    mkdirSync(join(project, "src"), { recursive: true });
    mkdirSync(join(home, ".openkoi"), { recursive: true });
    for (const [name, text] of Object.entries(setup.files)) writeFileSync(join(project, name), text);
    const config = `[models]\nexecutor = "local/bench"\n[providers.local]\nbase_url = "${server.baseUrl}"\n`;
    for (const [name, text] of Object.entries({ "config.toml": config, ...setup.home })) {
      mkdirSync(dirname(join(home, ".openkoi", name)), { recursive: true });
      writeFileSync(join(home, ".openkoi", name), text);
    }
    const errors = join(root, "errors");
    const started = performance.now();
    const child = Bun.spawn([...(meter?.argv ?? []), BINARY, "--yes", ...setup.flags, "Do it."], {
      cwd: project,
      env: { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", TMPDIR: tmpdir() },
      stdio: ["ignore", "ignore", Bun.file(errors), ...(meter ? [meter.report] : [])],
    });
    const code = await child.exited;
    const ms = performance.now() - started;
    if (code !== 0) throw new Error(`exit ${code}: ${readFileSync(errors, "utf8")}`);
    const faults = server.requests.map(({ refused, body }) => refused ?? chatFault(body));
    const fault = faults.find((each) => each !== undefined);
    if (fault) throw new Error(`a request was not as it must be: ${fault}`);
    setup.verify?.(project, server.requests);
    const mib = meter?.peak() ?? (child.resourceUsage()?.maxRSS ?? 0) / 1024 / 1024;
    return { ms, mib, requests: server.requests };
  } finally {
    meter?.remove();
    await server.stop();
    if (existsSync(root)) rmSync(root, { recursive: true, force: true });
  }
}

/** What makes a conversation cheap for providers that cache: nothing that was sent is ever changed. */
function everyRequestExtendsTheOneBefore(requests: readonly FakeRequest[]): void {
  for (let at = 1; at < requests.length; at++) {
    const before = requests[at - 1]!.body;
    const after = requests[at]!.body;
    const head = after.messages.slice(0, before.messages.length);
    const same = JSON.stringify(head) === JSON.stringify(before.messages);
    const tools = JSON.stringify(before.tools) === JSON.stringify(after.tools);
    if (!same || !tools) throw new Error(`request ${at + 1} does not extend request ${at}`);
  }
}
