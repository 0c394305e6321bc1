import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "openkoi-stdin-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const script = `
  const { readPipedStdin } = await import(${JSON.stringify(`${import.meta.dir}/../../src/cli/stdin.ts`)});
  const said = [];
  const stop = new AbortController();
  if (process.argv[1] === "abort") setTimeout(() => stop.abort(new Error("interrupted")), 1);
  try {
    const timeoutMs = process.argv[1] === "abort" ? 60000 : 100;
    const text = await readPipedStdin({ timeoutMs, onWait: (message) => said.push(message), signal: stop.signal });
    process.stdout.write(JSON.stringify({ text: text ?? null, said }));
  } catch (error) {
    process.stdout.write(JSON.stringify({ error: error.message, remedy: error.remedy, said }));
  }
`;

async function answer(stdin: Bun.SpawnOptions.Readable | Blob | number, ...args: string[]) {
  const child = Bun.spawn([process.execPath, "-e", script, ...args], { stdin: stdin as "pipe", stdout: "pipe" });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return JSON.parse(text);
}

async function shell(line: string) {
  const child = Bun.spawn(["sh", "-c", line, process.execPath, script], { stdout: "pipe", stdin: "ignore" });
  return JSON.parse(await new Response(child.stdout).text());
}

describe("standard input", () => {
  test("that is a pipe is read to its end", async () => {
    expect(await shell(`printf 'some\\nlog' | "$0" -e "$1"`)).toEqual({ text: "some\nlog", said: [] });
  });

  test("that is a file is read", async () => {
    const path = join(dir, "log.txt");
    await writeFile(path, "\ufeffüber\n");
    expect(await shell(`"$0" -e "$1" < '${path}'`)).toEqual({ text: "über\n", said: [] });
  });

  test("that is nothing, closed or empty brings nothing and is not waited for", async () => {
    for (const redirect of ["</dev/null", "<&-", "</dev/zero"]) {
      expect(await shell(`"$0" -e "$1" ${redirect}`)).toEqual({ text: null, said: [] });
    }
    expect(await shell(`printf ' \\n' | "$0" -e "$1"`)).toEqual({ text: null, said: [] });
  });

  test("that is an open pipe which never speaks is given up, and that is said", async () => {
    const { text, said } = await answer("pipe");
    expect(text).toBeNull();
    expect(said).toEqual(["standard input is an open pipe that said nothing for 100 ms; going on without it"]);
  });

  test("that has begun to speak is read to its end, however slowly", async () => {
    const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
    child.stdin.write("begin ");
    await child.stdin.flush();
    // Longer than the 100 ms that the first byte may take.
    await Bun.sleep(250);
    child.stdin.write("end");
    await child.stdin.end();
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual({ text: "begin end", said: [] });
  });

  test("over 10 MB is refused with what to do", async () => {
    const path = join(dir, "large");
    const file = await open(path, "w");
    await file.truncate(10_000_001);
    await file.close();
    const { error, remedy } = await shell(`"$0" -e "$1" < '${path}'`);
    expect(error).toBe("standard input is larger than 10 MB");
    expect(remedy).toContain("name the file in the task");
  });

  test("that is not text is refused", async () => {
    expect((await shell(`printf 'PNG\\000\\001' | "$0" -e "$1"`)).error).toBe("standard input is not text");
  });

  test("with broken UTF-8 is read as far as it can be", async () => {
    expect((await shell(`printf 'a\\377b' | "$0" -e "$1"`)).text).toBe("a\ufffdb");
  });

  test("stops being waited for when the task is interrupted", async () => {
    expect((await answer("pipe", "abort")).error).toBe("interrupted");
  });
});
