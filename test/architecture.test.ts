import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const SRC = join(import.meta.dir, "../src");

/** The floor of each part of src/; imports only go down (docs/ARCHITECTURE.md). */
const FLOORS: Record<string, number> = {
  "main.ts": 5,
  cli: 4,
  tui: 4,
  daemon: 4,
  "app.ts": 3,
  "launch.ts": 3,
  "equipment.ts": 3,
  "private-temp.ts": 3,
  "hub.ts": 3,
  "prompts.ts": 3,
  "surroundings.ts": 3,
  "tidy.ts": 3,
  "instructions.ts": 3,
  "folders.ts": 3,
  "habits.ts": 3,
  "skill-writer.ts": 3,
  "recollection.ts": 3,
  "redacted.ts": 3,
  api: 3,
  readers: 3,
  engine: 2,
  providers: 1,
  tools: 1,
  exec: 1,
  evidence: 1,
  workspace: 1,
  memory: 1,
  skills: 1,
  plugins: 1,
  integrations: 1,
  credentials: 1,
  update: 1,
  contracts: 0,
  base: 0,
};
/** The composition root: it knows every part, and the rest of floor 3 stands below it. */
const KNOWS_ALL = new Set(["app.ts", "launch.ts", "equipment.ts", "tidy.ts"]);

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = [...new Bun.Glob("**/*.ts").scanSync({ cwd: SRC })].sort();
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(SRC, file), "utf8")));

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(?:(type\s)?[^;'"]*?from\s*)?["'](\.[^"']+)["']|import\(\s*["'](\.[^"']+)["']\s*\)/g;
  for (const match of text.matchAll(pattern)) {
    const to = relative(SRC, normalize(join(SRC, dirname(file), match[3] ?? match[4]!)));
    found.push({ from: file, to, typeOnly: match[2] !== undefined });
  }
  return found.filter(({ to }) => !to.startsWith(".."));
}

/** The file without its comments. */
function codeOf(file: string): string {
  return readFileSync(join(SRC, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function partOf(file: string): string {
  return file.split("/")[0]!;
}

/** Every way to the network that Bun has; `isIP` of node:net only reads a text. */
const NETWORK =
  /(?<![.\w])fetch\(|globalThis\.fetch|Bun\.(fetch|connect|udpSocket|dns|redis|sql|s3)\b|new (WebSocket|EventSource|XMLHttpRequest|RedisClient|SQL|S3Client)\b|node:(http2?|https|tls|dgram|dns)\b|\{(?! isIP \})[^}]*\} from "node:net"/;

/** Every way to start a process. */
const PROCESSES = /Bun\.(spawn|spawnSync|\$)|child_process|import \{[^}]*\$[^}]*\} from "bun"|node:cluster/;

/** Every kind of statement; `base/lock.ts` borrows SQLite's lock and has no tables. */
const SQL =
  /\bSELECT\b[^;]+\bFROM\b|\bINSERT (OR \w+ )?INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b|\bPRAGMA \w+|["`](BEGIN|COMMIT)\b/;

describe("the rules themselves", () => {
  test("see every form of an import", () => {
    const text = [
      'import "./bare.ts";',
      'import type { A } from "./typed.ts";',
      'import {\n  b,\n} from "../base/text.ts";',
      'export { c } from "./again.ts";',
      'const d = await import("./late.ts");',
    ].join("\n");
    expect(importsOf("cli/x.ts", text).map(({ to }) => to)).toEqual([
      ...["cli/bare.ts", "cli/typed.ts", "base/text.ts", "cli/again.ts", "cli/late.ts"],
    ]);
  });

  test("see every way to the network, and no other", () => {
    const ways = [
      "await fetch(url)",
      "globalThis.fetch(url)",
      "new WebSocket(url)",
      "Bun.connect({})",
      'import { connect } from "node:net"',
      'import { lookup } from "node:dns/promises"',
      'await import("node:https")',
    ];
    expect(ways.filter((way) => !NETWORK.test(way))).toEqual([]);
    const others = ["prefetch(x)", "tools.fetch(x)", 'import { isIP } from "node:net"', 'name: "fetch"'];
    expect(others.filter((way) => NETWORK.test(way))).toEqual([]);
  });

  test("see SQL, and no prose", () => {
    const statements = [
      'run("BEGIN")',
      "SELECT id FROM tasks",
      "INSERT OR IGNORE INTO t VALUES (1)",
      "PRAGMA quick_check",
    ];
    expect(statements.filter((text) => !SQL.test(text))).toEqual([]);
    expect(["select one from the list", "update the set", "delete from"].filter((text) => SQL.test(text))).toEqual([]);
  });

  test("see every way to start a process", () => {
    const ways = ["Bun.spawn([])", "Bun.spawnSync([])", "Bun.$`ls`", 'import { $ } from "bun"', '"node:child_process"'];
    expect(ways.filter((way) => !PROCESSES.test(way))).toEqual([]);
  });
});

describe("the house", () => {
  test("every part of src stands on a known floor", () => {
    expect(files.map(partOf).filter((part) => FLOORS[part] === undefined)).toEqual([]);
  });

  test("imports never go up", () => {
    const up = imports.filter(({ from, to }) => FLOORS[partOf(from)]! < FLOORS[partOf(to)]!);
    expect(up).toEqual([]);
  });

  test("siblings of one floor do not import each other, surfaces neither", () => {
    const sideways = imports.filter(({ from, to }) => {
      const [a, b] = [partOf(from), partOf(to)];
      return a !== b && FLOORS[a] === FLOORS[b] && FLOORS[a]! > 0 && !KNOWS_ALL.has(a);
    });
    expect(sideways).toEqual([]);
  });

  test("base does not know the contracts", () => {
    const wrong = imports.filter(({ from, to }) => partOf(from) === "base" && partOf(to) === "contracts");
    expect(wrong).toEqual([]);
  });

  test("the engine knows contracts and base alone", () => {
    const other = imports.filter(
      ({ from, to }) => partOf(from) === "engine" && !["engine", "contracts", "base"].includes(partOf(to)),
    );
    expect(other).toEqual([]);
  });

  test("there is no circle", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      else if (!done.has(file)) {
        for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
        done.add(file);
      }
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("only base/env.ts reads the environment", () => {
    const readers = files.filter((file) => /process\.env|Bun\.env/.test(codeOf(file)));
    expect(readers.filter((file) => file !== "base/env.ts")).toEqual([]);
  });

  test("only base/http.ts reaches the network", () => {
    const fetchers = files.filter((file) => NETWORK.test(codeOf(file)));
    expect(fetchers.filter((file) => file !== "base/http.ts")).toEqual([]);
  });

  test("processes start in exec only", () => {
    const spawners = files.filter((file) => PROCESSES.test(codeOf(file)));
    expect(spawners.filter((file) => partOf(file) !== "exec")).toEqual([]);
  });

  test("SQL lives in memory only", () => {
    const writers = files.filter((file) => SQL.test(codeOf(file)));
    expect(writers.filter((file) => partOf(file) !== "memory" && file !== "base/lock.ts")).toEqual([]);
  });

  test("nothing below the surfaces speaks on the terminal by itself", () => {
    const speakers = files.filter((file) => FLOORS[partOf(file)]! < 4 && /\bconsole\./.test(codeOf(file)));
    expect(speakers).toEqual([]);
  });

  test("there is no `any`", () => {
    const anys = files.filter((file) => /(: any\b|as any\b|<any>|@ts-ignore|@ts-expect-error)/.test(codeOf(file)));
    expect(anys).toEqual([]);
  });
});
