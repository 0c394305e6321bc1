import { describe, expect, test } from "bun:test";
import { createStyle } from "../../src/cli/display/style.ts";
import type { Keys } from "../../src/cli/keyboard.ts";
import { type LiveFacts, liveFrame, progressOf } from "../../src/cli/live-frame.ts";
import { live } from "../../src/cli/status-live.ts";
import type { HistoryEntry } from "../../src/contracts/ledger.ts";
import type { CurrentTask } from "../../src/readers/state-file.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const current: CurrentTask = {
  task_id: "20261123-115000-aaaa",
  description: "Make the failing\ntest pass, 価格が正しく丸められていることを確認してください and more that goes on",
  status: "running",
  phase: "evaluate",
  iteration: 2,
  max_iterations: 4,
  score: 0.62,
  best_score: 0.7,
  cost_usd: 0.05,
  cost_known: true,
  tokens: 12_000,
  elapsed_ms: 1000,
  pid: process.pid,
  pid_started: "",
  workspace: "/home/ada/shop",
  model: "a/b",
  started_at: new Date(NOW - 65_000).toISOString(),
  updated_at: new Date(NOW - 2000).toISOString(),
};
const result = (at: number): HistoryEntry => ({
  taskId: `t${at}`,
  description: `Task ${at}`,
  status: "accepted",
  score: 0.9,
  iterations: 1,
  costUsd: 0.1,
  costKnown: true,
  tokens: 1000,
  ms: 1000,
  workspace: "/w",
  model: "a/b",
  startedAt: new Date(NOW - 7_300_000).toISOString(),
  finishedAt: new Date(NOW - 7_200_000).toISOString(),
});
const facts: LiveFacts = { current, recent: [1, 2, 3, 4, 5].map(result), now: NOW };
const plain = createStyle(false);

describe("the live picture", () => {
  test("shows phase, bar, score and best, cost, tokens, time and the last results", () => {
    const text = liveFrame(facts, 80, 24, plain).join("\n");
    expect(text).toContain("20261123-115000-aaaa  running\nMake the failing test pass");
    expect(text).toContain(`${"█".repeat(17)}${"░".repeat(23)}  evaluate 2/4`);
    expect(text).toContain("score 0.62   best 0.70\ncost $0.05   12k tokens   elapsed 1 m 05 s");
    expect(text).toContain("last results\naccepted 0.90  $0.10  2 h ago  Task 1\n");
    expect(text).toEndWith("Task 5");
  });

  test("fits any terminal", () => {
    for (const width of [20, 40, 80, 200]) {
      for (const height of [3, 10, 24]) {
        const lines = liveFrame(facts, width, height, createStyle(true));
        expect(lines.length).toBeLessThanOrEqual(height);
        for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  test("says that nothing is at work, and that a process is gone", () => {
    expect(liveFrame({ ...facts, current: undefined, recent: [] }, 80, 24, plain)).toContain("no task is at work");
    const gone = { ...current, pid: 2 ** 22 + 1, pid_started: "1" };
    expect(liveFrame({ ...facts, current: gone }, 80, 24, plain).join("\n")).toContain("its process is gone");
  });

  test("the bar never goes back from phase to phase, and is full at most", () => {
    const steps = [0, 1, 2, 3].flatMap((iteration) =>
      (iteration === 0 ? ["plan"] : ["execute", "evaluate"]).map((phase) =>
        progressOf({ ...current, iteration, phase, max_iterations: 3 }),
      ),
    );
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  });
});

/** A terminal that remembers, and keys that come when they are told to. */
function stage() {
  const written: string[] = [];
  const typed: string[] = [];
  let wake = () => {};
  let due: (() => unknown)[] = [];
  const suspend = { leave: () => {}, enter: () => {} };
  const keys: Keys = {
    raw: true,
    discard: async () => {},
    async next(signal) {
      for (;;) {
        signal.throwIfAborted();
        const key = typed.shift();
        if (key !== undefined) return key;
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
    close: () => {},
  };
  return {
    written,
    keys,
    suspend,
    type(key: string) {
      typed.push(key);
      wake();
    },
    async second() {
      for (const run of due.splice(0)) await run();
    },
    timer: (_ms: number, run: () => void) => {
      due.push(run);
      return () => {
        due = due.filter((other) => other !== run);
      };
    },
    waiting: () => due.length,
    screen: {
      write: (text: string) => void written.push(text),
      columns: () => 80,
      rows: () => 24,
      onResize: () => () => {},
      onSuspend(leave: () => void, enter: () => void) {
        Object.assign(suspend, { leave, enter });
        return () => {};
      },
    },
  };
}

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

describe("status --live", () => {
  for (const [name, key] of [
    ["q", "q"],
    ["Ctrl-C", "\x03"],
  ] as const) {
    test(`is redrawn every second until ${name}, which leaves the terminal as it was`, async () => {
      const it = stage();
      let reads = 0;
      const read = async () => ({ ...facts, recent: [], current: { ...current, tokens: ++reads } });
      const running = live({ ...it, style: plain, read }, new AbortController().signal);
      await Bun.sleep(0);
      await it.second();
      await it.second();
      it.type("x");
      it.type(key);
      await running;
      expect(it.written[0]).toBe(ENTER);
      expect(it.written.slice(1, -1).map((text) => /(\d+) tokens/.exec(text)?.[1])).toEqual(["1", "2", "3"]);
      expect(it.written.at(-1)).toBe(LEAVE);
      expect(it.waiting()).toBe(0);
    });
  }

  test("is left by a signal, and goes on over a state file that cannot be read at this moment", async () => {
    const it = stage();
    const aborting = new AbortController();
    let fail = false;
    const read = () => (fail ? Promise.reject(new Error("torn")) : Promise.resolve(facts));
    const running = live({ ...it, style: plain, read }, aborting.signal);
    await Bun.sleep(0);
    fail = true;
    await it.second();
    aborting.abort();
    await running;
    expect(it.written.at(-2)).toContain("evaluate 2/4");
    expect(it.written.at(-1)).toBe(LEAVE);
  });
});
