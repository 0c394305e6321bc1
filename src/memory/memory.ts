import { UserError } from "../base/errors.ts";
import { timeLimit } from "../base/stream.ts";
import type { Cue, Learned, Learning, Lesson, Memento, Memory, MemoryAccess, MemoryHit } from "../contracts/memory.ts";
import type { Embedder } from "../contracts/provider.ts";
import type { CallRecord } from "../contracts/task.ts";
import type { MemoryDatabase } from "./database.ts";
import { type Allowance, fillSpace, indexWaiting } from "./indexing.ts";
import { Learnings, type Source } from "./learnings.ts";
import { Likeness } from "./likeness.ts";
import { isBusy, patiently } from "./patience.ts";
import { Provided } from "./provided.ts";
import { recall } from "./recall.ts";
import { ALL_SCOPES, kindOfChunk, SCOPES } from "./scope.ts";
import { questionOf, search } from "./search.ts";
import { Spaces } from "./spaces.ts";
import { forgetPiece, pieceText } from "./transcripts.ts";

/** Before a search, what was written since the last one is put into the indexes, for so long at most, ms. */
const CATCH_UP_MS = 60;
/** Learnings that may say the same as a new one. */
const NEAR = 20;

export interface MemoryOptions {
  /** Opened with the first use. @throws UserError where it cannot be used. */
  database: () => MemoryDatabase;
  /** Milliseconds since 1970. */
  now: () => number;
  /** `[memory] learning_decay_rate`, per week. */
  decayRate: number;
  /** Replaces secrets: a text in which it finds one is not kept, and a provider's embedder gets none of them. */
  hide: (text: string) => string;
  /** The provider's embedder; undefined where the built-in one is to serve. May throw: then it serves too. */
  embedder: () => Promise<Embedder | undefined>;
  /** Skills for the cue, which stand between anti-patterns and heuristics. */
  skills: (cue: Cue, signal: AbortSignal) => Promise<Memento[]>;
  /** Hears, in one sentence and once, what does not work as configured. */
  onWarning: (text: string) => void;
  /** Hears what a provider's embedder was paid. Default: nobody does. */
  onSpent?: (call: CallRecord) => void | Promise<void>;
}

