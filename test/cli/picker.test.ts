import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import { Exit } from "../../src/base/errors.ts";
import { type Item, matching, type PickOptions, pick } from "../../src/cli/picker.ts";
import { readSecret } from "../../src/cli/secret.ts";
import { failure } from "../providers/support.ts";

class Keys extends EventEmitter {
  raw = false;
  setRawMode(on: boolean) {
    this.raw = on;
  }
  resume() {}
  pause() {}
}

/** A terminal of so many columns that keeps the lines it shows; wrapping would be seen as lines too many. */
function screen(columns = 80, rows = 24) {
  let lines = [""];
  let row = 0;
  const widest = { columns: 0 };
  return {
    columns,
    rows,
    widest,
    write(text: string) {
      for (const part of text.split(/(\x1b\[\d*[AJ]|\r\n|\r)/)) {
        const up = /^\x1b\[(\d+)A$/.exec(part);
        if (up) row -= Number(up[1]);
        else if (part === "\x1b[J") lines = [...lines.slice(0, row), ""];
        else if (part === "\r\n") lines[++row] = "";
        else if (part !== "\r") lines[row] += part;
        widest.columns = Math.max(widest.columns, Bun.stringWidth(lines[row]!));
      }
    },
    text: () => lines.join("\n"),
  };
}

const MODELS: Item[] = [
  { value: "anthropic/claude-sonnet-5", note: "1.0M  $3/$15" },
  { value: "openai/gpt-5-mini", note: "400k" },
  { value: "groq/openai/gpt-oss-120b", note: "131k  free" },
  ...Array.from({ length: 30 }, (_, at) => ({ value: `many/model-${at}` })),
];

/** Lets these keys be typed, one after the other, and says what stood on the screen after each. */
async function typing(keys: readonly string[], more: Partial<PickOptions> = {}, output = screen()) {
  const input = new Keys();
  const seen: string[] = [];
  const options: PickOptions = {
    title: "Model",
    items: MODELS,
    remedy: "Name it.",
    terminal: true,
    color: false,
    signal: new AbortController().signal,
    input,
    output,
    ...more,
  };
  const picking = pick(options).catch((error: unknown) => ({ error }));
  for (const key of keys) {
    input.emit("data", Buffer.from(key));
    await Bun.sleep(0);
    seen.push(output.text());
  }
  return { picked: await picking, seen, input, output };
}

describe("the picker", () => {
  test("filters as one types and takes what is chosen", async () => {
    const { picked, seen, output } = await typing(["m", "i", "n", "i", "\r"]);
    expect(picked).toBe("openai/gpt-5-mini");
    expect(seen[3]).toBe("> openai/gpt-5-mini  400k\nModel (type to filter, arrows, Enter; 1 of 1): mini");
    expect(output.text()).toBe("");
  });

  test("stands on what is used now, and on the first where that is not in the list", async () => {
    expect((await typing(["\r"], { chosen: "openai/gpt-5-mini" })).picked).toBe("openai/gpt-5-mini");
    expect((await typing(["\r"], { chosen: "gone/model" })).picked).toBe((await typing(["\r"])).picked);
  });

  test("moves with arrows, pages and control keys, and stays within the list", async () => {
    expect((await typing(["\x1b[B", "\x1bOB", "\x1b[A", "\r"])).picked).toBe("openai/gpt-5-mini");
    expect((await typing(["\x1b[6~", "\x1b[6~", "\x1b[6~", "\x1b[6~", "\r"])).picked).toBe("many/model-29");
    expect((await typing(["\x0e", "\x10", "\x10", "\r"])).picked).toBe("anthropic/claude-sonnet-5");
  });

  test("understands keys that come in pieces, or several at once", async () => {
    expect((await typing(["\x1b", "[B", "\r"])).picked).toBe("openai/gpt-5-mini");
    expect((await typing(["gpt-oss\x7f\x7f\x7f\x7f\x15sonnet\r"])).picked).toBe("anthropic/claude-sonnet-5");
  });

  test("is left with Escape, and where the terminal goes away", async () => {
    expect((await typing(["\x1b"])).picked).toBeUndefined();
    const input = new Keys();
    const picking = typing([], { input });
    await Bun.sleep(0);
    input.emit("end");
    expect((await picking).picked).toBeUndefined();
  });

  test("puts the terminal back, also after Ctrl-C", async () => {
    const { picked, input, output } = await typing(["cl", "\x03"]);
    expect(picked).toMatchObject({ error: { exitCode: Exit.interrupted } });
    expect(input.raw).toBe(false);
    expect(input.listenerCount("data")).toBe(0);
    expect(output.text()).toBe("");
  });

  test("is ended by a signal", async () => {
    const signal = AbortSignal.abort(new Error("SIGTERM"));
    expect((await typing([], { signal })).picked).toMatchObject({ error: { exitCode: Exit.interrupted } });
  });

  test("has no choice where nothing matches", async () => {
    const { picked, seen } = await typing(["qqqq", "\r", "\x15", "\r"]);
    expect(seen[1]).toContain("nothing matches");
    expect(picked).toBe("anthropic/claude-sonnet-5");
  });

  test("takes a longer list when it comes, and keeps what is chosen", async () => {
    const { promise, resolve } = Promise.withResolvers<Item[]>();
    const input = new Keys();
    const output = screen();
    const picking = typing([], { input, more: () => promise }, output);
    await Bun.sleep(0);
    input.emit("data", Buffer.from("\x1b[B"));
    await Bun.sleep(0);
    resolve([{ value: "new/model" }, ...MODELS]);
    await Bun.sleep(0);
    expect(output.text()).toContain("new/model");
    input.emit("data", Buffer.from("\r"));
    expect((await picking).picked).toBe("openai/gpt-5-mini");
  });

  test("never writes a line that wraps, nor one that steers the terminal", async () => {
    const key = fc.constantFrom("a", "m", "-", "\x1b[B", "\x1b[6~", "\x7f", "魚", "é");
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 12 }), fc.integer({ min: 20, max: 120 }), async (keys, columns) => {
        const output = screen(columns);
        const items = [{ value: "a\x1b[31mb\nc", note: "魚".repeat(80) }, ...MODELS];
        const { seen } = await typing([...keys, "\x03"], { items }, output);
        expect(output.widest.columns).toBeLessThan(columns);
        expect(seen.join("")).not.toContain("\x1b");
        for (const text of seen) expect(text.split("\n").length).toBeLessThanOrEqual(13);
      }),
      { numRuns: 40 },
    );
  });

  test("shows names before what is said beside them", async () => {
    const items = [{ value: "bedrock/global.anthropic.claude-opus-4-5", note: "200k  $5/$25  tools images" }];
    const at = async (columns: number) => (await typing(["\x1b[B", "\x1b"], { items }, screen(columns))).seen[0];
    expect(await at(45)).toContain("> bedrock/global.anthropic.claude-opus-4-5 ");
    expect(await at(80)).toContain("> bedrock/global.anthropic.claude-opus-4-5  200k  $5/$25");
  });

  test("is a plain error without a terminal", async () => {
    const error = await failure(pick({ title: "Model", items: MODELS, remedy: "Name it.", terminal: false }));
    expect(error).toMatchObject({ exitCode: Exit.usage, remedy: "Name it." });
  });
});

