import type { MemoryDatabase } from "../../src/memory/database.ts";
import { random } from "../draws.ts";

/** What a full memory is made of, in parts of a thousand; the rest are pieces of transcripts. */
const LEARNINGS = 10;
const TASKS = 100;

/** Makes texts of 15 to 35 words: most from `vocabulary` as often as they stand there, some that are rare or occur once. */
export function textMaker(vocabulary: readonly string[], seed: string): () => string {
  const { next, int } = random("memory", seed);
  const word = () => {
    if (next() < 0.8) return vocabulary[int(0, vocabulary.length - 1)]!;
    return `${vocabulary[int(0, 400)]}${Math.floor(Math.exp(next() * 12))}`;
  };
  return () => Array.from({ length: int(15, 35) }, word).join(" ");
}

/** Writes rows number `from` to `to` as the program does: learnings, ended tasks, pieces of transcripts. Nothing is indexed. */
export function writeRows(database: MemoryDatabase, texts: () => string, from: number, to: number): void {
  database.transaction(() => {
    const learning = database.query(
      "INSERT INTO learnings (id, type, content, category, confidence, created_at, workspace) VALUES (?, ?, ?, 'code', 0.7, ?, ?)",
    );
    const task = database.query(
      "INSERT INTO tasks (id, description, status, final_score, iterations, summary, created_at, workspace) VALUES (?, ?, 'accepted', 0.9, 2, 'Done.', ?, ?)",
    );
    const chunk = database.query(
      "INSERT INTO memory_chunks (id, source, text, created_at, kind, workspace) VALUES (?, ?, ?, ?, 'transcript', ?)",
    );
    for (let at = from; at < to; at++) {
      const day = new Date(Date.UTC(2026, 0, 1) + (at % 300) * 86_400_000).toISOString();
      const place = `/work/${at % 20}`;
      const part = at % 1000;
      if (part < LEARNINGS) learning.run(`l${at}`, at % 2 ? "heuristic" : "anti_pattern", texts(), day, place);
      else if (part < LEARNINGS + TASKS) task.run(`t${at}`, texts(), day, place);
      else chunk.run(`c${at}`, `transcript:t${at}#1`, texts(), day, place);
    }
  });
}
