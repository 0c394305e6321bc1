import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../base/env.ts";
import { UsageError, UserError } from "../base/errors.ts";

/**
 * Lets the user change a text in `$VISUAL` or `$EDITOR`, which gets the terminal. Returns the text as it was left. The
 * editor belongs to the user, so that it has their environment and no time limit of ours; `signal` ends it.
 *
 * @throws UsageError where no editor is set, UserError where it fails
 */
export async function editText(text: string, env: Env, signal: AbortSignal): Promise<string> {
  const command = env["VISUAL"] || env["EDITOR"];
  if (!command)
    throw new UsageError("no editor is set", "Set EDITOR, or give the new text: openkoi learn edit ID TEXT");
  const folder = mkdtempSync(join(tmpdir(), "openkoi-edit-"));
  const file = join(folder, "learning.md");
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    // As git has it: the variable may hold arguments, so that a shell reads it.
    const child = Bun.spawn(["/bin/sh", "-c", `${command} "$1"`, command, file], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      signal,
    });
    const code = await child.exited;
    signal.throwIfAborted();
    if (code !== 0) throw new UserError(`the editor (${command}) ended with ${code}`, "Nothing was changed.");
    return readFileSync(file, "utf8").trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
