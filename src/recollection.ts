import { existsSync } from "node:fs";
import { abortable } from "./base/stream.ts";
import type { Clock } from "./contracts/kit.ts";
import type { Cue, Memento, Memory, MemoryAccess } from "./contracts/memory.ts";
import type { Embedder } from "./contracts/provider.ts";
import type { CallRecord } from "./contracts/task.ts";
import type { MemoryDatabase } from "./memory/database.ts";
import type { SkillRecord } from "./memory/effectiveness.ts";
import type { OpenMemory } from "./memory/memory.ts";
import type { Skills } from "./skills/index.ts";
import { rankSkills } from "./skills/rank.ts";

export interface RecollectionInput {
  /** Opens the database, makes it where there is none; the same each time. */
  database: () => Promise<MemoryDatabase>;
  /** Where it lies. */
  path: string;
  skills: Skills;
  /** The provider's, where one is configured. */
  embedder: () => Promise<Embedder | undefined>;
  /** Replaces secrets: in what is recalled, and in what a provider embeds. A text in which it finds one is not kept. */
  hide: (text: string) => string;
  clock: Clock;
  /** `[memory] learning_decay_rate`, per week. */
  decayRate: number;
  /** Hears what the user should know. */
  warn: (message: string) => void;
  /** Hears what a provider's embedder was paid; absent: it is kept as a call that belongs to no task. */
  spent?: (call: CallRecord) => void;
}

/** A task's memory: lessons and tasks of the store, with the skills that served well beside them. */
export interface Recollection extends Memory, MemoryAccess {
  /** The skills as they stand in the prompt, those that served well first. */
  skillIndex(task: string): Promise<string>;
  /** Goes on with what can wait, for about `ms` milliseconds. Nothing where there is no memory. */
  tend(ms: number, signal: AbortSignal): Promise<void>;
}

/** Where nothing is remembered. */
export const noMemory: Memory = { recall: async () => [], learn: async () => [] };

/** PRODUCT.md section 3. */
const MOST_SKILLS = 3;
/** A skill that is less like the task, or served worse, is not recommended; it stands in the index all the same. */
const LEAST_LIKENESS = 0.15;
const LEAST_MEAN = 0.7;

/**
 * Opened with the first question that needs it. Where there is no memory yet, nothing is opened to find that out: the
 * recorder makes one while the model thinks.
 */
export function createRecollection(input: RecollectionInput): Recollection {
  const { database, skills, clock } = input;
  let opening: Promise<OpenMemory> | undefined;
  let records: Promise<ReadonlyMap<string, SkillRecord>> | undefined;
  const isThere = () => existsSync(input.path);
  const open = () => (opening ??= openMemory(input, recommended));
  /** Another process may be bringing it forward. */
  const opened = (signal: AbortSignal) => abortable(open(), signal);

  function served(): Promise<ReadonlyMap<string, SkillRecord>> {
    records ??= readRecords().catch(() => new Map());
    return isThere() ? records : Promise.resolve(new Map());
  }

  /** Skills that served well in tasks, where this one is like what they are for. */
  async function recommended(cue: Cue): Promise<Memento[]> {
    const known = await served();
    const ranked = rankSkills(skills.offered(), cue.text, (name) => known.get(name)?.mean);
    return ranked
      .flatMap(({ skill, similarity }): Memento[] => {
        const record = known.get(skill.name);
        if (!record || record.mean < LEAST_MEAN || similarity < LEAST_LIKENESS) return [];
        const mean = record.mean.toFixed(2);
        const text = `The skill ${skill.name} served well (mean score ${mean} in ${record.uses} uses); the skill tool opens it.`;
        const why = `like what it is for (${similarity.toFixed(2)}), mean score ${mean}`;
        return [{ kind: "skill", id: skill.name, text, why, tokens: Math.ceil(text.length / 4) }];
      })
      .slice(0, MOST_SKILLS);
  }

  return {
    async recall(cue, signal) {
      // What is stored may be older than the rule that would have hidden it, or come from an import.
      const mementos = isThere() ? await (await opened(signal)).recall(cue, signal) : [];
      return mementos.map((each) => ({ ...each, text: input.hide(each.text), why: input.hide(each.why) }));
    },
    learn: async (lessons, source, signal) => (await opened(signal)).learn(lessons, source, signal),
    search: async (text, most, signal) => (isThere() ? (await opened(signal)).search(text, most, signal) : []),
    save: async (lesson, source, signal) => (await opened(signal)).save(lesson, source, signal),
    learnings: async () => (isThere() ? (await open()).learnings() : []),
    edit: async (id, content, signal) => (isThere() ? (await opened(signal)).edit(id, content, signal) : undefined),
    look: async (id) => (isThere() ? (await open()).look(id) : undefined),
    forget: async (id) => isThere() && (await open()).forget(id),
    async skillIndex(task) {
      const known = skills.offered().length > 0 ? await served() : new Map<string, SkillRecord>();
      return skills.index(task, (name) => known.get(name)?.mean);
    },
    async tend(ms, signal) {
      if (isThere()) await (await opened(signal)).tend(ms, signal);
    },
  };

  async function readRecords(): Promise<ReadonlyMap<string, SkillRecord>> {
    if (!isThere()) return new Map();
    const [{ skillRecords }, memory] = await Promise.all([import("./memory/effectiveness.ts"), database()]);
    return skillRecords(memory);
  }

  async function openMemory(
    { hide, embedder, decayRate, warn, spent }: RecollectionInput,
    skillsFor: (cue: Cue) => Promise<Memento[]>,
  ): Promise<OpenMemory> {
    const [{ createMemory }, { keepCall }, opened] = await Promise.all([
      import("./memory/memory.ts"),
      import("./memory/costs.ts"),
      database(),
    ]);
    return createMemory({
      database: () => opened,
      now: () => clock.now(),
      decayRate,
      hide,
      embedder,
      skills: skillsFor,
      onWarning: warn,
      onSpent: spent ?? ((call) => keepCall(opened, clock.now(), call)),
    });
  }
}
