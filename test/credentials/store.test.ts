import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "../../src/base/lock.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { changeAuth } from "../../src/credentials/auth-file.ts";
import { remove, removeAll, savedFor, savedProviders, saveKey } from "../../src/credentials/store.ts";
import { failure } from "../providers/support.ts";

const home = await mkdtemp(join(tmpdir(), "openkoi-store-"));
afterAll(() => rm(home, { recursive: true }));
const paths = resolvePaths({ HOME: home });
beforeEach(async () => {
  await rm(paths.home, { recursive: true, force: true });
});
const { signal } = new AbortController();
const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
const entries = async () => JSON.parse(await readFile(paths.auth, "utf8"));

describe("saving a key", () => {
  test("makes a file that only this user reads, in a folder that only this user enters", async () => {
    await saveKey(paths, "groq", "gsk-1", signal);
    const path = join(paths.credentials, "groq.key");
    expect(await readFile(path, "utf8")).toBe("gsk-1\n");
    expect(await mode(path)).toBe("600");
    expect(await mode(paths.credentials)).toBe("700");
    await chmod(path, 0o644);
    await chmod(paths.credentials, 0o755);
    await saveKey(paths, "groq", "gsk-2", signal);
    expect([await mode(path), await mode(paths.credentials)]).toEqual(["600", "700"]);
    expect(await readdir(paths.credentials)).toEqual(["groq.key"]);
  });

  test("takes the place of an entry that would be found before it", async () => {
    await mkdir(paths.home, { recursive: true });
    const other = { type: "api_key", key: "o" };
    await writeFile(
      paths.auth,
      JSON.stringify({ providers: { groq: { type: "api_key", key: "old" }, openai: other } }),
    );
    await saveKey(paths, "groq", "new", signal);
    expect(await entries()).toEqual({ providers: { openai: other } });
    expect(await mode(paths.auth)).toBe("600");
  });

  test("refuses what is no key, and names that lead elsewhere", async () => {
    for (const bad of ["two words", "two\nlines", "", "schlüssel"]) {
      expect(await failure(saveKey(paths, "groq", bad, signal))).toMatchObject({ name: "UserError" });
    }
    for (const name of ["../x", "a/b", ".", "..", ""]) {
      expect(await failure(saveKey(paths, name, "key", signal))).toMatchObject({ name: "UserError" });
    }
    expect(await readdir(home)).toEqual([]);
  });
});

describe("what is saved", () => {
  test("is listed and removed by provider, and all at once", async () => {
    await saveKey(paths, "groq", "k", signal);
    await saveKey(paths, "openai", "k", signal);
    const entry = { type: "api_key", key: "k" };
    await writeFile(paths.auth, JSON.stringify({ providers: { groq: entry, copilot: entry } }));
    await writeFile(paths.integrations, "{}");
    expect(await savedProviders(paths)).toEqual(["copilot", "groq", "openai"]);
    expect(await savedFor(paths, "groq")).toEqual(["auth.json", "credentials/groq.key"]);
    await remove(paths, "groq", signal);
    expect(await savedProviders(paths)).toEqual(["copilot", "openai"]);
    expect(await entries()).toEqual({ providers: { copilot: entry } });
    await removeAll(paths);
    expect(await savedProviders(paths)).toEqual([]);
    expect(await readdir(paths.credentials)).toEqual([]);
  });

  test("goes also where auth.json cannot be read", async () => {
    await saveKey(paths, "groq", "k", signal);
    await writeFile(paths.auth, "{broken");
    await failure(savedProviders(paths));
    await removeAll(paths);
    expect(await savedProviders(paths)).toEqual([]);
  });
});

describe("changing auth.json", () => {
  test("loses nothing when many do so at once", async () => {
    const change = (number: number) =>
      changeAuth(paths.auth, signal, async (providers) => {
        await Bun.sleep(0);
        providers[`p${number}`] = { type: "api_key", key: String(number) };
        return { save: true, result: undefined };
      });
    await Promise.all(Array.from({ length: 20 }, (_, number) => change(number)));
    expect(Object.keys((await entries()).providers).length).toBe(20);
  });

  test("writes nothing where the change fails, and lets the next one in", async () => {
    await saveKey(paths, "groq", "k", signal);
    const fails = changeAuth(paths.auth, signal, async () => {
      throw new Error("no");
    });
    expect(await failure(fails)).toMatchObject({ message: "no" });
    expect(await Bun.file(paths.auth).exists()).toBe(false);
    await changeAuth(paths.auth, signal, async () => ({ save: true, result: undefined }));
    expect(await entries()).toEqual({ providers: {} });
  });

  test("waits for another process no longer than it may, and takes over from a dead one", async () => {
    await mkdir(paths.home, { recursive: true });
    const lock = join(paths.home, "lock");
    const holder = Bun.spawn(
      [
        process.execPath,
        "-e",
        `import { withLock } from ${JSON.stringify(join(import.meta.dir, "../../src/base/lock.ts"))};
         await withLock(${JSON.stringify(lock)}, new AbortController().signal, async () => {
           console.log("held"); await new Promise((resolve) => setTimeout(resolve, 60_000)); });`,
      ],
      { stdout: "pipe" },
    );
    for await (const _ of holder.stdout) break;
    expect(await failure(withLock(lock, AbortSignal.timeout(100), async () => {}))).toMatchObject({
      name: "TimeoutError",
    });
    holder.kill("SIGKILL");
    expect(await withLock(lock, AbortSignal.timeout(5000), async () => "mine")).toBe("mine");
  });
});
