/**
 * `bun bench/providers.ts [RUNS]`: what the providers cost at a start. Prints a table and a JSON line.
 *
 * Choosing is timed inside a compiled program that does nothing else (bench/choosing.ts, the flags of build.ts): the
 * difference of two whole runs would be smaller than what two runs differ by chance. What an Ollama server adds that
 * accepts and never answers is the difference of whole runs of `dist/openkoi`, taken in turn.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startOpenAiFake } from "../test/fakes/openai-server.ts";
import { median, type Row, table } from "./table.ts";

const BINARY = resolve(import.meta.dir, "../dist/openkoi");
const OWN = Array.from({ length: 6 }, (_, at) => `mine-${at}`);
/** Twenty, of which the first that counts is Anthropic's. */
const KEYS = [
  ...["ANTHROPIC", "OPENAI", "GOOGLE", "GROQ", "OPENROUTER", "TOGETHER", "DEEPSEEK", "MOONSHOT", "XAI", "QWEN"].map(
    (name) => `${name}_API_KEY`,
  ),
  ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "OLLAMA_API_KEY", "COPILOT_GITHUB_TOKEN"],
  ...OWN.map((id) => `${id.replace("-", "_").toUpperCase()}_API_KEY`),
];

const runs = Number(process.argv[2] ?? 21);
const root = mkdtempSync(join(tmpdir(), "openkoi-bench-"));
try {
  const rows: Row[] = [
    { what: "choosing a provider, 20 keys set, no network", value: await choosing(), reach: 3, unit: "ms" },
    ...(await besideSilentOllama()),
  ];
  console.log(`Median of ${runs} runs, each in a process of its own.\n\n${table(rows)}`);
  console.log(JSON.stringify({ bench: "providers", runs, rows }));
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** A folder of its own with a config file in its home, and the environment of a machine with nothing else. */
function machine(name: string, config: string): { cwd: string; env: Record<string, string> } {
  const home = join(root, name);
  mkdirSync(join(home, ".openkoi"), { recursive: true });
  writeFileSync(join(home, ".openkoi", "config.toml"), config);
  const cwd = join(home, "project");
  mkdirSync(cwd);
  return { cwd, env: { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", TMPDIR: tmpdir() } };
}

async function choosing(): Promise<number> {
  const program = join(root, "choosing");
  const flags = ["--compile", "--minify", "--splitting", "--bytecode", "--format=esm"];
  const off = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const source = join(import.meta.dir, "choosing.ts");
  const built = Bun.spawnSync([process.execPath, "build", ...flags, ...off, source, "--outfile", program]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  const own = OWN.map((id) => `[providers.${id}]\nbase_url = "https://${id}.example.com/v1"\n`).join("");
  const { cwd, env } = machine("keys", own);
  const keys = Object.fromEntries(KEYS.map((name) => [name, `${name.toLowerCase()}-0123456789`]));
  const times: number[] = [];
  for (let at = 0; at <= runs; at++) {
    const { stdout, exitCode } = Bun.spawnSync([program], { cwd, env: { ...env, ...keys }, stdin: "ignore" });
    if (exitCode !== 0) throw new Error(`choosing ended with ${exitCode}`);
    const { ms, model, secrets } = JSON.parse(stdout.toString());
    // The two of AWS are one credential, which counts beside its parts.
    if (!model.startsWith("anthropic/") || secrets < KEYS.length) throw new Error(`chosen: ${model}, ${secrets} keys`);
    if (at > 0) times.push(ms); // the first one warms the disk cache
  }
  return median(times);
}

async function besideSilentOllama(): Promise<Row[]> {
  const server = startOpenAiFake(() => "Four.");
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { cwd, env } = machine("silent", "");
  const groq = { GROQ_API_KEY: "key-0123456789", GROQ_BASE_URL: server.baseUrl };
  const at = (port: number) => ({ ...env, ...groq, OLLAMA_HOST: `127.0.0.1:${port}` });
  const time = async (argv: string[], port: number, code: number) => {
    const started = performance.now();
    const child = Bun.spawn([BINARY, ...argv], {
      cwd,
      env: at(port),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const ended = await child.exited;
    if (ended !== code) throw new Error(`exit ${ended}: ${await child.stderr.text()}`);
    return performance.now() - started;
  };
  /** `codes`: how it ends without such a server, and beside one. */
  const added = async (argv: string[], codes: [number, number]) => {
    const differences: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const without = await time(argv, 1, codes[0]);
      const beside = await time(argv, silent.port, codes[1]);
      if (run > 0) differences.push(beside - without);
    }
    return median(differences);
  };
  try {
    return [
      {
        what: "one answer of another provider: added by an Ollama server that never answers",
        value: await added(["-i", "0", "--yes", "Do it."], [0, 0]),
        reach: 50,
        unit: "ms",
        mode: "auto, workspace",
      },
      {
        what: "the same where `-m` names a model that only Ollama could have",
        // Without a server no such model exists, which is wrong usage; beside one that is silent it may.
        value: await added(["-m", "qwen3:8b", "-i", "0", "Do it."], [2, 1]),
        reach: 50,
        unit: "ms",
      },
    ];
  } finally {
    silent.stop(true);
    await server.stop();
  }
}