/** The memory of a process. */
export interface OpenMemory extends Memory, MemoryAccess {
  /**
   * Goes on with what can wait, for about `ms` milliseconds: chunks into the indexes, vectors of another embedder, words
   * counted anew, what has faded forgotten. True where nothing is left to do. Cheap where there is nothing.
   */
  tend(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** The memory over a database. */
export function createMemory(options: MemoryOptions): OpenMemory {
  return new SearchedMemory(options);
}

class SearchedMemory implements OpenMemory {
  readonly #options: MemoryOptions;
  readonly #provided: Provided;
  #parts: { database: MemoryDatabase; spaces: Spaces; learnings: Learnings } | undefined;
  #likeness: { ref: string; likeness: Likeness } | undefined;

  constructor(options: MemoryOptions) {
    this.#options = options;
    const { embedder, hide, onWarning, onSpent = () => {} } = options;
    this.#provided = new Provided({ open: embedder, hide, onWarning, onSpent });
  }

  get #open() {
    if (this.#parts) return this.#parts;
    const { now, decayRate, hide } = this.#options;
    const database = this.#options.database();
    const learnings = new Learnings({ database, now, decayRate, hide });
    this.#parts = { database, spaces: new Spaces(database, now), learnings };
    return this.#parts;
  }

  /** Weighs words as the vectors do. */
  #compared(): Likeness {
    const { spaces } = this.#open;
    const { ref } = spaces.builtin();
    if (this.#likeness?.ref !== ref) this.#likeness = { ref, likeness: new Likeness(spaces.rarity(ref)) };
    return this.#likeness.likeness;
  }

  async recall(cue: Cue, signal: AbortSignal): Promise<Memento[]> {
    const { database, spaces, learnings } = this.#open;
    this.#catchUp();
    const [provided, skills] = await Promise.all([
      this.#provided.query(spaces, newest(database), cue.text, signal),
      this.#options.skills(cue, signal),
    ]);
    const now = this.#options.now();
    return patiently(() => {
      const likeness = this.#compared();
      const question = questionOf(database, spaces, { text: cue.text, provided });
      const asked = { cue, question, portrait: likeness.portrait(cue.text) };
      return recall({ database, spaces, learnings, likeness, now }, asked, skills);
    }, signal);
  }

  async learn(
    lessons: readonly Lesson[],
    source: { task: string; workspace: string },
    signal: AbortSignal,
  ): Promise<Learned[]> {
    const learned: Learned[] = [];
    for (const lesson of lessons) {
      const kept = await this.#keep(lesson, source, signal);
      if (kept) learned.push(kept);
    }
    return learned;
  }

  async search(text: string, most: number, signal: AbortSignal): Promise<MemoryHit[]> {
    const { database, spaces } = this.#open;
    this.#catchUp();
    const provided = await this.#provided.query(spaces, newest(database), text, signal);
    const question = questionOf(database, spaces, { text, provided, thorough: true });
    const found = search(database, spaces, question, { scopes: ALL_SCOPES, most }, this.#options.now());
    return found.map(({ id, kind, source, text: words, score, workspace, createdAt }) => {
      const named = /^(?:learning|task):(.+)$/.exec(source)?.[1];
      return { id: named ?? id, kind: kindOfChunk(kind), text: words, score, workspace, createdAt };
    });
  }

  async save(lesson: Lesson, source: Source, signal: AbortSignal): Promise<Learned> {
    const learned = await this.#keep(lesson, source, signal);
    if (!learned) throw refusal(lesson.content);
    return learned;
  }

  async learnings(): Promise<Learning[]> {
    this.#catchUp();
    return this.#open.learnings.all();
  }

  async edit(id: string, content: string, signal: AbortSignal): Promise<Learning | undefined> {
    const { learnings } = this.#open;
    const text = learnings.clean(content);
    if (text === undefined) throw refusal(content);
    const edited = await patiently(() => learnings.edit(id, text), signal);
    this.#catchUp();
    return edited;
  }

  async look(id: string): Promise<string | undefined> {
    const { database, learnings } = this.#open;
    return learnings.get(id)?.content ?? pieceText(database, id);
  }

  async forget(id: string): Promise<boolean> {
    const { database, learnings } = this.#open;
    return patiently(() => learnings.forget(id) || forgetPiece(database, id));
  }

  async tend(ms: number, signal: AbortSignal): Promise<boolean> {
    const { database, spaces, learnings } = this.#open;
    const allowance = during(ms, signal);
    await patiently(() => learnings.countUses(), signal, ms);
    await patiently(() => learnings.prune(), signal, ms);
    if (!indexWaiting(database, spaces, allowance)) return false;
    spaces.renew();
    const coming = spaces.coming();
    if (coming && !(await this.#fillBuiltin(coming, allowance))) return false;
    if (!(await this.#fillProvided(allowance, signal))) return false;
    const embedder = await this.#provided.embedder();
    while (!spaces.retire(embedder?.ref)) if (allowance.spent()) return false;
    return true;
  }

  async #fillBuiltin(coming: { ref: string }, allowance: Allowance): Promise<boolean> {
    const { database, spaces } = this.#open;
    const space = spaces.of(coming.ref);
    if (!space) return true;
    const hashing = spaces.hashing(space);
    return fillSpace(database, spaces, space, async (texts) => texts.map((text) => hashing.embedText(text)), allowance);
  }

  /** True where there is none, it failed, or it has caught up. */
  async #fillProvided(allowance: Allowance, signal: AbortSignal): Promise<boolean> {
    const { database, spaces } = this.#open;
    const embedder = await this.#provided.embedder();
    if (!embedder) return true;
    if (!spaces.of(embedder.ref)) {
      // How long its vectors are only its answer tells for certain.
      const first = database.query<{ text: string }, []>("SELECT text FROM memory_chunks LIMIT 1").get();
      const [vector] = first ? ((await this.#provided.vectors([first.text], signal)) ?? []) : [];
      if (!vector) return true;
      spaces.provided(embedder.ref, vector.length);
    }
    const embed = async (texts: readonly string[]) => {
      const vectors = await this.#provided.vectors(texts, signal);
      const length = vectors?.[0]?.length;
      if (length === undefined || length === spaces.of(embedder.ref)?.dimensions) return vectors;
      // The model gives vectors of another length now: they begin a set of their own.
      spaces.provided(embedder.ref, length);
      return undefined;
    };
    return fillSpace(database, spaces, embedder, embed, allowance);
  }

  async #keep(lesson: Lesson, source: Source, signal: AbortSignal): Promise<Learned | undefined> {
    const { database, spaces, learnings } = this.#open;
    const content = learnings.clean(lesson.content);
    if (content === undefined) return undefined;
    this.#catchUp();
    const learned = await patiently(() => {
      const question = questionOf(database, spaces, { text: content });
      const found = search(database, spaces, question, { scopes: [SCOPES.learning], most: NEAR }, this.#options.now());
      const near = found.map((each) => each.source.slice("learning:".length));
      return learnings.keep({ ...lesson, content }, source, near, this.#compared());
    }, signal);
    this.#catchUp();
    return learned;
  }

  #catchUp(): void {
    const { database, spaces, learnings } = this.#open;
    try {
      learnings.countUses();
      indexWaiting(database, spaces, during(CATCH_UP_MS));
    } catch (error) {
      // What waits can wait until the other process has written.
      if (!isBusy(error)) throw error;
    }
  }
}

function refusal(content: string): UserError {
  return content.trim() === ""
    ? new UserError("an empty lesson cannot be remembered", "Say what is to be remembered.")
    : new UserError("a text that holds a secret is not remembered", "Say it without the secret.");
}

/** The number of the newest chunk; 0 where there is none. */
function newest(database: MemoryDatabase): number {
  return database.query<{ n: number | null }, []>("SELECT max(n) AS n FROM memory_chunks").get()?.n ?? 0;
}

function during(ms: number, signal?: AbortSignal): Allowance {
  return { spent: timeLimit(ms, signal) };
}
