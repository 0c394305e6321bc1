import { termsOf } from "../base/words.ts";
import type { Memento } from "../contracts/memory.ts";
import { lessonNote, type Note, type Piece, taskNote } from "./memento.ts";
import { type Asked, type RecallParts, ranked, relatedLessons, relatedTasks } from "./related.ts";

/** PRODUCT.md section 3. */
const MOST = { antiPatterns: 5, others: 5, tasks: 3 };
/** Similar tasks come only while this share of the tokens is left. */
const LEFT_FOR_TASKS = 0.5;
/** A piece is brought for what is new in it: so many words, and this share of its own. Every request carries it. */
const NEW_WORDS = 2;
/** A number says as much as so many words: column 3 is not column 4. */
const NUMBER = 2;
const NEW_SHARE = 0.25;
/** So many new words make a task worth half of what endless ones would. */
const HALF_WORTH = 8;

/** What earlier tasks taught about this one, in the order and within the limits of PRODUCT.md section 3. */
export function recall(parts: RecallParts, asked: Asked, skills: readonly Memento[]): Memento[] {
  const { cue } = asked;
  const tasks = relatedTasks(parts, asked);
  const lessons = ranked(relatedLessons(parts, asked, tasks));
  const lessonsOf = (isAnti: boolean) =>
    lessons
      .filter(({ learning }) => (learning.type === "anti_pattern") === isAnti)
      .map((each) => lessonNote(each, cue, parts.now));
  const chosen = new Chosen(asked.portrait.terms, cue.tokens);
  chosen.take(lessonsOf(true), MOST.antiPatterns);
  chosen.add(skills);
  chosen.take(lessonsOf(false), MOST.others);
  const notes = tasks.map((each) => ({ note: taskNote(parts.database, each, parts.now), likeness: each.likeness }));
  for (let taken = 0; taken < MOST.tasks && chosen.left >= LEFT_FOR_TASKS * cue.tokens; taken++) {
    // The one that is like the task and has most to say beside what was said already.
    const worth = ({ note, likeness }: (typeof notes)[number]) => {
      const words = chosen.news(note).words;
      return (likeness * words) / (words + HALF_WORTH);
    };
    const best = notes.splice(notes.indexOf(notes.reduce((a, b) => (worth(b) > worth(a) ? b : a), notes[0]!)), 1);
    if (best.length === 0) break;
    chosen.take([best[0]!.note], 1);
  }
  return chosen.mementos;
}

/** What is brought so far, the words that it holds, and the tokens that are left. */
class Chosen {
  readonly mementos: Memento[] = [];
  left: number;
  readonly #said: Set<string>;

  constructor(asked: readonly string[], tokens: number) {
    this.#said = new Set(asked);
    this.left = tokens;
  }

  add(mementos: readonly Memento[]): void {
    for (const memento of mementos) {
      if (memento.tokens > this.left) continue;
      this.mementos.push(memento);
      this.left -= memento.tokens;
    }
  }

  /** Those pieces of a note that say something new, and how many new words they have. */
  news(note: Note): { pieces: Piece[]; words: number } {
    const fresh = new Set<string>();
    const pieces = note.pieces.filter((piece) => {
      const terms = new Set(termsOf(piece.text));
      const unsaid = [...terms].filter((term) => !this.#said.has(term) && !fresh.has(term));
      const news = unsaid.reduce((sum, term) => sum + (/\d/.test(term) ? NUMBER : 1), 0);
      if (news < Math.max(NEW_WORDS, NEW_SHARE * terms.size)) return false;
      for (const term of unsaid) fresh.add(term);
      return true;
    });
    return { pieces, words: fresh.size };
  }

  /** At most so many notes, those that say something new and fit. */
  take(notes: Iterable<Note>, most: number): void {
    let taken = 0;
    for (const note of notes) {
      if (taken >= most) return;
      const { pieces } = this.news(note);
      if (pieces.length === 0) continue;
      const memento = note.tell(pieces);
      if (memento.tokens > this.left) continue;
      this.add([memento]);
      for (const term of pieces.flatMap(({ text }) => termsOf(text))) this.#said.add(term);
      taken++;
    }
  }
}
