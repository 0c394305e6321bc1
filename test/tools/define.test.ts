import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { s } from "../../src/base/schema.ts";
import type { Tool } from "../../src/contracts/tool.ts";
import { builtinTools, defineTool } from "../../src/tools/index.ts";
import { fakeClock } from "../fakes/clock.ts";
import { openTask } from "./task.ts";

/** A tool that does what a test needs. */
function made(run: Tool<{ text: string }>["run"], extra: Partial<Tool<{ text: string }>> = {}): Tool {
  return defineTool({
    name: "made",
    description: "A tool.",
    parameters: s.object({ text: s.string(), count: s.optional(s.integer()) }) as Tool<{ text: string }>["parameters"],
    effect: "read",
    subject: ({ text }) => text,
    run,
    ...extra,
  });
}

describe("the list of tools", () => {
  test("has a stable order and fits the first request", () => {
    const tools = builtinTools({ images: true });
    expect(tools.map((tool) => tool.name)).toEqual(["read", "edit", "write", "glob", "grep", "bash"]);
    const sent = tools.map(({ name, description, parameters }) =>
      JSON.stringify({ type: "function", function: { name, description, parameters: parameters.json } }),
    );
    expect(Buffer.byteLength(sent.join(","))).toBeLessThanOrEqual(2700);
  });

  test("knows effects and subjects without running anything", async () => {
    await using task = await openTask();
    const { toolset } = task;
    const subject = (name: string, args: string) =>
      toolset.subject({ type: "tool_call", id: "1", name, arguments: args });
    const effect = (name: string, args: string) =>
      toolset.effect({ type: "tool_call", id: "1", name, arguments: args });
    expect(effect("read", "{}")).toBe("read");
    expect(effect("bash", '{"command":"ls"}')).toBe("execute");
    expect(effect("bash", '{"job":2}')).toBe("read");
    expect(effect("bash", "{broken")).toBe("execute");
    expect(effect("nothing", "{}")).toBeUndefined();
    expect(subject("bash", '{"command":"ls -l"}')).toBe("ls -l");
    expect(subject("bash", '{"job":2,"kill":true}')).toBe("kill job 2");
    expect(subject("read", "{broken")).toBe("");
    expect(subject("nothing", "{}")).toBe("");
  });
});

describe("arguments a model wrote", () => {
  test("an unknown tool is answered with the list and the nearest name", async () => {
    await using task = await openTask();
    expect(await task.fails("raed", {})).toBe(
      "There is no tool raed. Did you mean read? Tools: read, edit, write, glob, grep, bash.",
    );
  });

  test.each([
    ['{"path": "a" "b"}', "a comma or } was expected", '{"path": "a"  >>> "b"}'],
    ["{'path': 1}", "a name in double quotes", "{ >>> 'path'"],
    ['{"path": "a",}', "a comma too many", " >>> }"],
    ['{"path": "C:\\dir"}', "escape does not exist", '{"path": "C: >>> \\dir"}'],
    ['{"path": "a"} {}', "something follows", " >>> {}"],
    ['{"path": tru}', "a value was expected", '{"path":  >>> tru}'],
  ])("broken JSON %j is quoted where it breaks", async (text, why, where) => {
    await using task = await openTask();
    const answer = await task.fails("read", text);
    expect(answer).toContain(why);
    expect(answer).toContain(where);
  });

  test("a raw line break in a string is what it means", async () => {
    await using task = await openTask();
    await task.ok("write", '{"path":"a",\n"content":"one\n\ttwo \\"three\\"\r\n"}');
    expect(task.get("a")).toBe('one\n\ttwo "three"\r\n');
    expect(await task.fails("write", '{"path":"a","content":"one\ntwo" three"}')).toContain(
      "a comma or } was expected",
    );
  });

  test("a tool is known by its name in other dress", async () => {
    await using task = await openTask();
    task.put("a", "1\n");
    for (const name of ["Read", "functions.read", "READ", "functions.Read", "tools/read", "default_api:read"]) {
      expect(await task.ok(name, { path: "a" })).toBe("1\t1");
      const call = { type: "tool_call" as const, id: "1", name, arguments: '{"path":"a"}' };
      expect(task.toolset.effect(call)).toBe("read");
      expect(task.toolset.subject(call)).toBe("a");
    }
    expect(await task.fails("other.read", { path: "a" })).toStartWith("There is no tool other.read.");
  });

  test("a call that was cut off is told so", async () => {
    await using task = await openTask();
    expect(await task.fails("write", '{"path":"a","content":"abc')).toContain("they end after");
    expect(await task.fails("write", '{"path":"a","content":"abc\\u00')).toContain("they end after");
  });

  test("a field that is missing is named, with what was expected and an example", async () => {
    await using task = await openTask();
    expect(await task.fails("edit", { file: "a.ts" })).toBe(
      "The arguments of edit do not fit: path: missing; edits: missing. Unknown: file.\n" +
        "Expected: {path: string, edits: [{old: string, new: string, all?: boolean}, …]}\n" +
        'Example: {"path":"…","edits":[{"old":"…","new":"…"}]}',
    );
  });

  test("numbers, truth values and lists written as strings are taken as they are meant", async () => {
    await using task = await openTask();
    task.put("a", "one\ntwo\nthree\n");
    expect(await task.ok("read", { path: "a", offset: "2", limit: "1" })).toContain("2\ttwo");
    await task.ok("edit", { path: "a", edits: '[{"old":"two","new":"2","all":"false"}]' });
    expect(task.get("a")).toBe("one\n2\nthree\n");
  });

  test("no arguments at all are an empty object, and unknown ones are named in the result", async () => {
    await using task = await openTask();
    task.put("a", "x\n");
    expect(await task.fails("read", "")).toContain("path: missing");
    expect(await task.ok("read", { path: "a", encoding: "utf8" })).toBe("1\tx\n[unknown, so ignored: encoding]");
  });
});

