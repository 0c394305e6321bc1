import { isObject } from "../base/schema.ts";
import { clip } from "../base/text.ts";
import type { Event } from "../contracts/event.ts";
import type { UsageEvent } from "../contracts/memory.ts";
import type { Evaluation, Outcome, Task } from "../contracts/task.ts";
import { initialState, MEASURED, step, type TaskState, UNFINISHED } from "../engine/state.ts";
import { addCallRow } from "../memory/costs.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { restoreLearning } from "../memory/rebuild.ts";
import { noteSize, putCycle, putFinding, putSession, putTask, recordedSeq, resolveFinding } from "../memory/tasks.ts";
import { Words } from "../memory/transcripts.ts";
import { countSkill, putUsage } from "../memory/usage.ts";
import { noteUses } from "../memory/uses.ts";
import { Following } from "./following.ts";
import { CHANNEL, MOST_DESCRIPTION, sessionRow, taskRow } from "./rows.ts";
import { Taught } from "./taught.ts";
import { isPassing } from "./transcript.ts";

/** The category of a task without a plan. */
const NO_CATEGORY = "general";

type Write = (memory: MemoryDatabase) => void;

/**
 * One task as rows of the memory: a fold of its events that says what is to be written. Events up to the number that
 * the memory has already are only remembered, so that nothing is counted twice.
 */
export class Recording {
  readonly id: string;
  #state: TaskState = initialState();
  #task: Task | undefined;
  #category: string | null = null;
  #outcome: Outcome | undefined;
  #completedAt: string | null = null;
  readonly #skills = new Set<string>();
  /** Arguments of the skill tool's calls that are not over, by their ids. */
  readonly #asked = new Map<string, string>();
  #rubric: string | undefined;
  #evaluation: Evaluation | undefined;
  /** Ids of the findings that the last measurement left open. */
  #open = new Set<string>();
  #cycle: { iteration: number; since: number; input: number; output: number } | undefined;
  #seq = 0;
  /** The memory has the events up to this one. */
  #recorded: number | undefined;
  #writes: { seq: number; write: Write }[] = [];
  readonly #words = new Words();
  readonly #following = new Following();
  readonly #taught = new Taught();

  constructor(id: string) {
    this.id = id;
  }

  /** The task as it was last begun. */
  get task(): Task | undefined {
    return this.#task;
  }

  /** Rows that wait to be written; the task's own row is not counted. */
  get waiting(): number {
    return this.#writes.length;
  }

  /** True where the memory lacks something. */
  get isBehind(): boolean {
    return this.#task !== undefined && this.#seq > (this.#recorded ?? 0);
  }

