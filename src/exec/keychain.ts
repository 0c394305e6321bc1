import { tmpdir } from "node:os";
import { UserError } from "../base/errors.ts";
import { startChild } from "./process.ts";

/** The system may show a dialogue before it gives a secret; a person reads it, ms. */
const PATIENCE_MS = 60_000;

/** Apple's own tool for the Keychain; man 1 security. */
const SECURITY = "/usr/bin/security";

/** The Keychain of the user whose home folder this is. */
export function createKeychain(home: string, program = SECURITY) {
  const ask = (args: string[], signal: AbortSignal) =>
    security(program, ["find-generic-password", ...args], home, signal);
  return {
    /** True where it has such an item. Asks for no secret, so nobody is bothered. */
    async has(service: string): Promise<boolean> {
      return (await ask(["-s", service], AbortSignal.timeout(PATIENCE_MS))).code === 0;
    },
    /** The secret of an item. @throws UserError where there is none or the user refuses, the signal's reason. */
    async secret(service: string, signal: AbortSignal): Promise<string> {
      const { code, text } = await ask(["-s", service, "-w"], signal);
      signal.throwIfAborted();
      if (code === 0) return text.trim();
      const remedy = "Allow it when macOS asks, or use a key of your own.";
      throw new UserError(`the Keychain did not give "${service}"`, remedy);
    },
  };
}

async function security(
  program: string,
  args: string[],
  home: string,
  signal: AbortSignal,
): Promise<{ code: number; text: string }> {
  const chunks: Uint8Array[] = [];
  const child = startChild({
    argv: [program, ...args],
    argv0: undefined,
    cwd: tmpdir(),
    env: { HOME: home },
    stdin: undefined,
    report: undefined,
    libc: undefined,
    onChunk: (chunk) => void chunks.push(chunk),
  });
  const stop = () => child.stop(0);
  const timer = setTimeout(stop, PATIENCE_MS);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { code } = await child.exited;
    await child.finish();
    return { code: code ?? 1, text: Buffer.concat(chunks).toString() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