describe("a call", () => {
  test("is stopped at its time limit, also where the tool does not look at its signal", async () => {
    const clock = fakeClock();
    let stopped = false;
    const started = Promise.withResolvers<void>();
    const tool = made(
      (_, context) => {
        started.resolve();
        context.signal.addEventListener("abort", () => {
          stopped = true;
        });
        return new Promise(() => {});
      },
      { timeoutMs: () => 5000 },
    );
    await using task = await openTask({ tools: [tool], clock });
    const result = task.call("made", { text: "x" });
    await started.promise;
    await clock.advance(4999);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1);
    expect((await result).text).toBe("made was stopped after 5 s. Ask for less at once.");
    expect(stopped).toBe(true);
  });

  test("leaves no timer behind", async () => {
    const clock = fakeClock();
    await using task = await openTask({ tools: [made(async () => ({ text: "done" }))], clock });
    await task.ok("made", { text: "x" });
    expect(clock.sleeping).toBe(0);
  });

  test("throws only where the task itself is aborted", async () => {
    const started = Promise.withResolvers<void>();
    const tool = made(() => {
      started.resolve();
      return new Promise(() => {});
    });
    await using task = await openTask({ tools: [tool] });
    const early = new AbortController();
    const beforeIt = task.call("made", { text: "x" }, early.signal);
    early.abort(new Error("the user stopped it"));
    await expect(beforeIt).rejects.toThrow("the user stopped it");
    const late = new AbortController();
    const inIt = task.call("made", { text: "x" }, late.signal);
    await started.promise;
    late.abort(new Error("the user stopped it"));
    await expect(inIt).rejects.toThrow("the user stopped it");
    await expect(task.call("made", { text: "x" }, late.signal)).rejects.toThrow("the user stopped it");
  });

  test("a tool that breaks is a result, not a crash", async () => {
    const tool = made(async () => {
      throw new TypeError("x is not a function");
    });
    await using task = await openTask({ tools: [tool] });
    expect(await task.fails("made", { text: "x" })).toBe("made failed: x is not a function.");
  });

  test("a full disk and missing rights are said in words", async () => {
    const failing = (code: string) =>
      made(async () => {
        throw Object.assign(new Error(`${code}: xyz`), { code, path: "/a" });
      });
    await using full = await openTask({ tools: [failing("ENOSPC")] });
    expect(await full.fails("made", { text: "x" })).toBe(
      "made failed: the disk is full; nothing was changed. End and tell the user.",
    );
    await using shut = await openTask({ tools: [failing("EACCES")] });
    expect(await shut.fails("made", { text: "x" })).toBe(
      "made failed: no permission: /a; go on without it and say so.",
    );
  });
});

describe("a long result", () => {
  const long = (text: string) => made(async () => ({ text }));

  test("keeps beginning and end; the whole is saved for this user alone and can be read and searched", async () => {
    const text = Array.from({ length: 5000 }, (_, index) => `line ${index + 1}`).join("\n");
    await using task = await openTask({ tools: [long(text), ...builtinTools({ images: false })] });
    const result = await task.call("made", { text: "x" });
    const lines = result.text.split("\n");
    expect(lines[0]).toBe("line 1");
    expect(lines.at(-1)).toBe("line 5000");
    expect(lines).toHaveLength(2001);
    expect(lines[1000]).toBe(
      `[... lines 1001-4000 of 5000 left out; whole text: ${result.fullText} (grep it, or read it with offset) ...]`,
    );
    expect(readFileSync(result.fullText!, "utf8")).toBe(text);
    expect(statSync(result.fullText!).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(result.fullText!)).mode & 0o777).toBe(0o700);
    expect(await task.ok("read", { path: result.fullText, offset: 2500, limit: 1 })).toContain("2500\tline 2500");
    expect(await task.ok("grep", { path: result.fullText, pattern: "line 3333$" })).toContain("3333:line 3333");
    expect(await task.fails("write", { path: result.fullText, content: "" })).toContain("outside the workspace");
  });

  test("is cut by bytes too, and inside a line that is longer than everything", async () => {
    await using wide = await openTask({ tools: [long(`${"x".repeat(200)}\n`.repeat(400))] });
    const cut = await wide.call("made", { text: "x" });
    expect(Buffer.byteLength(cut.text)).toBeLessThan(51 * 1024);
    expect(cut.text).toContain("of 400 left out");
    await using single = await openTask({ tools: [long("€".repeat(100_000))] });
    const one = await single.call("made", { text: "x" });
    expect(Buffer.byteLength(one.text)).toBeLessThan(51 * 1024);
    expect(one.text).toContain("bytes left out");
    expect(one.text).not.toContain("\uFFFD");
    await using pair = await openTask({ tools: [long("😀".repeat(100_001))] });
    expect((await pair.call("made", { text: "x" })).text.isWellFormed()).toBe(true);
  });

  test("at the limit is not touched", async () => {
    await using task = await openTask({ tools: [long("x\n".repeat(2000))] });
    const result = await task.call("made", { text: "x" });
    expect(result.text).toBe("x\n".repeat(2000));
    expect(result.fullText).toBeUndefined();
    expect(existsSync(`${task.base}/output`)).toBe(false);
  });
});

