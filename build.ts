/**
 * Compiles `dist/openkoi` for this machine, or with `--all` one binary per platform into `dist/<platform>/`.
 * The flags and the reasons for them: shared/BUN.md (start-up needs --splitting and --bytecode; a compiled binary
 * must not load .env or bunfig.toml from a folder that it is merely used in; `strip` would break it).
 */
import { mkdirSync, rmSync } from "node:fs";
import { version } from "./package.json";

/** Our platform names and Bun's; linux-x64 takes the baseline runtime, which needs no AVX2. */
const TARGETS = {
  "linux-x64": "bun-linux-x64-baseline",
  "linux-arm64": "bun-linux-arm64",
  "darwin-x64": "bun-darwin-x64",
  "darwin-arm64": "bun-darwin-arm64",
} as const;

function git(...args: string[]): string {
  try {
    const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { stderr: "ignore" });
    return exitCode === 0 ? stdout.toString().trim() : "";
  } catch {
    return "";
  }
}

async function compile(outfile: string, target?: string): Promise<void> {
  const define = {
    BUILD_VERSION: version,
    BUILD_COMMIT: git("rev-parse", "--short", "HEAD") || "unknown",
    BUILD_DATE: git("log", "-1", "--format=%cs") || "unknown",
  };
  const child = Bun.spawn(
    [
      process.execPath,
      "build",
      "--compile",
      "--minify",
      "--splitting",
      "--bytecode",
      "--format=esm",
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      ...Object.entries(define).flatMap(([key, value]) => ["--define", `${key}=${JSON.stringify(value)}`]),
      ...(target ? [`--target=${target}`] : []),
      "src/main.ts",
      "--outfile",
      outfile,
    ],
    { cwd: import.meta.dir, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  if (code !== 0) {
    console.error(`${stdout}${stderr}`);
    process.exit(1);
  }
  console.log(`built ${outfile}`);
}

mkdirSync("dist", { recursive: true });
if (process.argv.includes("--all")) {
  for (const [name, target] of Object.entries(TARGETS)) {
    rmSync(`dist/${name}`, { recursive: true, force: true });
    await compile(`dist/${name}/openkoi`, target);
  }
} else {
  await compile("dist/openkoi");
}
