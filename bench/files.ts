/**
 * `bun bench/files.ts`: glob, grep and edit on generated trees, with GNU grep and ripgrep (where installed) beside them.
 * Prints a table and a JSON line. `bun bench/files.ts 100000 1024` sets the number of files and their size in MB.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createRedactor } from "../src/base/redact.ts";
import { sleep } from "../src/base/stream.ts";
import type { Exec } from "../src/contracts/exec.ts";
import { builtinTools, createToolset } from "../src/tools/index.ts";
import { createPermissions } from "../src/tools/permissions.ts";
import { median, type Row, table } from "./table.ts";

const fileCount = Number(process.argv[2] ?? 100_000);
const megabytes = Number(process.argv[3] ?? 1024);
const RUNS = 7;
const PER_FOLDER = 100;

const base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-bench-")));
const workspace = join(base, "tree");
try {
  makeTree();
  console.log(`${fileCount} files, ${megabytes} MB, median of ${RUNS} runs, warm page cache, ${cpus()[0]?.model}`);
  const rows = [...(await globRows()), ...(await grepRows()), ...(await editRows())];
  console.log(table(rows));
  console.log(JSON.stringify({ fileCount, megabytes, runs: RUNS, rows }));
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** Source-like text; one file in ten thousand holds the needle, at its end. */
function makeTree(): void {
  const words = [
    "const",
    "value",
    "return",
    "function",
    "import",
    "result",
    "error",
    "index",
    "length",
    "(x)",
    "=>",
    "{}",
  ];
  const bytes = Math.floor((megabytes * 1024 * 1024) / fileCount);
  let text = "";
  for (let i = 0; text.length < bytes; i++)
    text += `${words[(i * 7) % 12]} ${words[(i * 5) % 11]} ${i}${i % 8 ? " " : "\n"}`;
  for (let i = 0; i < fileCount; i++) {
    const folder = join(workspace, `pkg${Math.floor(i / PER_FOLDER) % 50}/mod${Math.floor(i / PER_FOLDER)}/src`);
    if (i % PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const needle = i % 10_000 === 5000 ? "\nthe needle_4711 is here\n" : "\n";
    writeFileSync(join(folder, `file${i % PER_FOLDER}.${["ts", "js", "md", "json"][i % 4]}`), text + needle);
  }
  writeFileSync(
    join(workspace, ".gitignore"),
    "node_modules/\n*.log\n*.pyc\n/dist\n.venv\nbuild/**\n*.o\n[Tt]humbs.db\n",
  );
}

function tools() {
  const redactor = createRedactor({ secrets: [] });
  const toolset = createToolset(builtinTools({ images: false }), {
    workspace,
    addDirs: [],
    exec: {} as Exec,
    redactor,
    permissions: createPermissions({ mode: "auto", allow: [], deny: [], workspace, redactor }),
    outputDir: join(base, "output"),
    clock: { now: () => Date.now(), sleep },
  });
  const ask = () => Promise.reject(new Error("nothing is asked here"));
  return (name: string, args: object) =>
    toolset.call(
      { type: "tool_call", id: "1", name, arguments: JSON.stringify(args) },
      ask,
      new AbortController().signal,
      () => {},
    );
}

async function time(run: () => Promise<unknown> | unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}

async function globRows(): Promise<Row[]> {
  const call = tools();
  const some = await time(() => call("glob", { pattern: "**/*.ts" }));
  const path = await time(() => call("glob", { pattern: "pkg{1,2}/**/file?.md" }));
  return [
    { what: `glob **/*.ts, ${fileCount} files`, value: some, reach: 150, unit: "ms" },
    { what: "glob pkg{1,2}/**/file?.md", value: path, reach: 150, unit: "ms" },
  ];
}

async function grepRows(): Promise<Row[]> {
  const call = tools();
  const rows: Row[] = [];
  for (const pattern of ["needle_4711", "needle_[0-9]+ is", "\\bneed[a-z]+_\\d{4}\\b", "[0-9]{3}-[0-9]{4}"]) {
    const ours = await time(() => call("grep", { pattern }));
    const gnu = await external(["grep", "-rnIP", pattern, "."]);
    const rg = await external(["rg", "-n", pattern, "."]);
    rows.push({ what: `grep ${pattern}`, value: ours, unit: "ms", ...reach(gnu, rg) });
    if (gnu !== undefined) rows.push({ what: `  GNU grep -rnIP ${pattern}`, value: gnu, unit: "ms" });
    if (rg !== undefined) rows.push({ what: `  ripgrep ${pattern}`, value: rg, unit: "ms" });
  }
  return rows;
}

/** Never slower than GNU grep, at most twice as slow as ripgrep. */
function reach(gnu: number | undefined, rg: number | undefined): { reach?: number } {
  const limits = [gnu, rg === undefined ? undefined : 2 * rg].filter((limit) => limit !== undefined);
  return limits.length > 0 ? { reach: Math.round(Math.min(...limits)) } : {};
}

/** A measured stranger; the program's own processes start in `src/exec` alone. */
async function external(argv: string[]): Promise<number | undefined> {
  if (!Bun.which(argv[0]!)) return undefined;
  return await time(() =>
    Bun.spawnSync(argv, { cwd: workspace, env: { ...process.env, LC_ALL: "C" }, stdout: "ignore" }),
  );
}

async function editRows(): Promise<Row[]> {
  const call = tools();
  const edit = async (args: object) => {
    const { isError, text } = await call("edit", args);
    if (isError) throw new Error(text);
  };
  const lines = Array.from({ length: 21_500 }, (_, i) => `  const value${i} = compute(${i}, "some text");`);
  const text = lines.join("\n");
  writeFileSync(join(workspace, "large.ts"), text);
  let version = 12_000;
  const exact = await time(() => edit({ path: "large.ts", old: `value${version} =`, new: `value${version++} = 1 +` }));
  let line = 5000;
  const tolerant = await time(() => {
    line += 2;
    return edit({
      path: "large.ts",
      old: `const value${line} = compute(${line}, "some text");\nconst value${line + 1}  = compute(${line + 1}, "some text");`,
      new: `const changed${line} = 0;`,
    });
  });
  const size = `${(text.length / 1024 / 1024).toFixed(1)} MB`;
  return [
    { what: `edit of a ${size} file, exact`, value: exact, reach: 5, unit: "ms" },
    { what: `edit of a ${size} file, other white space`, value: tolerant, unit: "ms" },
  ];
}
