/** Runs the compiled binary on one task and reads what it leaves. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The binary that `npm run build` makes. */
export const BUILT = resolve(import.meta.dir, "../dist/openkoi");
const TIME_LIMIT_MS = 60_000;

export interface Ended {
  exit: number;
  stdout: string;
  stderr: string;
  ms: number;
}

/** A scripted server as the only provider. */
export function writeConfig(home: string, baseUrl: string): void {
  const config = `[models]\nexecutor = "local/scripted"\n[providers.local]\nbase_url = "${baseUrl}"\n`;
  writeFileSync(join(home, "config.toml"), config);
}

/** `home`: config and data (`OPENKOI_HOME`). */
export async function runTask(
  binary: string,
  task: { description: string; iterations: number },
  folder: string,
  home: string,
): Promise<Ended> {
  const flags = ["--yes", "--format", "json", "-i", String(task.iterations)];
  const started = performance.now();
  const child = Bun.spawn([binary, ...flags, task.description], {
    cwd: folder,
    env: { HOME: home, OPENKOI_HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", TMPDIR: tmpdir(), NO_COLOR: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIME_LIMIT_MS,
  });
  const [stdout, stderr, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exit, stdout, stderr, ms: performance.now() - started };
}

/** What is read of the outcome (`--format json`). */
export interface Outcome {
  status: string;
  best: number;
}

export function outcomeOf({ stdout }: Ended): Outcome | undefined {
  try {
    return JSON.parse(stdout) as Outcome;
  } catch {
    return undefined;
  }
}

/** What is read of a transcript's lines. */
export interface Line {
  type: string;
  evaluation?: { iteration: number; score: number | null };
  decision?: string;
}

export function transcripts(home: string): Line[] {
  const sessions = join(home, "data", "sessions");
  if (!existsSync(sessions)) return [];
  const files = readdirSync(sessions).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(sessions, name), "utf8").split("\n"));
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
}
