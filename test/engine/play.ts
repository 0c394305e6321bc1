import { expect } from "bun:test";
import type { Event, EventType } from "../../src/contracts/event.ts";
import type { Outcome, Task } from "../../src/contracts/task.ts";
import { run } from "../../src/engine/run.ts";
import { createHub } from "../../src/hub.ts";
import { type FakeKit, fakeTask } from "../fakes/kit.ts";

export interface Played {
  events: Event[];
  /** Undefined where the engine threw. */
  outcome: Outcome | undefined;
  error: unknown;
  /** Events of one type, in order. */
  of<T extends EventType>(type: T): Extract<Event, { type: T }>[];
  /** The outcome as the last event tells it, also where the engine threw. */
  ending: Outcome;
}

export interface PlayOptions {
  task?: Partial<Task>;
  /** What the user says; taken between turns. */
  said?: string[];
  signal?: AbortSignal;
  /** Sees every event as soon as it is durable. */
  watch?: (event: Event) => void;
}

/** Runs the engine through a hub to its end, and checks that its stream is well-formed, whatever happened. */
export async function play(kit: FakeKit, options: PlayOptions = {}): Promise<Played> {
  const events: Event[] = [];
  const task = fakeTask(options.task);
  const hub = createHub({
    task: task.id,
    clock: kit.clock,
    durable: {
      receive(event) {
        events.push(structuredClone(event));
        options.watch?.(event);
      },
    },
    readers: [],
    answer: ({ id: _, ...question }, signal) => kit.ask(question, signal),
    reread: async function* () {},
  });
  const said = options.said ?? [];
  const signal = options.signal ?? new AbortController().signal;
  const input = { take: () => said.splice(0) };
  let outcome: Outcome | undefined;
  let error: unknown;
  try {
    outcome = await hub.drive(run(task, [], input, { ...kit, ask: hub.ask }, signal));
  } catch (thrown) {
    error = thrown;
  }
  expectWellFormed(events);
  expect(kit.clock.sleeping).toBe(0);
  const of = <T extends EventType>(type: T) =>
    events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
  return { events, outcome, error, of, ending: of("task_finished")[0]!.outcome };
}

/** The outcome of a task that must not throw. */
export async function outcomeOf(kit: FakeKit, options: PlayOptions = {}): Promise<Outcome> {
  const { outcome, error } = await play(kit, options);
  if (!outcome) throw error;
  return outcome;
}

function expectWellFormed(events: readonly Event[]): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events[0]?.type).toBe("task_started");
  expect(events.filter((event) => event.type === "task_started")).toHaveLength(1);
  expect(events.at(-1)?.type).toBe("task_finished");
  expect(events.filter((event) => event.type === "task_finished")).toHaveLength(1);
  const { status } = events.flatMap((event) => (event.type === "task_finished" ? [event.outcome] : []))[0]!;
  const cutShort = status === "cancelled" || status === "timeout" || status === "failed";
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === "tool_started") {
      expect(open.has(event.call.id)).toBe(false);
      open.add(event.call.id);
    } else if (event.type === "tool_finished") {
      expect(open.delete(event.id)).toBe(true);
    }
  }
  if (!cutShort) expect([...open]).toEqual([]);
  const asked = events.flatMap((event) => (event.type === "asked" ? [event.question.id] : []));
  const answered = events.flatMap((event) => (event.type === "answered" ? [event.id] : []));
  if (!cutShort) expect(answered).toEqual(asked);
}

/** The types of the events, without the passing ones and without repeats in a row. */
export function outline(events: readonly Event[]): string[] {
  const types = events.map((event) => (event.type === "phase" ? `phase:${event.phase}` : event.type));
  const passing = new Set<string>(["text", "reasoning", "tool_output"]);
  return types.filter((type, at) => !passing.has(type) && type !== types[at - 1]);
}