describe("what is typed", () => {
  const found = (typed: string) => matching(MODELS, typed).map(({ value }) => value);

  test("may be several words, in any order and case", () => {
    expect(found("OSS groq")).toEqual(["groq/openai/gpt-oss-120b"]);
    expect(found("")).toHaveLength(MODELS.length);
  });

  test("finds notes after names, and letters in their order where nothing else fits", () => {
    expect(found("free")).toEqual(["groq/openai/gpt-oss-120b"]);
    expect(found("clsn5")).toEqual(["anthropic/claude-sonnet-5"]);
  });
});

describe("a hidden prompt", () => {
  async function secret(keys: readonly string[]) {
    const input = new Keys();
    const output = screen();
    const signal = new AbortController().signal;
    const options = { prompt: "Key for Groq", remedy: "Type it.", terminal: true, signal, input, output };
    const reading = readSecret(options).catch((error: unknown) => ({ error }));
    for (const key of keys) {
      input.emit("data", Buffer.from(key));
      await Bun.sleep(0);
    }
    return { read: await reading, shown: output.text(), raw: input.raw };
  }

  test("shows nothing of what is typed or pasted", async () => {
    const { read, shown, raw } = await secret(["gsk-", "123x", "\x7f", "45\r"]);
    expect(read).toBe("gsk-12345");
    expect(shown).toBe("Key for Groq (not shown): \n");
    expect(raw).toBe(false);
  });

  test("is left with Ctrl-C, and an empty line is no key", async () => {
    expect((await secret(["abc", "\x03"])).read).toMatchObject({ error: { exitCode: Exit.interrupted } });
    expect((await secret(["\r"])).read).toMatchObject({ error: { exitCode: Exit.usage } });
  });
});
