import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryDatabase, openDatabase } from "../../../src/memory/database.ts";
import { recentUsage, type StoredEvent, wordingsOf } from "../../../src/memory/patterns/events.ts";
import type { Pattern } from "../../../src/memory/patterns/pattern.ts";
import {
  keepPatterns,
  markApproved,
  markDismissed,
  markProposed,
  storedPatterns,
} from "../../../src/memory/patterns/store.ts";
import { putUsage } from "../../../src/memory/usage.ts";
import { DAY, NOW } from "./log.ts";

const opened: { memory: MemoryDatabase; folder: string }[] = [];
afterEach(() => {
  for (const { memory, folder } of opened.splice(0)) {
    memory.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

function open(): MemoryDatabase {
  const folder = mkdtempSync(join(tmpdir(), "openkoi-patterns-"));
  const memory = openDatabase({ path: join(folder, "openkoi.db"), now: () => NOW, onNotice: () => {} });
  opened.push({ memory, folder });
  return memory;
}

function put(memory: MemoryDatabase, id: string, days: number, description = "write the report"): void {
  putUsage(memory, {
    id,
    kind: "task",
    channel: "cli",
    description,
    category: "docs",
    skills: [],
    score: null,
    at: NOW - days * DAY,
    task: id,
    outcome: "ok",
  });
}

function pattern(memory: MemoryDatabase, more: Partial<Pattern<StoredEvent>> = {}): Pattern<StoredEvent> {
  const members = more.members ?? recentUsage(memory, NOW);
  return {
    kind: "time",
    key: "time:task:report-write",
    description: "write the report",
    frequency: "every Monday about 9",
    confidence: 0.8,
    samples: members.length,
    members,
    steps: [{ kind: "task", text: "write the report", group: "report-write" }],
    when: { minute: 543, weekdays: [1] },
    ...more,
  };
}

describe("usage events", () => {
  test("are those of the last 30 days, in both ways of writing times", () => {
    const memory = open();
    put(memory, "old", 31);
    put(memory, "b", 2);
    put(memory, "a", 29.9);
    memory.query("UPDATE usage_events SET timestamp = ? WHERE id = 'b'").run("2026-11-27 22:00:00");
    expect(recentUsage(memory, NOW)).toEqual([
      {
        id: "a",
        at: NOW - 29.9 * DAY,
        kind: "task",
        text: "write the report",
        category: "docs",
        outcome: "ok",
        session: "a",
      },
      {
        id: "b",
        at: NOW - 2 * DAY,
        kind: "task",
        text: "write the report",
        category: "docs",
        outcome: "ok",
        session: "b",
      },
    ]);
    expect(wordingsOf(memory, ["a", "b", "gone"])).toHaveLength(2);
  });
});

describe("patterns", () => {
  test("are read where the times of one are none", () => {
    const memory = open();
    put(memory, "a", 1);
    keepPatterns(memory, [pattern(memory)], NOW);
    memory.query("UPDATE usage_patterns SET first_seen = 'yesterday', last_seen = ''").run();
    expect(storedPatterns(memory)).toMatchObject([{ firstSeen: "1970-01-01T00:00:00.000Z", samples: 1 }]);
    memory.query("UPDATE usage_events SET timestamp = 'yesterday'").run();
    expect(recentUsage(memory, NOW)).toEqual([]);
  });

  function three(): MemoryDatabase {
    const memory = open();
    for (const [at, days] of [20, 13, 6].entries()) put(memory, `e${at}`, days);
    return memory;
  }

  test("are kept with what shows them and when they are due, and read as they were", () => {
    const memory = three();
    const { added } = keepPatterns(memory, [pattern(memory)], NOW);
    expect(added).toHaveLength(1);
    expect(storedPatterns(memory)).toEqual(added);
    expect(added[0]).toMatchObject({
      kind: "time",
      status: "detected",
      samples: 3,
      members: ["e0", "e1", "e2"],
      when: { minute: 543, weekdays: [1] },
      cron: "0 9 * * 1",
      scheduled: false,
      skill: null,
      firstSeen: new Date(NOW - 20 * DAY).toISOString(),
      lastSeen: new Date(NOW - 6 * DAY).toISOString(),
    });
  });

  test("are brought up to date, and known again by their events where their key has changed", () => {
    const memory = three();
    const [first] = keepPatterns(memory, [pattern(memory)], NOW).added;
    markProposed(memory, first!.id, "weekly-report");
    put(memory, "e3", 1);
    const changed = pattern(memory, { key: "time:task:report-weekly-write", confidence: 0.9 });
    expect(keepPatterns(memory, [changed], NOW)).toEqual({ added: [], returned: [] });
    expect(storedPatterns(memory)).toMatchObject([
      { id: first!.id, key: changed.key, confidence: 0.9, samples: 4, status: "proposed", skill: "weekly-report" },
    ]);
  });

  test("that are no habits any more go, but not what was proposed or approved", () => {
    const memory = three();
    const all = ["a", "b", "c"].map((key, at) => pattern(memory, { key, members: [recentUsage(memory, NOW)[at]!] }));
    const { added } = keepPatterns(memory, all, NOW);
    const idOf = (key: string) => added.find((each) => each.key === key)!.id;
    markProposed(memory, idOf("b"), "b");
    markApproved(memory, idOf("c"), true);
    keepPatterns(memory, [], NOW);
    const left = storedPatterns(memory).map(({ key, status, scheduled }) => ({ key, status, scheduled }));
    expect(left.sort((a, b) => (a.key! < b.key! ? -1 : 1))).toEqual([
      { key: "b", status: "proposed", scheduled: false },
      { key: "c", status: "approved", scheduled: true },
    ]);
  });

  test("that were dismissed return only when much surer, or done twice as often", () => {
    const memory = three();
    const { id } = keepPatterns(memory, [pattern(memory)], NOW).added[0]!;
    const again = (more: Partial<Pattern<StoredEvent>>) => {
      markDismissed(memory, id);
      return keepPatterns(memory, [pattern(memory, more)], NOW).returned.map((each) => each.id);
    };
    expect(again({ confidence: 0.94 })).toEqual([]);
    expect(storedPatterns(memory)).toMatchObject([{ status: "dismissed", confidence: 0.8 }]);
    expect(again({ confidence: 0.95 })).toEqual([id]);
    expect(storedPatterns(memory)).toMatchObject([{ status: "detected", confidence: 0.95 }]);
    expect(again({ confidence: 0.95, samples: 5 })).toEqual([]);
    expect(again({ confidence: 0.95, samples: 6 })).toEqual([id]);
  });

  test("of the earlier program, which have no key, stay as they are", () => {
    const memory = three();
    memory
      .query(
        "INSERT INTO usage_patterns (id, pattern_type, description, confidence, sample_count) VALUES ('p1', 'workflow', 'x', 0.8, 3)",
      )
      .run();
    keepPatterns(memory, [], NOW);
    expect(storedPatterns(memory)).toMatchObject([
      { id: "p1", kind: "sequence", key: null, status: "detected", steps: [] },
    ]);
  });
});
