import type { Cue, Learned, Learning, Lesson, Memento, Memory } from "../../src/contracts/memory.ts";

export interface FakeMemory extends Memory {
  /** What it was asked with. */
  readonly cues: Cue[];
  /** What it was told, in order. */
  readonly lessons: Lesson[];
}

/** A note that a task of earlier left. */
export function memento(id: string, text: string, kind: Memento["kind"] = "heuristic"): Memento {
  return { kind, id, text, why: "it is alike", tokens: Math.ceil(text.length / 4) };
}

/** A memory that gives back `known`, whatever it is asked, and remembers what it was told. */
export function fakeMemory(known: readonly Memento[] = [], failure?: Error): FakeMemory {
  const cues: Cue[] = [];
  const lessons: Lesson[] = [];
  const refuse = () => {
    if (failure) throw failure;
  };
  return {
    cues,
    lessons,
    async recall(cue) {
      cues.push(cue);
      refuse();
      return [...known];
    },
    async learn(told, source) {
      refuse();
      lessons.push(...told);
      return told.map((lesson, at): Learned => ({ learning: kept(lesson, source, `l${at + 1}`), is: "new" }));
    },
  };
}

/** A lesson as a memory keeps it. */
export function kept(lesson: Lesson, source: { task: string | null; workspace: string | null }, id: string): Learning {
  return {
    ...lesson,
    id,
    sourceTask: source.task,
    workspace: source.workspace,
    reinforced: 0,
    recalled: 0,
    helped: 0,
    createdAt: "2026-11-23T10:00:00.000Z",
    lastUsed: null,
  };
}
