import { describe, expect, test } from "bun:test";
import { Exit, UserError } from "../../src/base/errors.ts";
import { type StatusDeps, status } from "../../src/cli/status.ts";
import type { HistoryEntry } from "../../src/contracts/ledger.ts";
import type { CostSum, MemorySize } from "../../src/contracts/memory.ts";
import type { CurrentTask } from "../../src/readers/state-file.ts";
import type { SkillCount } from "../../src/skills/counts.ts";

const NOW = Date.UTC(2026, 10, 23, 12);

const active: CurrentTask = {
  task_id: "20261123-115000-aaaa",
  description: "Make the failing\ntest pass",
  status: "running",
  phase: "execute",
  iteration: 2,
  max_iterations: 3,
  score: 0.62,
  best_score: 0.7,
  cost_usd: 0.05,
  cost_known: false,
  tokens: 12_000,
  elapsed_ms: 1000,
  pid: process.pid,
  pid_started: "",
  workspace: "/home/ada/shop",
  model: "a/b",
  started_at: new Date(NOW - 65_000).toISOString(),
  updated_at: new Date(NOW - 2000).toISOString(),
};

const result: HistoryEntry = {
  taskId: "20261123-100000-bbbb",
  description: "Fix the rounding",
  status: "below",
  score: 0.74,
  iterations: 3,
  costUsd: 0.2,
  costKnown: true,
  tokens: 40_000,
  ms: 90_000,
  workspace: "/home/ada/shop",
  model: "a/b",
  startedAt: new Date(NOW - 7_300_000).toISOString(),
  finishedAt: new Date(NOW - 7_200_000).toISOString(),
};

async function shown(more: Partial<StatusDeps> = {}, flags: Parameters<typeof status>[1] = {}): Promise<string> {
  let text = "";
  const code = await status(
    {
      version: "2026.11.23",
      models: async () => ({ executor: "a/b", evaluator: "a/b", planner: "a/b", small: "a/s", embedder: "built-in" }),
      providers: async () => [
        {
          id: "a",
          displayName: "A",
          source: "environment A_KEY",
          state: "ready",
          baseUrl: "https://a.test",
          defaultModel: "b",
        },
      ],
      current: async () => undefined,
      cutShort: async () => [],
      memory: async () => undefined,
      skills: () => [{ source: "bundled", active: 6, inactive: 1 }],
      ledger: {
        record: async () => {},
        recent: async () => [],
        costs: async () => costs(),
      },
      now: () => NOW,
      write: (part) => {
        text += part;
      },
      ...more,
    },
    flags,
  );
  expect(code).toBe(Exit.ok);
  return text;
}

const size: MemorySize = {
  learnings: 12,
  tasks: 1,
  sessions: 1,
  chunks: 560,
  patterns: 2,
  databaseBytes: 1_200_000,
  transcriptBytes: 34_000_000,
  schema: 3,
};

/** What a stretch of time cost. */
function costs(more: Partial<CostSum> = {}): CostSum {
  const saved = { deltaFeedback: 0, skippedEvaluation: 0, caching: 0 };
  return { costUsd: 0, known: true, tasks: 0, calls: 0, tokens: 0, models: [], saved, ...more };
}

