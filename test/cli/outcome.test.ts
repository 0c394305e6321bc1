import { describe, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeText } from "../../src/cli/display/index.ts";
import { createJsonStream } from "../../src/cli/display/json.ts";
import { fold } from "../../src/cli/display/layout.ts";
import { createWriter, printExactly } from "../../src/cli/display/writer.ts";
import { checked, ended, evaluated, finding, story } from "./story.ts";

describe("the result", () => {
  test("as text is the model's answer alone", () => {
    expect(outcomeText("text", ended("accepted"), "t-1", false)).toBe("Prices are rounded correctly now.\n");
    expect(outcomeText("text", ended("accepted", { text: "" }), "t-1", false)).toBe("");
    expect(outcomeText("text", ended("accepted", { text: "ends\n" }), "t-1", false)).toBe("ends\n");
  });

  test("cannot steer a terminal, and reaches a pipe unchanged", () => {
    const outcome = ended("accepted", { text: "\x1b]0;title\x07red \x1b[31malert\ttab" });
    expect(outcomeText("text", outcome, "t-1", true)).toBe("red alert\ttab\n");
    expect(outcomeText("text", outcome, "t-1", false)).toBe(`${outcome.text}\n`);
  });

  test("as JSON is the whole outcome in one document, with the task that undo and resume take", () => {
    const outcome = ended("below", { evaluation: evaluated(0.7, { findings: [finding] }) });
    expect(JSON.parse(outcomeText("json", outcome, "t-1", false))).toEqual({ task: "t-1", ...outcome });
  });

  test("as a JSON stream was told already", () => {
    expect(outcomeText("stream-json", ended("accepted"), "t-1", false)).toBe("");
  });

  test("as markdown is followed by a report", () => {
    const evaluation = evaluated(0.91, {
      checks: [checked(4, [])],
      findings: [finding],
      unmeasured: ["no type-checker is configured"],
      unproven: [{ command: "grep -q `x`", reason: "it only looks", ran: true }],
    });
    const text = outcomeText("markdown", ended("accepted", { evaluation, reason: "a | b" }), "t-1", false);
    expect(text).toBe(`Prices are rounded correctly now.

---

## Report

| | |
| --- | --- |
| Ended | accepted: a \\| b |
| Score | 0.91 |
| Iterations | 2, best 2 |
| Cost | $0.04, 9 calls |
| Tokens | 9000 in, 1400 out, 22000 from cache, 2000 to cache |
| Tokens saved | 4000 by feedback, 0 by evaluation, 22000 by caching |
| Time | 1 m 12 s, 1 m 01 s of it work |

### Evidence

- test \`npm test\`: 4 passed

### Findings

- **important** Negative prices are rounded the wrong way (\`src/price.js:12\`): Math.round(-2.5) is -2, and the receipt expects -3. Fix: Round the absolute value.

### Changes

- \`src/price.js\` changed +3 -1

### Not measured

- no type-checker is configured
- \`\` grep -q \`x\` \`\`: it only looks
`);
  });

  test("as markdown says where nothing was measured", () => {
    const text = outcomeText("markdown", ended("completed", { text: "", score: null }), "t-1", false);
    expect(text).toStartWith("*No result.*");
    expect(text).toContain("| Score | not measured |");
    expect(text).toContain("- this task was not evaluated");
  });
});

test("a JSON stream is one line for each event", async () => {
  const written: string[] = [];
  const reader = createJsonStream({ write: async (text) => void written.push(text) });
  for (const event of story()) await reader.receive(event);
  expect(written.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
  expect(written.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(story())));
});

test("a text for people is broken at spaces in a terminal, further rows indented, and left alone elsewhere", () => {
  const text = "  one two three four\nfive\n\n    https://example.com/a/long/one\n";
  expect(fold(text, 14)).toBe(
    "  one two\n    three four\nfive\n\n    https://exam\n      ple.com/a/lo\n      ng/one\n",
  );
  expect(fold(text, Number.POSITIVE_INFINITY)).toBe(text);
});

describe("standard output", () => {
  /** The two ends of a pipe, as file descriptors: a FIFO that somebody reads. */
  function pipe() {
    const folder = mkdtempSync(join(tmpdir(), "openkoi-pipe-"));
    const path = join(folder, "fifo");
    Bun.spawnSync(["mkfifo", path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    rmSync(folder, { recursive: true });
    return { reader, writer };
  }

  test("that was closed early costs nothing but the text", async () => {
    const { reader, writer: fd } = pipe();
    closeSync(reader);
    const writer = createWriter(fd);
    await writer.write("nobody reads this\n");
    await writer.write("nor this\n");
    expect(writer).toMatchObject({ gone: true, fault: undefined });
    printExactly("nor this\n", fd);
    closeSync(fd);
  });

  test("is waited for, so that no end of a long text is lost", async () => {
    const { reader, writer: fd } = pipe();
    const text = `${"x".repeat(300_000)}ä`;
    let done = false;
    const written = createWriter(fd)
      .write(text)
      .then(() => {
        done = true;
      });
    const parts: Buffer[] = [];
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    for (let left = Buffer.byteLength(text); left > 0; ) {
      const part = Buffer.alloc(65_536);
      try {
        parts.push(part.subarray(0, readSync(reader, part)));
        left -= parts.at(-1)!.length;
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await written;
    expect(Buffer.concat(parts).toString()).toBe(text);
    closeSync(reader);
    closeSync(fd);
  });

  test("on a full disk says so once, and takes no more", async () => {
    const fd = openSync("/dev/full", "w");
    const writer = createWriter(fd);
    await writer.write("lost\n");
    await writer.write("x".repeat(1_000_000));
    expect(writer.fault?.message).toBe("standard output cannot be written: no space left on device");
    expect(() => printExactly("lost\n", fd)).toThrow("standard output cannot be written: no space left on device");
    closeSync(fd);
  });
});
