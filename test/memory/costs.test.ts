import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { addCallRow, costsOf, keepCall } from "../../src/memory/costs.ts";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { putSession } from "../../src/memory/tasks.ts";
import { makeEarlier } from "./earlier.ts";

const T0 = Date.parse("2026-11-23T00:00:00Z");
let dir: string;
let memory: MemoryDatabase;
const open = () => openDatabase({ path: join(dir, "openkoi.db"), now: () => T0, onNotice: () => {} });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-costs-"));
});
afterEach(() => {
  memory.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Call {
  task: string;
  at: number;
  model: string;
  cost: number | null;
  input: number;
}

function add({ task, at, model, cost, input }: Call): void {
  const time = new Date(at).toISOString();
  const last = memory
    .query<{ at: string }, [string]>("SELECT updated_at AS at FROM sessions WHERE id = ?")
    .get(task)?.at;
  const updatedAt = last !== undefined && last > time ? last : time;
  const session = { id: task, channel: "cli", model, tokens: 0, costUsd: 0, createdAt: time, transcript: "", seq: 1 };
  putSession(memory, { ...session, updatedAt });
  memory.query("INSERT OR IGNORE INTO tasks (id, description, model, session_id) VALUES (?1, '', 'a/b', ?1)").run(task);
  const usage = { input, output: 10, cacheRead: 5000, cacheWrite: 1, reasoning: 0 };
  addCallRow(memory, task, at, { role: "executor", model, usage, costUsd: cost, ms: 1, stop: "end" });
}

describe("what a stretch of time cost", () => {
  test("holds calls that belong to no task", async () => {
    memory = open();
    add({ task: "t1", at: T0 + 1, model: "a/x", cost: 1, input: 100 });
    const usage = { input: 50, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
    await keepCall(memory, T0 + 2, { role: "embedder", model: "v/e", usage, costUsd: 0.5, ms: 1, stop: "end" });
    expect(costsOf(memory, T0, T0 + 10)).toMatchObject({ costUsd: 1.5, calls: 2, tasks: 1 });
  });

  test("is the sum of its calls, whatever the tasks and models", () => {
    const call = fc.record({
      task: fc.constantFrom("t1", "t2", "t3"),
      at: fc.integer({ min: T0, max: T0 + 1000 }),
      model: fc.constantFrom("a/x", "a/y", "b/x", ""),
      cost: fc.option(fc.integer({ min: 0, max: 100 }).map((cents) => cents / 128)),
      input: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 30 }), fc.integer({ min: 0, max: 1000 }), (calls, share) => {
        rmSync(dir, { recursive: true, force: true });
        memory = open();
        for (const one of calls) add(one);
        const from = T0 + share;
        const sum = costsOf(memory, from, T0 + 900);
        const counted = calls.filter(({ at }) => at >= from && at < T0 + 900);
        expect(sum.calls).toBe(counted.length);
        expect(sum.tasks).toBe(new Set(counted.map(({ task }) => task)).size);
        expect(sum.costUsd).toBeCloseTo(
          counted.reduce((total, { cost }) => total + (cost ?? 0), 0),
          9,
        );
        expect(sum.known).toBe(counted.every(({ cost }) => cost !== null));
        expect(sum.tokens).toBe(counted.reduce((total, { input }) => total + input + 11, 0));
        expect(sum.models.map(({ model }) => model).sort()).toEqual(
          [...new Set(counted.map(({ model }) => model))].sort(),
        );
        expect(sum.models.map(({ costUsd }) => costUsd)).toEqual(
          sum.models.map(({ costUsd }) => costUsd).sort((a, b) => b - a),
        );
        memory.close();
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test("counts the tasks of the earlier program, which kept sums only", () => {
    makeEarlier(join(dir, "openkoi.db"), 2);
    memory = open();
    const sum = costsOf(memory, Date.parse("2026-01-01T00:00:00Z"), Number.POSITIVE_INFINITY);
    expect(sum).toMatchObject({ costUsd: 0.04, tasks: 1, tokens: 1200, models: [{ model: "anthropic/claude" }] });
    expect(costsOf(memory, T0, Number.POSITIVE_INFINITY).tasks).toBe(0);
  });

  test("is read from an index alone, so that a million calls are no matter", () => {
    memory = open();
    const plan = memory
      .query<{ detail: string }, []>(
        "EXPLAIN QUERY PLAN SELECT total(cost_usd), sum(input + cache_write + output) FROM model_calls WHERE model = 'a' AND at >= 1",
      )
      .all();
    expect(plan.map(({ detail }) => detail).join()).toContain("USING COVERING INDEX idx_calls_model");
  });
});
