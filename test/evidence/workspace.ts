import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readEnv } from "../../src/base/env.ts";
import type { Check, CheckResult, Evidence } from "../../src/contracts/evidence.ts";
import { createEvidence } from "../../src/evidence/index.ts";
import { createExec } from "../../src/exec/index.ts";

/** The bun that runs these tests, so that they need none on PATH. */
export const BUN = process.execPath;

/** A folder with these files, and what commands can prove in it. */
export interface Place {
  dir: string;
  evidence: Evidence;
  write(files: Record<string, string>): void;
  discover(): Promise<Check[]>;
  run(check: Check): Promise<CheckResult>;
  remove(): void;
}

export async function openPlace(
  files: Record<string, string>,
  options: { checks?: readonly string[]; bunPath?: string; env?: Record<string, string> } = {},
): Promise<Place> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-evidence-")));
  const dir = join(root, "work");
  const privateTemp = join(root, "tmp");
  mkdirSync(dir);
  mkdirSync(privateTemp);
  const write = (more: Record<string, string>) => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
  };
  write(files);
  const exec = await createExec({
    workspace: dir,
    addDirs: [],
    // What this machine happens to set must not hide what the checks set.
    env: { ...readEnv(), CI: undefined, NO_COLOR: undefined, PYTHONDONTWRITEBYTECODE: undefined },
    mode: "off",
    network: "all",
    privateTemp,
  });
  const { checks = [], ...rest } = options;
  const evidence = createEvidence({ workspace: dir, exec, config: { checks }, ...rest });
  const signal = new AbortController().signal;
  return {
    dir,
    evidence,
    write,
    discover: () => evidence.discover(signal),
    run: (check) => evidence.run(check, signal, () => {}),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A check as the plan would declare it. */
export function proof(dir: string, command: string, timeoutMs = 60_000): Check {
  return { id: `proof:${command}`, kind: "proof", command, cwd: dir, source: "the plan", timeoutMs };
}

/** True where a program can be started. */
export function has(program: string): boolean {
  // A stand-in on PATH (rustup's, say) may have nothing behind it.
  const version = program === "go" ? "version" : "--version";
  return Bun.which(program) !== null && Bun.spawnSync([program, version]).success;
}
