import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { median, type Row } from "./table.ts";

const BINARY = resolve(import.meta.dir, "../dist/openkoi");

/** `--version` beside a hello-world binary of the same Bun, measured in turn so that both see the same machine. */
export function startupRows(runs: number): Row[] {
  const folder = mkdtempSync(join(tmpdir(), "openkoi-hello-"));
  try {
    const hello = helloWorld(folder);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let at = 0; at <= runs; at++) {
      const a = time([hello]);
      const b = time([BINARY, "--version"]);
      if (at === 0) continue; // the first one warms the disk cache
      theirs.push(a);
      ours.push(b);
    }
    return [
      { what: "`--version`", value: median(ours), reach: 7, unit: "ms" },
      { what: "hello world, same Bun, same run", value: median(theirs), unit: "ms" },
      { what: "`--version` ÷ hello world", value: median(ours) / median(theirs), reach: 1.6, unit: "×" },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program of one line, compiled as ours is. */
export function helloWorld(folder: string): string {
  const source = join(folder, "hello.ts");
  const hello = join(folder, "hello");
  writeFileSync(source, 'process.stdout.write("hello\\n");\n');
  const flags = [
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ];
  const built = Bun.spawnSync([process.execPath, "build", ...flags, source, "--outfile", hello]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return hello;
}

/** Milliseconds of a whole process. */
export function time(argv: string[]): number {
  const started = performance.now();
  const { exitCode } = Bun.spawnSync(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  if (exitCode !== 0) throw new Error(`${argv[0]} ended with ${exitCode}`);
  return performance.now() - started;
}
