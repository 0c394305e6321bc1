import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { editText } from "../../src/exec/editor.ts";
import { failure } from "../providers/support.ts";
import { alive } from "./held.ts";

const folder = mkdtempSync(join(tmpdir(), "openkoi-editor-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An editor that does this; `$1` is the file, `$OUT` a place for what it has to tell. */
function editor(body: string): { env: Record<string, string>; told: string } {
  const program = join(folder, `editor-${Bun.hash(body)}`);
  writeFileSync(program, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const told = `${program}.out`;
  return { env: { PATH: process.env["PATH"] ?? "", EDITOR: program, OUT: told }, told };
}

describe("the user's editor", () => {
  test("gets the text and their settings, and none of their keys", async () => {
    const { env, told } = editor('env > "$OUT"; echo new > "$1"');
    const secrets = { GROQ_API_KEY: "a-key-of-groq", MINE: "ghp_0123456789abcdefghijklmnopqrstuvwxyz" };
    const whole = { ...env, ...secrets, SSH_AUTH_SOCK: "/run/agent", LESS: "-R" };
    expect(await editText("old", whole, new AbortController().signal)).toBe("new");
    const seen = readFileSync(told, "utf8");
    expect(seen).toContain("LESS=-R");
    expect(seen).toContain("SSH_AUTH_SOCK=/run/agent");
    for (const secret of Object.values(secrets)) expect(seen).not.toContain(secret);
  });

  test.skipIf(process.platform !== "linux")("ends with all that it started", async () => {
    // The shell waits for it, as a script of a user's does that starts the real editor.
    const { env, told } = editor('sleep 54328; echo never > "$OUT"');
    const controller = new AbortController();
    const edited = failure(editText("old", env, controller.signal));
    while (!alive("sleep 54328")) await Bun.sleep(5);
    controller.abort(new Error("enough"));
    expect(await edited).toMatchObject({ message: "enough" });
    while (alive("sleep 54328")) await Bun.sleep(5);
    expect(existsSync(told)).toBe(false);
  });

  test.skipIf(process.platform !== "linux")(
    "is killed, with what it started, where it does not end when asked to",
    async () => {
      const { env } = editor(`sh -c 'trap "" TERM; sleep 54329; sleep 54329' & wait`);
      const controller = new AbortController();
      const edited = failure(editText("old", env, controller.signal));
      while (!alive("^sleep 54329")) await Bun.sleep(5);
      controller.abort(new Error("enough"));
      expect(await edited).toMatchObject({ message: "enough" });
      while (alive("sleep 54329")) await Bun.sleep(5);
    },
  );

  test("is not started where the user has left already", async () => {
    const { env, told } = editor('echo started > "$OUT"');
    expect(await failure(editText("old", env, AbortSignal.abort(new Error("enough"))))).toMatchObject({
      message: "enough",
    });
    expect(existsSync(told)).toBe(false);
  });
});
