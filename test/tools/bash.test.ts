import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openTask } from "./task.ts";

describe("bash", () => {
  test("runs in the workspace, without input, and returns what was printed", async () => {
    await using task = await openTask();
    expect(await task.ok("bash", { command: "pwd; echo out; echo err >&2; cat" })).toBe(`${task.workspace}\nout\nerr`);
    expect(task.live).toBe(`${task.workspace}\nout\nerr\n`);
  });

  test("says how a command ended", async () => {
    await using task = await openTask();
    expect(await task.ok("bash", { command: "true" })).toBe("[exit 0, no output]");
    expect(await task.fails("bash", { command: "echo no; exit 3" })).toBe("no\n[exit 3]");
    expect(await task.fails("bash", { command: "kill -SEGV $$" })).toBe("[killed by SIGSEGV]");
    expect(await task.fails("bash", { command: "echo a; sleep 60", timeout: 1 })).toBe(
      "a\n[stopped after 1 s: raise timeout, or use background]",
    );
  });

  test("ends what a command leaves running and says so", async () => {
    await using task = await openTask();
    expect(await task.ok("bash", { command: "sleep 60 & echo started" })).toBe(
      "started\n[processes it left running were ended; use background to keep one]",
    );
  });

  test("shows of overwritten lines the last, and no colours", async () => {
    await using task = await openTask();
    expect(await task.ok("bash", { command: "printf '10%%\\r50%%\\r100%%\\n\\033[31mred\\033[0m\\r\\nend\\n'" })).toBe(
      "100%\nred\nend",
    );
  });

  test("keeps beginning and end of a long output; the whole can be read", async () => {
    await using task = await openTask();
    const result = await task.call("bash", { command: "seq 1 100000" });
    expect(result.text).toStartWith("1\n2\n");
    expect(result.text).toEndWith("\n100000");
    expect(result.text).toContain("of 100000 left out");
    expect(await task.ok("grep", { pattern: "^77777$", path: result.fullText })).toContain("77777:77777");
  });

  test("cd and exported variables stay in force, also odd ones, and only those that were kept", async () => {
    await using task = await openTask();
    mkdirSync(join(task.workspace, "it's a dir"));
    await task.ok("bash", { command: "cd \"it's a dir\" && export A='x y\"z' B=$'two\\nlines'; C=lost" });
    const shown = await task.ok("bash", { command: 'pwd; echo "$A"; echo "$B"; echo "[$C]"; echo "[$KOI_FOLDER]"' });
    expect(shown).toBe(`${task.workspace}/it's a dir\nx y"z\ntwo\nlines\n[]\n[]`);
    await task.ok("bash", { command: "cd .. && unset A" });
    expect(await task.ok("bash", { command: 'pwd; echo "[$A]"' })).toBe(`${task.workspace}\n[]`);
  });

  test("keeps the state also where the command fails or exits, and the exit code too", async () => {
    await using task = await openTask();
    mkdirSync(join(task.workspace, "sub"));
    expect(await task.fails("bash", { command: "cd sub; export X=1; exit 7" })).toBe("[exit 7]");
    expect(await task.ok("bash", { command: "basename $PWD; echo $X" })).toBe("sub\n1");
    expect(await task.fails("bash", { command: "cd .. && cd nowhere" })).toContain("nowhere");
    expect(await task.ok("bash", { command: "pwd" })).toBe(task.workspace);
  });

  test("does not stay outside the workspace, and says so", async () => {
    await using task = await openTask();
    expect(await task.ok("bash", { command: "cd / && pwd" })).toBe(
      "/\n[/ is outside the workspace: the next command starts in the workspace again]",
    );
    expect(await task.ok("bash", { command: "pwd" })).toBe(task.workspace);
    expect(await task.ok("bash", { command: `cd ${task.workspace}/../outside; pwd` })).toContain("is outside");
    expect(await task.ok("bash", { command: "pwd" })).toBe(task.workspace);
  });

  test("starts in the workspace again where the folder is gone", async () => {
    await using task = await openTask();
    await task.ok("bash", { command: "mkdir gone && cd gone" });
    await task.ok("bash", { command: "rmdir ../gone" });
    expect(await task.ok("bash", { command: "pwd" })).toBe(task.workspace);
  });

  test("starts jobs, reads their new output and ends them", async () => {
    await using task = await openTask();
    const started = await task.ok("bash", { command: "echo up; touch ready; sleep 60", background: true });
    expect(started).toBe('Started job 1. {"job":1} reads its new output, with "kill":true ends it.');
    await task.ok("bash", { command: "until [ -e ready ]; do sleep 0.01; done" });
    expect(await task.ok("bash", { job: 1 })).toBe("up\n[job 1 is running]");
    expect(await task.ok("bash", { job: 1 })).toBe("[job 1 is running]");
    expect(await task.ok("bash", { job: 1, kill: true })).toBe("[job 1 was killed]");
    expect(await task.ok("bash", { job: 1 })).toMatch(/^\[job 1 (?:was killed by SIG\w+|ended with exit \d+)\]$/);
    expect(await task.fails("bash", { job: 9 })).toBe("There is no job 9. Jobs: 1.");
    expect(await task.fails("bash", {})).toStartWith("Give a command, or the job");
  });

  test("reading a job needs no permission, starting one does", async () => {
    await using task = await openTask({ mode: "read-only" });
    expect(await task.fails("bash", { job: 1 })).toBe("There is no job 1. No job was started; background starts one.");
    expect(await task.fails("bash", { command: "touch x", background: true })).toContain("only read");
    expect(existsSync(join(task.workspace, "x"))).toBe(false);
  });

  test("ends with the task", async () => {
    await using task = await openTask();
    const abort = new AbortController();
    const result = task.call("bash", { command: "touch begun; sleep 60" }, abort.signal);
    while (!existsSync(join(task.workspace, "begun"))) await new Promise((done) => setImmediate(done));
    abort.abort(new Error("stopped by the user"));
    await expect(result).rejects.toThrow("stopped by the user");
  });
});
