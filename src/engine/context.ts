import type { Input, Kit } from "../contracts/kit.ts";
import type { Memento } from "../contracts/memory.ts";
import type { Ask } from "../contracts/question.ts";
import type { Saved, Task } from "../contracts/task.ts";
import { Budget } from "./budget.ts";
import type { History } from "./history.ts";
import { Window } from "./window.ts";
import { WorkClock } from "./work-clock.ts";

/** What the parts of the cycle share while one task runs. */
export interface Context {
  task: Task;
  kit: Kit;
  input: Input;
  budget: Budget;
  work: WorkClock;
  /** Aborts when the user interrupts or the time is used up. */
  signal: AbortSignal;
  /** `kit.ask`, with the work clock standing while a person thinks. */
  ask: Ask;
  /** What the executor's model can take. */
  window: Window;
  /** The description of the place, made once. */
  surroundings: string;
  /** Who the executor is to be, and the skills it may choose from; made once. */
  soul: string;
  skills: string;
  /** What was piped in, marked as data and as much of it as fits; "" where nothing was. */
  piped: string;
  /** What earlier tasks taught about this one. */
  recalled: readonly Memento[];
  /** What the user said while the task ran, in order: from then on a part of the task. */
  said: string[];
  /** Tokens of the last judging: what leaving one out saves. */
  judging: number;
  saved: Saved;
}

/** The work clock runs from here on; whoever creates a context closes `work`. `past`: see history.ts. */
export function createContext(task: Task, past: History, input: Input, kit: Kit, signal: AbortSignal): Context {
  const work = new WorkClock(kit.clock, kit.limits.timeoutMs, past);
  return {
    task,
    kit,
    input,
    budget: new Budget(kit.limits, past.spent),
    work,
    signal: AbortSignal.any([signal, work.signal]),
    async ask(question, askSignal) {
      work.pause();
      try {
        return await kit.ask(question, askSignal);
      } finally {
        work.resume();
      }
    },
    window: new Window(kit.models.executor.info),
    surroundings: "",
    soul: "",
    skills: "",
    piped: "",
    recalled: past.recalled ?? [],
    said: past.said,
    judging: past.judging,
    saved: past.saved,
  };
}
