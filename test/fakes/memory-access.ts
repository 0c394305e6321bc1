import type { Learning, MemoryAccess, MemoryHit } from "../../src/contracts/memory.ts";
import { kept } from "./memory.ts";

export interface FakeMemoryAccess extends MemoryAccess {
  /** What was searched for. */
  readonly searched: string[];
  readonly kept: Learning[];
}

/** A memory that finds `hits`, whatever is searched, and keeps what it is told. */
export function fakeMemoryAccess(hits: readonly MemoryHit[] = []): FakeMemoryAccess {
  const searched: string[] = [];
  const learnings: Learning[] = [];
  return {
    searched,
    kept: learnings,
    async search(text, most) {
      searched.push(text);
      return hits.slice(0, most);
    },
    async save(lesson, source) {
      const known = learnings.find(({ content }) => content === lesson.content);
      if (known) return { learning: known, is: "reinforced" };
      const learning = kept(lesson, source, `l${learnings.length + 1}`);
      learnings.push(learning);
      return { learning, is: "new" };
    },
    learnings: async () => learnings,
    edit: async () => undefined,
    look: async (id) => learnings.find((learning) => learning.id === id)?.content,
    async forget(id) {
      const at = learnings.findIndex((learning) => learning.id === id);
      if (at >= 0) learnings.splice(at, 1);
      return at >= 0;
    },
  };
}