describe("status", () => {
  test("of a fresh installation is short and plain", async () => {
    expect(await shown()).toBe(`openkoi 2026.11.23

memory
  nothing yet

skills
  bundled 6

models
  executor   a/b  (environment A_KEY)
  evaluator  a/b  (environment A_KEY)
  planner    a/b  (environment A_KEY)
  small      a/s  (environment A_KEY)
  embedder   built-in

active task
  none

last results
  none yet

cost today
  $0 in 0 tasks
`);
  });

  test("shows the active task, the last results and what today cost", async () => {
    const asked: number[] = [];
    const text = await shown({
      current: async () => active,
      ledger: {
        record: async () => {},
        recent: async (limit) => [result].slice(0, limit),
        costs: async (from) => {
          asked.push(from);
          return costs({ costUsd: 0.25, known: false, tasks: 2 });
        },
      },
    });
    expect(text).toContain(`active task
  20261123-115000-aaaa  running execute 2/3
  Make the failing test pass
  /home/ada/shop
  score 0.62, best 0.70  ≥ $0.05 (price unknown)  12k tokens  1 m 05 s
`);
    expect(text).toContain("  20261123-100000-bbbb  below the threshold 0.74  $0.20  2 h ago  Fix the rounding\n");
    expect(text).toContain("cost today\n  ≥ $0.25 (price unknown) in 2 tasks\n");
    expect(new Date(asked[0]!).getHours()).toBe(0);
    expect(NOW - asked[0]!).toBeLessThan(25 * 3_600_000);
  });

  test("says of a task whose process is gone that it is", async () => {
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    const text = await shown({ current: async () => ({ ...active, pid: gone.pid }) });
    expect(text).toContain("ended without a word (its process is gone)");
    expect(text).toContain("last heard of just now");
  });

  test("does not call a finished task active", async () => {
    expect(await shown({ current: async () => ({ ...active, status: "accepted" }) })).toContain(
      "active task\n  none\n",
    );
  });

  test("without a model says what is missing, and still says the rest", async () => {
    const text = await shown({
      models: () => Promise.reject(new UserError("no provider is ready", "Set ANTHROPIC_API_KEY.")),
    });
    expect(text).toContain("models\n  no provider is ready\n  Set ANTHROPIC_API_KEY.\n");
    expect(text).toContain("cost today");
  });

  test("as JSON is one document for scripts", async () => {
    const document = JSON.parse(await shown({ current: async () => active, memory: async () => size }, { json: true }));
    expect(document).toMatchObject({
      version: "2026.11.23",
      models: { executor: "a/b" },
      problem: null,
      active_task: { task_id: active.task_id, alive: true },
      recent: [],
      today: { costUsd: 0, known: true, tasks: 0 },
      costs: { week: { tasks: 0 }, month: { tasks: 0 } },
      memory: { learnings: 12 },
      memory_problem: null,
    });
  });

  test("says how much is remembered, and how large that is", async () => {
    expect(await shown({ memory: async () => size })).toContain(
      "memory\n  12 learnings, 1 task, 2 patterns  (1.2 MB, transcripts 34 MB)\n",
    );
    const whole = await shown({ memory: async () => size }, { verbose: true });
    expect(whole).toContain("12 learnings, 1 task, 1 session, 560 searchable texts, 2 patterns");
    expect(whole).toContain("  schema 3\n");
    expect(whole).toContain("providers\n  a          ready  (environment A_KEY)\n");
  });

  test("counts skills by source, and says how many are not offered", async () => {
    const skills: SkillCount[] = [
      { source: "bundled", active: 6, inactive: 1 },
      { source: "managed", active: 0, inactive: 0 },
      { source: "user", active: 2, inactive: 0 },
      { source: "proposed", active: 0, inactive: 3 },
    ];
    expect(await shown({ skills: () => skills })).toContain(
      "skills\n  bundled 6, user 2, proposed 0 (3 not offered)\n",
    );
    expect(JSON.parse(await shown({ skills: () => skills }, { json: true })).skills).toEqual(skills);
  });

  test("says why there is no memory, and still says the rest", async () => {
    const text = await shown({
      memory: () => Promise.reject(new UserError("the memory has schema 99", "Update OpenKoi.")),
    });
    expect(text).toContain("memory\n  the memory has schema 99\n  Update OpenKoi.\n");
    expect(text).toContain("cost today");
  });
});

describe("status --costs", () => {
  const sum = costs({
    costUsd: 1.25,
    tasks: 7,
    calls: 61,
    tokens: 123_456,
    models: [
      { model: "anthropic/claude-sonnet", costUsd: 1.2, known: true, calls: 60, tokens: 120_000 },
      {
        model: "local/a-model-with-a-very-long-name-that-goes-on",
        costUsd: 0.05,
        known: false,
        calls: 1,
        tokens: 3456,
      },
    ],
    saved: { deltaFeedback: 4000, skippedEvaluation: 900, caching: 1_200_000 },
  });

  test("shows today, a week and a month, what was saved, and the models, in 80 columns", async () => {
    const asked: number[] = [];
    const text = await shown(
      {
        ledger: {
          record: async () => {},
          recent: async () => [],
          costs: async (from) => {
            asked.push(Math.round((NOW - from) / 86_400_000));
            return asked.length === 1 ? costs() : { ...sum, known: asked.length === 2 };
          },
        },
      },
      { costs: true },
    );
    expect(asked.slice(1)).toEqual([asked[0]! + 6, asked[0]! + 29]);
    expect(text).toBe(`                                 today     last 7 days    last 30 days
  spent                             $0           $1.25         ≥ $1.25
  tasks                              0               7               7
  model calls                        0              61              61
  tokens                             0            123k            123k

tokens saved
  delta feedback                     0            4.0k            4.0k
  judging left out                   0             900             900
  prompt caching                     0            1.2M            1.2M

by model, last 30 days
  anthropic/claude-sonnet                        $1.20    60 calls    120k tokens
  local/a-model-with-a-very-long-name-tha…     ≥ $0.05      1 call    3.5k tokens

≥: the price of a model is unknown; what is known is the least that was spent
`);
    expect(Math.max(...text.split("\n").map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(82);
  });
});
