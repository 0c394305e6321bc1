import type { Event, Reader } from "../contracts/event.ts";
import type { Activity, Span } from "../contracts/workspace.ts";

/** A process may have worked for so long after it was last seen alive (`BEAT` of transcript.ts, and some), ms. */
const AFTERLIFE = 1_500;

/** Collects when a task acts, from its events. */
export interface ActivityReader extends Reader {
  /** So far. */
  readonly activity: Activity;
  recall(history: readonly Event[]): void;
  receive(event: Event): void;
  /** The process is gone, and was last seen alive then (ms): what it had begun did not go on for longer. */
  end(lastAlive: number): void;
}

/** A reader that knows when its task acted. */
export function createActivity(): ActivityReader {
  const collected = new Collected();
  return {
    get activity() {
      return collected.activity;
    },
    recall(history) {
      for (const event of history) collected.add(event);
    },
    receive: (event) => collected.add(event),
    end: (lastAlive) => collected.endAll(lastAlive + AFTERLIFE),
  };
}

class Collected {
  private readonly past: Span[] = [];
  private readonly named = new Map<string, number>();
  /** When what is under way began, by what it is. */
  private readonly open = new Map<string, number>();
  /** Commands that are to go on in the background, by their call. */
  private readonly background = new Set<string>();
  /** Calls that wait for a person: nothing happens meanwhile. */
  private waiting: string[] = [];

  get activity(): Activity {
    const lasting = [...this.open].map(([key, from]) => spanOf(key, from, Number.POSITIVE_INFINITY));
    return { spans: [...this.past, ...lasting], named: this.named };
  }

  add(event: Event): void {
    const time = Date.parse(event.time);
    switch (event.type) {
      case "tool_started": {
        if (event.effect === "read") break;
        const key = `call ${event.agent} ${event.call.id}`;
        this.open.set(key, time);
        if (/"background"\s*:\s*true/.test(event.call.arguments)) this.background.add(key);
        break;
      }
      case "tool_finished": {
        const key = `call ${event.agent} ${event.id}`;
        for (const path of event.result.changed ?? []) this.named.set(path, time);
        if (event.result.isError || !this.background.has(key)) this.end(key, time);
        break;
      }
      case "check_started":
        this.open.set(`check ${event.agent} ${event.check.id}`, time);
        break;
      case "check_finished":
        this.end(`check ${event.agent} ${event.result.check.id}`, time);
        break;
      case "asked":
        if (event.question.kind !== "permission") break;
        this.waiting = [...this.open.keys()].filter((key) => key.startsWith("call ") && !this.background.has(key));
        for (const key of this.waiting) this.end(key, time);
        break;
      case "answered":
        for (const key of this.waiting.splice(0)) this.open.set(key, time);
        break;
      case "resumed":
        this.endAll(event.lastAlive === undefined ? time : Math.min(time, Date.parse(event.lastAlive) + AFTERLIFE));
        break;
      case "task_finished":
        this.endAll(time);
    }
  }

  endAll(time: number): void {
    for (const key of [...this.open.keys()]) this.end(key, time);
    this.background.clear();
    this.waiting = [];
  }

  private end(key: string, time: number): void {
    const from = this.open.get(key);
    if (from === undefined) return;
    this.open.delete(key);
    this.past.push(spanOf(key, from, Math.max(from, time)));
  }
}

function spanOf(key: string, from: number, to: number): Span {
  return { from, to, ...(key.startsWith("check ") ? { check: true as const } : {}) };
}