describe("secrets", () => {
  const secret = 'k-"quoted"-1234567890';

  test("are hidden in results and live output, and put back in arguments", async () => {
    let received = "";
    const tool = made(async ({ text }, context) => {
      received = text;
      context.emit("live k-");
      context.emit('"quoted"-1234567890 end');
      return { text: `got ${text}` };
    });
    await using task = await openTask({ tools: [tool], secrets: [secret] });
    const shown = (await task.call("made", { text: secret })).text;
    expect(shown).not.toContain("1234567890");
    const placeholder = shown.slice(4);
    await task.call("made", { text: placeholder });
    expect(received).toBe(secret);
    expect(task.live).toBe(`live ${placeholder} end`.repeat(2));
  });

  test("are hidden in questions, errors and the saved text", async () => {
    await using task = await openTask({ mode: "ask", secrets: [secret] });
    await task.call("bash", { command: `ls '${secret}'` });
    expect(JSON.stringify(task.asked)).not.toContain("1234567890");
    expect(JSON.stringify(task.asked)).toContain("[[secret:");
    expect(await task.fails("read", { path: secret })).not.toContain("1234567890");
    const tool = made(async () => ({ text: `${secret}\n`.repeat(3000) }));
    await using long = await openTask({ tools: [tool], secrets: [secret] });
    const { fullText } = await long.call("made", { text: "x" });
    expect(readFileSync(fullText!, "utf8")).not.toContain("1234567890");
  });

  test("are hidden before a line is cut, so that no half of one is left", async () => {
    const key = "sk-abcdefgh12345678";
    await using task = await openTask({ secrets: [key] });
    const near = (middle: number, length: number) =>
      Array.from({ length: 40 }, (_, at) => `${"x".repeat(middle - 30 + at)}${key}needle${"y".repeat(length)}\n`);
    task.put("read", near(2000, 2000).join(""));
    const before = (at: number) => `${"z".repeat(1000)}${key}${"x".repeat(60 + at)}needle${"y".repeat(1000)}\n`;
    const behind = (at: number) => `needle${"y".repeat(260 + at)}${key}${"z".repeat(1000)}\n`;
    task.put("grep", Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? before(at) : behind(at))).join(""));
    task.put("edit", near(240, 500).join(""));
    const told = [
      await task.ok("read", { path: "read" }),
      await task.ok("grep", { path: "grep", pattern: "needle" }),
      ...(await Promise.all(
        near(240, 499).map((old) => task.fails("edit", { path: "edit", old: `${old}no such line`, new: "" })),
      )),
    ].join("\n");
    expect(told).toContain("First difference");
    for (let at = 0; at + 8 <= key.length; at++) expect(told).not.toContain(key.slice(at, at + 8));
  });

  test("are hidden in the names of what a call changed", async () => {
    await using task = await openTask({ secrets: ["sk-abcdefgh12345678"] });
    const result = await task.call("write", { path: "sk-abcdefgh12345678.txt", content: "x" });
    expect(result.isError).toBe(false);
    expect(JSON.stringify(result)).not.toContain("abcdefgh");
  });

  test("an edit of a file with a secret matches what the model saw", async () => {
    await using task = await openTask({ secrets: ["sk-abcdefgh12345678"] });
    task.put(".env", "KEY=sk-abcdefgh12345678\nPORT=1\n");
    const seen = (await task.ok("read", { path: ".env" })).split("\n")[0]!.replace("1\t", "");
    expect(seen).not.toContain("abcdefgh");
    await task.ok("edit", { path: ".env", old: `${seen}\nPORT=1`, new: `${seen}\nPORT=2` });
    expect(task.get(".env")).toBe("KEY=sk-abcdefgh12345678\nPORT=2\n");
  });
});
