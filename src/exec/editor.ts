import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Env, isCredential } from "../base/env.ts";
import { UsageError, UserError } from "../base/errors.ts";
import { beforeExit } from "../base/last-acts.ts";
import { GRACE_MS } from "./process.ts";

/** How often it is looked whether a process has ended, ms. */
const LOOK_EVERY_MS = 20;

/**
 * Lets the user change a text in `$VISUAL` or `$EDITOR`, which gets the terminal. Returns the text as it was left. The
 * editor belongs to the user, so that it has their environment, but for keys, and no time limit of ours; `signal` ends it.
 *
 * @throws UsageError where no editor is set, UserError where it fails, the signal's reason
 */
export async function editText(text: string, env: Env, signal: AbortSignal): Promise<string> {
  const command = env["VISUAL"] || env["EDITOR"];
  if (!command)
    throw new UsageError("no editor is set", "Set EDITOR, or give the new text: openkoi learn edit ID TEXT");
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), "openkoi-edit-"));
  const file = join(folder, "learning.md");
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    const code = await runEditor(command, file, env, signal);
    signal.throwIfAborted();
    if (code !== 0) throw new UserError(`the editor (${command}) ended with ${code}`, "Nothing was changed.");
    return readFileSync(file, "utf8").trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runEditor(command: string, file: string, env: Env, signal: AbortSignal): Promise<number> {
  // As git has it: the variable may hold arguments, so that a shell reads it. It has no group of its own: the terminal
  // would not be its, and so Ctrl-C and a change of the window's size would not reach it.
  const child = Bun.spawn(["/bin/sh", "-c", `${command} "$1"`, command, file], {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: withoutKeys(env),
  });
  const callOff = beforeExit(() => {
    for (const pid of familyOf(child.pid)) send(pid, "SIGKILL");
  });
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending = endAll(familyOf(child.pid));
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await child.exited;
  } finally {
    signal.removeEventListener("abort", stop);
    await ending;
    callOff();
  }
}

/** Asks them to end, so that an editor can put the terminal right, and kills those that do not. */
async function endAll(pids: readonly number[]): Promise<void> {
  let left = pids.filter((pid) => send(pid, "SIGTERM"));
  for (let waited = 0; left.length > 0 && waited < GRACE_MS; waited += LOOK_EVERY_MS) {
    await Bun.sleep(LOOK_EVERY_MS);
    left = left.filter((pid) => send(pid, 0));
  }
  for (const pid of left) send(pid, "SIGKILL");
}

function withoutKeys(env: Env): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => !isCredential(name, value ?? "")));
}

/** A process and all that it started, as far as the system tells: Linux does (proc(5), `task/[tid]/children`). */
function familyOf(pid: number): number[] {
  let children: number[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    // It has ended, or the system has no such file.
  }
  return [pid, ...children.flatMap(familyOf)];
}

/** False where there is no such process; 0 only asks. */
function send(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
