/**
 * `bun bench/safety.ts [commands]`: what the sandbox adds to a command and what finding secrets costs. Prints a table and
 * a JSON line.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createRedactor, type Redactor } from "../src/base/redact.ts";
import { createExec, type ReadyExec } from "../src/exec/index.ts";
import { median, type Row, table } from "./table.ts";

const commands = Number(process.argv[2] ?? 101);
const MEGABYTES = 32;
/** As a pipe or a model hands it over, characters. */
const PIECE = 4096;
const RUNS = 5;
const NEVER = new AbortController().signal;

const rows = [...(await sandboxRows()), ...redactionRows()];
console.log(`Median of ${commands} commands; of ${RUNS} times ${MEGABYTES} MB.\n\n${table(rows)}`);
console.log(JSON.stringify({ bench: "safety", commands, megabytes: MEGABYTES, rows }));

/** The same command held and not held, in turn, so that both see the same machine. */
async function sandboxRows(): Promise<Row[]> {
  const parent = join(homedir(), ".cache");
  mkdirSync(parent, { recursive: true });
  // Not in /tmp, which is another folder inside.
  const base = realpathSync(mkdtempSync(join(parent, "openkoi-bench-")));
  const made: ReadyExec[] = [];
  try {
    for (const name of ["workspace", "temp", "caches"]) mkdirSync(join(base, name));
    const input = {
      workspace: join(base, "workspace"),
      addDirs: [],
      env: { HOME: homedir(), PATH: "/usr/local/bin:/usr/bin:/bin" },
      network: "loopback" as const,
      privateTemp: join(base, "temp"),
      caches: join(base, "caches"),
    };
    const open = await createExec({ ...input, mode: "off" });
    const started = performance.now();
    const held = await createExec({ ...input, mode: "workspace" });
    const setUp = performance.now() - started;
    made.push(open, held);
    if (held.posture.layers.length === 0) throw new Error(`no sandbox: ${held.posture.gaps.join("; ")}`);
    const run = async (exec: ReadyExec) => {
      const { code, ms } = await exec.run({ argv: exec.shell("true"), cwd: input.workspace, timeoutMs: 10_000 }, NEVER);
      if (code !== 0) throw new Error(`true ended with ${code}`);
      return ms;
    };
    const times = { open: [] as number[], held: [] as number[] };
    for (let at = 0; at <= commands; at++) {
      const pair = { open: await run(open), held: await run(held) };
      if (at === 0) continue; // the first one warms the disk cache
      times.open.push(pair.open);
      times.held.push(pair.held);
    }
    const added = median(times.held.map((ms, at) => ms - times.open[at]!));
    const mode = `workspace: ${held.posture.layers.join(", ")}`;
    return [
      { what: "`bash -c true`, not held", value: median(times.open), unit: "ms", mode: "off" },
      { what: "what the sandbox adds to a command", value: added, reach: 10, unit: "ms", mode },
      { what: "setting it up, once a task, at its first command", value: setUp, unit: "ms", mode },
    ];
  } finally {
    for (const exec of made) await exec.close();
    rmSync(base, { recursive: true, force: true });
  }
}

function redactionRows(): Row[] {
  const secrets = Array.from({ length: 6 }, (_, at) => `sk-own-${at}-${"0123456789abcdef".repeat(2)}${at}`);
  const text = sampleText(secrets);
  const speed = (what: string, run: (redactor: Redactor) => number, kinds: boolean): Row => {
    const times: number[] = [];
    for (let at = 0; at < RUNS; at++) {
      const redactor = createRedactor({ secrets, kinds });
      const started = performance.now();
      const length = run(redactor);
      times.push(performance.now() - started);
      if (length === text.length) throw new Error("no secret was replaced");
    }
    return { what, value: text.length / 1e6 / (median(times) / 1000), reach: 100, unit: "MB/s", higher: true };
  };
  const whole = (redactor: Redactor) => redactor.hide(text).length;
  const stream = (redactor: Redactor) => {
    const flow = redactor.stream();
    let length = 0;
    for (let at = 0; at < text.length; at += PIECE) length += flow.push(text.slice(at, at + PIECE)).length;
    return length + flow.end().length;
  };
  return [
    speed("redaction of the program's own keys (6), a whole text", whole, false),
    speed(`the same as a stream of ${PIECE} characters each`, stream, false),
    speed("`--redact`: every known kind too, a whole text", whole, true),
    speed(`the same as a stream of ${PIECE} characters each`, stream, true),
  ];
}

/** Source, JSON, logs and base64, with one of our own keys and one of a known kind in each 64 KB. */
function sampleText(secrets: readonly string[]): string {
  const lines = (at: number) =>
    [
      `2026-11-28T03:${at % 60}:12.${at % 1000}Z INFO request id=${(at * 2654435761) >>> 0} path=/api/items/${at} took ${at % 97} ms`,
      `  const value${at} = await compute(index + ${at}, { token: tokens[${at % 7}], password: undefined });`,
      `{"id":${at},"name":"item ${at}","url":"https://example.com/items/${at}?page=2","keys":["a","b"]}`,
      `iVBORw0KGgoAAAANSUhEUgAA${((at * 2654435761) >>> 0).toString(36)}AAACXBIWXMAAAsTAAALEwEAmpwYAAAB`,
    ].join("\n");
  const parts: string[] = [];
  let length = 0;
  let nextSecret = 0;
  for (let at = 0; length < MEGABYTES * 1e6; at++) {
    let part = `${lines(at)}\n`;
    if (length >= nextSecret) {
      part += `key = ${secrets[at % secrets.length]}\ntoken = ghp_${"a1B2c3D4e5F6".repeat(3)}\n`;
      nextSecret += 64 * 1024;
    }
    parts.push(part);
    length += part.length;
  }
  return parts.join("");
}
