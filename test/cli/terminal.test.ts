import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DisplayOptions } from "../../src/cli/display/display.ts";
import { chooseDisplay } from "../../src/cli/display/index.ts";
import { statusLine } from "../../src/cli/display/status-line.ts";
import { createStyle, displayMode } from "../../src/cli/display/style.ts";
import { emptyView, look } from "../../src/cli/display/view.ts";
import { started, story, told } from "./story.ts";

/** A terminal that understands what the display sends, and a clock that moves when it is told to. */
function stage(columns = 80) {
  let now = Date.UTC(2026, 10, 23, 10, 15, 2);
  let timers: { at: number; run: () => void }[] = [];
  const rows: string[] = [""];
  const seen = { writes: 0, cursor: true, resize: () => {}, leave: () => {}, enter: () => {}, stopped: 0 };
  const width = { columns };
  const options: DisplayOptions = {
    screen: {
      write(text) {
        seen.writes++;
        for (const part of text.split(/(\x1b\[\?25[lh]|\x1b\[\d*[AJ]|\r|\n)/)) {
          if (part === "\x1b[?25l") seen.cursor = false;
          else if (part === "\x1b[?25h") seen.cursor = true;
          else if (part === "\n") rows.push("");
          else if (part === "\r") rows[rows.length - 1] = `\r${rows.at(-1)}`;
          else if (/^\x1b\[\d*A$/.test(part)) throw new Error("this terminal does not wrap");
          else if (part === "\x1b[J") rows[rows.length - 1] = "";
          else rows[rows.length - 1] += part;
        }
      },
      columns: () => width.columns,
      onResize(run) {
        seen.resize = run;
        return () => void seen.stopped++;
      },
      onSuspend(leave, enter) {
        Object.assign(seen, { leave, enter });
        return () => void seen.stopped++;
      },
    },
    live: true,
    color: false,
    quiet: false,
    verbose: false,
    clock: { now: () => now },
    timer(ms, run) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const pass = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      now = Math.max(now, due.at);
      timers = timers.filter((timer) => timer !== due);
      due.run();
    }
    now = end;
  };
  return { options, rows, seen, width, pass, timers: () => timers.length };
}

function plainText(): string {
  const { options, rows } = stage();
  const display = chooseDisplay({ ...options, live: false, screen: { ...options.screen, columns: () => 1000 } });
  for (const event of story()) display.receive(event);
  return rows.join("\n");
}

describe("the live display", () => {
  test("leaves behind exactly the lines that a pipe gets, however the events are spread over time", () => {
    const expected = plainText();
    fc.assert(
      fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 60 }), (waits) => {
        const { options, rows, seen, pass, timers } = stage(1000);
        const display = chooseDisplay(options);
        for (const [at, event] of story().entries()) {
          display.receive(event);
          pass(waits[at % waits.length]!);
        }
        display.close();
        expect(rows.join("\n")).toBe(expected);
        expect(seen.cursor).toBe(true);
        expect(timers()).toBe(0);
        expect(seen.stopped).toBe(2);
      }),
    );
  });

  test("draws at most ten times a second, and shows all of a burst in one go", () => {
    const { options, seen, rows, pass } = stage();
    const display = chooseDisplay(options);
    for (let at = 0; at < 200; at++) {
      display.receive(told([{ type: "warning", code: "plan", message: `number ${at}` }])[0]!);
      pass(5);
    }
    expect(seen.writes).toBeLessThanOrEqual(11);
    pass(100);
    expect(rows.filter((row) => row.includes("number"))).toHaveLength(200);
  });

  test("moves its clock on while nothing happens, once a second", () => {
    const { options, seen, rows, pass } = stage();
    const display = chooseDisplay(options);
    display.receive(told([started])[0]!);
    const before = seen.writes;
    pass(10_000);
    expect(seen.writes - before).toBe(10);
    expect(rows.at(-1)).toContain("10 s");
  });

  test("hides the cursor and gives it back when it is put aside or asked to make room", () => {
    const { options, seen, rows, pass } = stage();
    const display = chooseDisplay(options);
    display.receive(told([started])[0]!);
    expect(seen.cursor).toBe(false);
    display.pause();
    expect(seen.cursor).toBe(true);
    expect(rows.at(-1)).toBe("");
    const writes = seen.writes;
    display.receive(told([{ type: "warning", code: "plan", message: "meanwhile" }])[0]!);
    pass(5000);
    expect(seen.writes).toBe(writes);
    display.resume();
    expect(rows.join("\n")).toContain("meanwhile");
    expect(seen.cursor).toBe(false);
    seen.leave();
    expect(seen.cursor).toBe(true);
    seen.enter();
    expect(seen.cursor).toBe(false);
  });

  test("clears every row of a status line that a narrower window has wrapped", () => {
    const { options, seen, width } = stage(90);
    const written: string[] = [];
    const display = chooseDisplay({
      ...options,
      screen: { ...options.screen, write: (text) => void written.push(text) },
    });
    for (const event of story().slice(0, 30)) display.receive(event);
    display.pause();
    display.resume();
    const status = Bun.stringWidth(Bun.stripANSI(written.at(-1)!.split("\n").at(-1)!));
    width.columns = 30;
    seen.resize();
    display.pause();
    expect(written.at(-2)).toStartWith(`\r\x1b[${Math.ceil(status / 30) - 1}A\x1b[J`);
  });

  test("says nothing with --quiet", () => {
    const { options, seen } = stage();
    const display = chooseDisplay({ ...options, quiet: true });
    for (const event of story()) display.receive(event);
    display.close();
    expect(seen.writes).toBe(0);
  });
});

describe("the status line", () => {
  const at = (count: number) => {
    const events = story().slice(0, count);
    const view = events.reduce(look, emptyView());
    return (width: number) => statusLine(view, Date.parse(events.at(-1)!.time) + 12_000, width, createStyle(false));
  };

  test("says where the cycle is, for how long, at what price and what is going on", () => {
    const events = story();
    const running = events.findIndex((event) => event.type === "tool_output");
    expect(at(running)(100)).toStartWith("execute 1/3 · 35 s · $0.01 · 4.8k tokens · $ npm test -- --reporter");
    const evaluatedAt = events.findIndex((event) => event.type === "evaluated");
    expect(at(evaluatedAt + 1)(100)).toContain("score 0.62");
  });

  test("leaves out the least important where there is no room", () => {
    const line = at(story().findIndex((event) => event.type === "tool_output"));
    expect(line(34)).toBe("execute 1/3 · 35 s · $0.01");
    expect(line(20)).toBe("execute 1/3 · 35 s");
    expect(line(6)).toBe("execu…");
  });

  test("is never wider than its room", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 53 }), fc.integer({ min: 1, max: 200 }), (count, width) => {
        expect(Bun.stringWidth(at(count)(width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test("a pipe, CI and a dumb terminal get plain lines; NO_COLOR takes only the colours", () => {
  expect(displayMode(true, { TERM: "xterm" })).toEqual({ live: true, color: true });
  expect(displayMode(true, { TERM: "xterm", NO_COLOR: "1" })).toEqual({ live: true, color: false });
  expect(displayMode(true, { TERM: "dumb" })).toEqual({ live: false, color: false });
  expect(displayMode(true, { TERM: "xterm", CI: "true" })).toEqual({ live: false, color: false });
  expect(displayMode(true, { TERM: "xterm", CI: "", NO_COLOR: "" })).toEqual({ live: true, color: true });
  expect(displayMode(false, { TERM: "xterm" })).toEqual({ live: false, color: false });
});
