import { afterAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeychain } from "../../src/exec/keychain.ts";
import { failure } from "../providers/support.ts";

const folder = await mkdtemp(join(tmpdir(), "openkoi-keychain-"));
afterAll(() => rm(folder, { recursive: true }));

/** A `security` that has one item, and says what it was asked with. */
async function fake(body: string) {
  const program = join(folder, "security");
  await writeFile(program, `#!/bin/sh\n${body}\n`);
  await chmod(program, 0o755);
  return createKeychain(folder, program);
}

const { signal } = new AbortController();
const ITEM = `[ "$1 $2" = "find-generic-password -s" ] || exit 2
[ "$3" = "Our item" ] || { echo "could not be found" >&2; exit 44; }
[ "$4" = "-w" ] && echo "secret of $HOME" || echo "attributes"`;

describe("the Keychain", () => {
  test("is asked whether it has an item without being asked for the secret", async () => {
    const keychain = await fake(`${ITEM}\n[ "$4" = "-w" ] && exit 1 || exit 0`);
    expect(await keychain.has("Our item")).toBe(true);
    expect(await keychain.has("Another")).toBe(false);
  });

  test("gives the secret of an item, and says so where it does not", async () => {
    const keychain = await fake(ITEM);
    expect(await keychain.secret("Our item", signal)).toBe(`secret of ${folder}`);
    expect(await failure(keychain.secret("Another", signal))).toMatchObject({ name: "UserError" });
  });

  test("is not waited for when the task ends", async () => {
    const keychain = await fake("sleep 60");
    expect(await failure(keychain.secret("Our item", AbortSignal.timeout(50)))).toMatchObject({ name: "TimeoutError" });
  });
});
