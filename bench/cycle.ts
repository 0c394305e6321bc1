import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "../src/contracts/event.ts";
import { startOpenAiFake } from "../test/fakes/openai-server.ts";
import type { Turn } from "../test/fakes/script.ts";
import { writeFiles } from "./awk-project.ts";
import { BUILT, runTask, transcripts, writeConfig } from "./binary.ts";
import { median, type Row } from "./table.ts";

const ITERATIONS = 3;
const FILES = 10;

/** What an iteration of the cycle costs by itself: from its begin to its decision, without model calls and checks. */
export async function cycleRow(runs: number): Promise<Row> {
  const own: number[] = [];
  await oneRun(); // warms the disk cache
  for (let run = 0; run < runs; run++) own.push(...(await oneRun()));
  const what = `the cycle's own work per iteration (read, edit, record, diff, judge, decide), ${FILES} files`;
  return { what, value: median(own), reach: 15, unit: "ms", mode: "auto, workspace" };
}

/** Milliseconds of each iteration. */
async function oneRun(): Promise<number[]> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-bench-")));
  const [folder, home] = [join(root, "work"), join(root, "home")];
  for (const each of [folder, home]) mkdirSync(each);
  const server = startOpenAiFake(turns());
  try {
    writeFiles(project(), folder);
    writeConfig(home, server.baseUrl);
    const ended = await runTask(BUILT, { description: "Set the answer to 42.", iterations: ITERATIONS }, folder, home);
    const events = transcripts(home) as unknown as Event[];
    const measured = iterations(events);
    if (measured.length !== ITERATIONS) throw new Error(`${measured.length} iterations: ${ended.stderr}`);
    return measured;
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function project(): Record<string, string> {
  const sources = Array.from({ length: FILES }, (_, at) => [
    `src/file${at}.ts`,
    `export const v${at} = ${at};\n`.repeat(40),
  ]);
  return {
    ...Object.fromEntries(sources),
    Makefile: "test:\n\t@grep -q 'answer = 42' answer.ts\n",
    "answer.ts": "export const answer = 0;\n",
  };
}

/** Wrong twice, right the third time. */
function turns(): Turn[] {
  const rounds = [40, 41, 42].flatMap((value, at): Turn[] => {
    const blocker = { severity: "blocker", dimension: "correctness", title: "Not 42", location: "answer.ts:1" };
    const score = value === 42 ? 0.95 : 0.4;
    const scores = { correctness: score, safety: score, style: score, completeness: score };
    const old = `answer = ${at === 0 ? 0 : value - 1}`;
    return [
      { calls: [{ name: "read", arguments: { path: "answer.ts" } }] },
      { calls: [{ name: "edit", arguments: { path: "answer.ts", old, new: `answer = ${value}` } }] },
      `It is ${value}.`,
      JSON.stringify({ scores, findings: value === 42 ? [] : [blocker] }),
    ];
  });
  return [JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: ["make test"] }), ...rounds];
}

function iterations(events: readonly Event[]): number[] {
  const found: number[] = [];
  let began = 0;
  let others = 0;
  for (const event of events) {
    if (event.type === "iteration_started") {
      began = Date.parse(event.time);
      others = 0;
    } else if (event.type === "model_finished") others += event.call.ms;
    else if (event.type === "check_finished") others += event.result.ms;
    else if (event.type === "decided") found.push(Date.parse(event.time) - began - others);
  }
  return found;
}