  /** Takes one more event, in order. */
  add(event: Event): void {
    if (isPassing(event.type) || event.seq <= this.#seq) return;
    this.#seq = event.seq;
    this.#state = step(this.#state, event);
    // Helpers have plans and iterations of their own; only what they spend is the task's.
    if (event.agent === "main") {
      this.#following.add(event);
      for (const learning of this.#taught.add(event)) {
        this.#later((memory) => restoreLearning(memory, learning, event.time));
      }
      this.#follow(event);
    }
    if (event.type === "model_finished") this.#addCall(event);
    this.#words.add(event);
  }

  /**
   * Writes what is new, in one transaction. False, and nothing is written, where somebody else has recorded the task
   * meanwhile: then this recording is of no more use.
   */
  write(memory: MemoryDatabase): boolean {
    return memory.transaction(() => {
      const there = recordedSeq(memory, this.id);
      const [category, outcome, completedAt] = [this.#category, this.#outcome, this.#completedAt];
      if (this.#recorded !== undefined && there !== this.#recorded) return false;
      if (this.#task && this.#seq > there) {
        putSession(memory, sessionRow(this.id, this.#state, this.#seq));
        putTask(memory, taskRow(this.id, this.#task, this.#state, { category, outcome, completedAt }));
        for (const { seq, write } of this.#writes) if (seq > there) write(memory);
        this.#recorded = this.#seq;
      } else this.#recorded = there;
      this.#writes = [];
      return true;
    });
  }

  /**
   * Writes the rest and what was said, so that it can be found, and that the transcript, so many bytes long, is recorded as
   * far as it goes.
   */
  complete(memory: MemoryDatabase, bytes: number): boolean {
    return memory.transaction(() => {
      if (!this.write(memory)) return false;
      if (this.#task) this.#words.keep(memory, this.#task);
      noteSize(memory, this.id, bytes);
      return true;
    });
  }

  #later(write: Write): void {
    this.#writes.push({ seq: this.#seq, write });
  }

  #follow(event: Event): void {
    switch (event.type) {
      case "task_started":
      case "resumed":
        this.#task = event.request;
        this.#outcome = undefined;
        this.#completedAt = null;
        this.#note(event, "task", event.request.description, "none");
        break;
      case "planned":
        this.#category = event.plan.category;
        break;
      case "iteration_started":
        this.#cycle = { iteration: event.iteration, since: Date.parse(event.time), input: 0, output: 0 };
        break;
      case "tool_started":
        if (event.call.name === "skill") this.#asked.set(event.call.id, event.call.arguments);
        break;
      case "tool_finished":
        // One that could not be opened was of no use.
        if (!event.result.isError) this.#useSkill(event, this.#asked.get(event.id) ?? "");
        this.#asked.delete(event.id);
        break;
      case "evaluated":
        this.#evaluation = event.evaluation;
        if (event.evaluation.judgement.state === "scored") this.#rubric = event.evaluation.judgement.rubric;
        break;
      case "decided":
        this.#closeCycle(event, event.decision);
        break;
      case "task_finished":
        this.#closeCycle(event, event.outcome.decision ?? event.outcome.status);
        this.#finish(event, event.outcome);
        break;
    }
  }

  #addCall(event: Extract<Event, { type: "model_finished" }>): void {
    const { call } = event;
    if (this.#cycle) {
      this.#cycle.input += call.usage.input + call.usage.cacheRead + call.usage.cacheWrite;
      this.#cycle.output += call.usage.output;
    }
    const at = Date.parse(event.time);
    this.#later((memory) => addCallRow(memory, this.id, at, call));
  }

  #useSkill(event: Event, text: string): void {
    const name = skillName(text);
    if (name === undefined || this.#skills.has(name)) return;
    this.#skills.add(name);
    this.#note(event, "skill", name, "none");
  }

  /** The iteration is over: with its measurement, where there was one. */
  #closeCycle({ time }: Event, decision: string): void {
    const cycle = this.#cycle;
    if (!cycle) return;
    this.#cycle = undefined;
    const { iteration, since, input, output } = cycle;
    const measured = this.#evaluation?.iteration === iteration ? this.#evaluation : undefined;
    const row = {
      task: this.id,
      iteration,
      score: measured?.score ?? null,
      decision,
      inputTokens: input,
      outputTokens: output,
      // A clock that was set back must not make it negative.
      ms: Math.max(0, Date.parse(time) - since),
      createdAt: time,
    };
    this.#later((memory) => putCycle(memory, row));
    if (!measured) return;
    const { findings } = measured;
    const now = new Set(findings.map(({ id }) => id));
    const gone = [...this.#open].filter((id) => !now.has(id));
    this.#open = now;
    this.#later((memory) => {
      for (const finding of findings) putFinding(memory, this.id, iteration, finding);
      for (const id of gone) resolveFinding(memory, this.id, iteration, id);
    });
  }

  #finish(event: Event, outcome: Outcome): void {
    this.#outcome = outcome;
    this.#completedAt = event.time;
    const { score } = outcome;
    const category = this.#category ?? NO_CATEGORY;
    if (this.#task) this.#note(event, "task", this.#task.description, endingOf(outcome));
    for (const name of this.#skills) this.#note(event, "skill", name, endingOf(outcome));
    const { lessons } = this.#following;
    if (MEASURED.has(outcome.status) && lessons.length > 0) {
      const use = { task: this.id, at: event.time, accepted: outcome.status === "accepted" };
      this.#later((memory) => noteUses(memory, use, lessons));
    }
    // One that is resumed is counted when it has really ended.
    if (score === null || UNFINISHED.has(outcome.status)) return;
    const used = new Set([...this.#skills, ...(this.#rubric === undefined ? [] : [this.#rubric])]);
    this.#later((memory) => {
      for (const skill of used) countSkill(memory, { skill, category, score, time: event.time });
    });
  }

  /** A usage event: written at once, and again with what became of it. */
  #note(event: Event, kind: "task" | "skill", text: string, outcome: UsageEvent["outcome"]): void {
    const row = {
      id: kind === "task" ? `${this.id}:task` : `${this.id}:skill:${text}`,
      kind,
      channel: CHANNEL,
      description: clip(text, MOST_DESCRIPTION),
      category: this.#category,
      skills: kind === "task" ? [...this.#skills] : [],
      score: event.type === "task_finished" ? event.outcome.score : null,
      at: Date.parse(event.time),
      task: this.id,
      outcome,
    };
    this.#later((memory) => putUsage(memory, row));
  }
}

/** The skill that a call of the tool names. */
function skillName(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const name = isObject(value) ? value["name"] : undefined;
    return typeof name === "string" && name !== "" ? clip(name, 64) : undefined;
  } catch {
    return undefined;
  }
}

function endingOf({ status }: Outcome): UsageEvent["outcome"] {
  if (status === "accepted" || status === "answered") return "ok";
  return status === "completed" || status === "unmeasured" || status === "cancelled" ? "none" : "failed";
}
