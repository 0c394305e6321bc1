import { isObject } from "../base/schema.ts";
import type { Event } from "../contracts/event.ts";
import type { Learning } from "../contracts/memory.ts";
import { plainName, readArguments } from "../tools/arguments.ts";

/** What the `memory` tool answers when it has kept something new (tools/memory.ts); a note may follow (tools/define.ts). */
const REMEMBERED = /^Remembered as (\w+)\.(?:\n|$)/;
/** How sure a lesson is that the agent noted itself (tools/memory.ts). */
const NOTED = 0.7;

/** The lessons that a task left in the memory: a fold of its events, for a memory that has lost them. */
export class Taught {
  /** What is to be saved, by the calls that do. */
  readonly #saving = new Map<string, Saving>();
  #workspace: string | null = null;

  /** Takes one more event of the main agent; returns the lessons that it kept, as they were then. */
  add(event: Event): Learning[] {
    switch (event.type) {
      case "task_started":
      case "resumed":
        this.#workspace = event.request.workspace;
        return [];
      case "learned":
        return event.learned.map(({ learning }) => learning);
      case "tool_started": {
        const saving = plainName(event.call.name) === "memory" ? savingOf(event.call.arguments) : undefined;
        if (saving !== undefined) this.#saving.set(event.call.id, saving);
        return [];
      }
      case "tool_finished": {
        const saving = this.#saving.get(event.id);
        const id = REMEMBERED.exec(event.result.text)?.[1];
        this.#saving.delete(event.id);
        return saving === undefined || id === undefined ? [] : [this.#saved(id, saving, event)];
      }
      default:
        return [];
    }
  }

  #saved(id: string, saving: Saving, { task, time }: Event): Learning {
    return {
      id,
      ...saving,
      category: "",
      confidence: NOTED,
      sourceTask: task,
      workspace: this.#workspace,
      reinforced: 0,
      recalled: 0,
      helped: 0,
      createdAt: time,
      lastUsed: null,
    };
  }
}

type Saving = Pick<Learning, "type" | "content">;

/** What the calls of the tool keep, by their action (tools/memory.ts). */
const KEEPS: Readonly<Record<string, Learning["type"]>> = { save: "heuristic", wish: "preference" };

/** What a call saves, as it is kept. */
function savingOf(json: string): Saving | undefined {
  try {
    const value = readArguments(json);
    if (!isObject(value) || typeof value["text"] !== "string") return undefined;
    const type = KEEPS[String(value["action"])];
    return type && { type, content: value["text"].replace(/\s+/g, " ").trim() };
  } catch {
    return undefined;
  }
}
