import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Learned, Lesson } from "../../src/contracts/memory.ts";
import type { Embedder } from "../../src/contracts/provider.ts";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { createMemory, type MemoryOptions, type OpenMemory } from "../../src/memory/memory.ts";
import { type Followed, noteUses } from "../../src/memory/uses.ts";

export const START = Date.parse("2026-11-23T10:00:00Z");
export const DAY = 24 * 60 * 60 * 1000;
export const never = new AbortController().signal;

/** A memory in a folder of its own. */
export interface Rig extends Disposable {
  memory: OpenMemory;
  database: MemoryDatabase;
  /** Milliseconds; a test moves it. */
  clock: { now: number };
  warnings: string[];
  /** Learns one lesson in `/work`, taught by task `t1` where that is recorded. */
  learn(content: string, more?: Partial<Lesson> & { task?: string; workspace?: string }): Promise<Learned | undefined>;
  /** Records a task that has ended. */
  task(id: string, description: string, more?: { summary?: string; workspace?: string; status?: string }): void;
  /** Records that a task has ended for which these lessons were recalled. */
  used(task: string, accepted: boolean, lessons: readonly Followed[]): void;
  /** Keeps a note as it is. */
  note(text: string, kind?: string): void;
}

export function openRig(options: Partial<MemoryOptions> = {}): Rig {
  const dir = mkdtempSync(join(tmpdir(), "openkoi-memory-"));
  const clock = { now: START };
  const warnings: string[] = [];
  const now = () => clock.now;
  const database = openDatabase({ path: join(dir, "openkoi.db"), now, onNotice: (text) => warnings.push(text) });
  const memory = createMemory({
    database: () => database,
    now,
    decayRate: 0.05,
    hide: (text) => text,
    embedder: async () => undefined,
    skills: async () => [],
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  let notes = 0;
  return {
    memory,
    database,
    clock,
    warnings,
    async learn(content, { task = "t1", workspace = "/work", ...more } = {}) {
      const lesson: Lesson = { type: "heuristic", content, category: "code", confidence: 0.7, ...more };
      return (await memory.learn([lesson], { task, workspace }, never))[0];
    },
    task(id, description, { summary = "Done.", workspace = "/work", status = "accepted" } = {}) {
      database
        .query(
          `INSERT INTO tasks (id, description, status, final_score, iterations, summary, workspace, created_at)
           VALUES (?, ?, ?, 0.9, 2, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET description = excluded.description, status = excluded.status,
             final_score = excluded.final_score, iterations = excluded.iterations, summary = excluded.summary,
             workspace = excluded.workspace`,
        )
        .run(id, description, status, summary, workspace, new Date(now()).toISOString());
    },
    used(task, accepted, lessons) {
      this.task(task, `Task ${task}`, { status: accepted ? "accepted" : "below" });
      noteUses(database, { task, at: new Date(now()).toISOString(), accepted }, lessons);
    },
    note(text, kind = "note") {
      database
        .query("INSERT INTO memory_chunks (id, source, text, created_at, kind) VALUES (?, 'test', ?, ?, ?)")
        .run(`note-${++notes}`, text, new Date(now()).toISOString(), kind);
    },
    [Symbol.dispose]() {
      database.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** An embedder that counts what it is asked and knows synonyms: texts with words of the same group are near. */
export function fakeEmbedder(groups: readonly string[][], options: { ref?: string; dimensions?: number } = {}) {
  const dimensions = options.dimensions ?? 16;
  const asked: string[][] = [];
  let failure: Error | undefined;
  const embedder: Embedder = {
    ref: options.ref ?? "fake/meanings",
    dimensions,
    async embed(texts, signal) {
      signal.throwIfAborted();
      if (failure) throw failure;
      asked.push([...texts]);
      const vectors = texts.map((text) => {
        const vector = new Float32Array(dimensions);
        vector[dimensions - 1] = 0.2;
        for (const [at, words] of groups.entries()) {
          if (words.some((word) => text.toLowerCase().includes(word))) vector[at] = 1;
        }
        const length = Math.hypot(...vector);
        return vector.map((value) => value / length);
      });
      return { vectors, tokens: 1 };
    },
  };
  return {
    embedder,
    asked,
    fail(error: Error) {
      failure = error;
    },
  };
}
