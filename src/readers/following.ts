import { isObject } from "../base/schema.ts";
import { termsOf } from "../base/words.ts";
import type { Event } from "../contracts/event.ts";
import type { Memento } from "../contracts/memory.ts";
import type { Message } from "../contracts/message.ts";
import type { Followed } from "../memory/uses.ts";

/**
 * Which of the recalled lessons a task followed: a fold of its events. A lesson's own terms are those that neither the task
 * nor the place says. Those that stand in the plan, in the arguments of a call or in the agent's words before the agent could
 * read them anywhere else were taken from the lesson; those that a file, an output, a finding or the user had said first
 * were not. So a lesson that repeats what everybody can read earns nothing, and one that came too late neither.
 */
export class Following {
  readonly #lessons = new Map<string, { own: Set<string>; taken: Set<string> }>();
  /** As they stood in the prompts. */
  #notes: string[] = [];
  /** Terms of lessons that nobody has said yet. */
  readonly #unsaid = new Set<string>();
  readonly #told = new Set<string>();

  /** Takes one more event of the main agent, in order. */
  add(event: Event): void {
    switch (event.type) {
      case "task_started":
      case "resumed":
        for (const term of termsOf(`${event.request.description}\n${event.request.context ?? ""}`))
          this.#told.add(term);
        break;
      case "recalled":
        this.#begin(event.mementos);
        break;
      case "planned":
        if (event.source === "model") this.#write([...event.plan.steps, ...event.plan.checks].join("\n"));
        break;
      case "conversation":
        this.#knew(this.#withoutNotes(event.system));
        break;
      case "message":
        if (event.message.role === "assistant") this.#write(wordsOf(event.message));
        else this.#read(this.#withoutNotes(wordsOf(event.message)));
        break;
      case "tool_finished":
        this.#read(event.result.text);
        break;
      case "steered":
        this.#read(event.text);
        break;
    }
  }

  /** What became of each lesson so far. */
  get lessons(): Followed[] {
    return [...this.#lessons].map(([id, { own, taken }]) => ({ id, own, taken }));
  }

  #begin(mementos: readonly Memento[]): void {
    const lessons = mementos.filter(({ kind }) => kind !== "skill" && kind !== "task");
    this.#notes = mementos.map(({ text }) => text);
    for (const { id, text } of lessons) {
      // `Worked before (2026-11-20): …`: how a note begins is not the lesson's.
      const own = new Set(termsOf(text.slice(text.indexOf(": ") + 1)).filter((term) => !this.#told.has(term)));
      this.#lessons.set(id, { own, taken: new Set() });
      for (const term of own) this.#unsaid.add(term);
    }
  }

  #withoutNotes(text: string): string {
    return this.#notes.reduce((rest, note) => rest.replaceAll(note, ""), text);
  }

  #write(text: string): void {
    for (const term of this.#firstSaid(text)) {
      for (const { own, taken } of this.#lessons.values()) if (own.has(term)) taken.add(term);
    }
  }

  #read(text: string): void {
    this.#firstSaid(text);
  }

  /** What was known from the beginning: no lesson's own. */
  #knew(text: string): void {
    if (this.#lessons.size === 0) return;
    for (const term of termsOf(text)) {
      this.#unsaid.delete(term);
      for (const { own, taken } of this.#lessons.values()) {
        own.delete(term);
        taken.delete(term);
      }
    }
  }

  /** Terms of lessons that this text is the first to say. */
  #firstSaid(text: string): string[] {
    // Most tasks recall little, and most of what is said in them is long.
    if (this.#unsaid.size === 0) return [];
    return termsOf(text).filter((term) => this.#unsaid.delete(term));
  }
}

/** What a message says; of the agent's also what it asks its tools to do, but not what it thought by the way. */
function wordsOf({ blocks }: Message): string {
  return blocks
    .flatMap((block) => {
      if (block.type === "text" || block.type === "tool_result") return [block.text];
      return block.type === "tool_call" ? stringsIn(block.arguments) : [];
    })
    .join("\n");
}

/** The texts of a call's arguments, without the names of its parameters. */
function stringsIn(json: string): string[] {
  try {
    return textsOf(JSON.parse(json));
  } catch {
    return [json];
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return isObject(value) ? Object.values(value).flatMap(textsOf) : [];
}
