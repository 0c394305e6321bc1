import { isObject } from "../base/schema.ts";
import type { Event } from "../contracts/event.ts";
import type { Learning } from "../contracts/memory.ts";

/** What the `memory` tool answers when it has kept something new (tools/memory.ts). */
const REMEMBERED = /^Remembered as (\w+)\.$/;
/** How sure a lesson is that the agent noted itself (tools/memory.ts). */
const NOTED = 0.7;

/** The lessons that a task left in the memory: a fold of its events, for a memory that has lost them. */
export class Taught {
  /** Texts that are to be saved, by their calls. */
  readonly #saving = new Map<string, string>();
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
        const text = event.call.name === "memory" ? savedText(event.call.arguments) : undefined;
        if (text !== undefined) this.#saving.set(event.call.id, text);
        return [];
      }
      case "tool_finished": {
        const content = this.#saving.get(event.id);
        const id = REMEMBERED.exec(event.result.text)?.[1];
        this.#saving.delete(event.id);
        return content === undefined || id === undefined ? [] : [this.#saved(id, content, event)];
      }
      default:
        return [];
    }
  }

  #saved(id: string, content: string, { task, time }: Event): Learning {
    return {
      id,
      type: "preference",
      content,
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

/** The text of a call that saves, as it is kept. */
function savedText(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    if (!isObject(value) || value["action"] !== "save" || typeof value["text"] !== "string") return undefined;
    return value["text"].replace(/\s+/g, " ").trim();
  } catch {
    return undefined;
  }
}
