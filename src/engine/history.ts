import type { Event } from "../contracts/event.ts";
import type { CheckResult } from "../contracts/evidence.ts";
import type { Memento } from "../contracts/memory.ts";
import type { StopReason } from "../contracts/message.ts";
import type { Saved, Spent } from "../contracts/task.ts";
import type { FileChange } from "../contracts/workspace.ts";
import { addCall, countedTokens, nothingSaved, nothingSpent } from "./budget.ts";
import { compacted } from "./compaction.ts";
import { type Conversation, closingWords, newConversation } from "./conversation.ts";
import { measure } from "./measure.ts";
import { noProgress, note, type Progress } from "./progress.ts";
import { isSkipped } from "./verdict.ts";

/** What earlier runs of a task left to the next one; of a new task, nothing. */
export interface History {
  progress: Progress;
  spent: Spent;
  saved: Saved;
  /** Milliseconds of work, and of the clock while one of its runs went on. */
  workMs: number;
  wallMs: number;
  /** What the user said meanwhile. */
  said: string[];
  /** Tokens of the last judging. */
  judging: number;
  /** What was recalled when it began; undefined where it did not come so far. */
  recalled: Memento[] | undefined;
}

/** What is needed between two events, and is of no use after the last one. */
interface Reading extends History {
  baseline: Map<string, CheckResult>;
  /** How the executor's last call ended; its message follows. */
  stop: StopReason;
  changes: FileChange[];
  /** Counted tokens when the running evaluation began. */
  beforeJudging: number;
  /** When the open question was asked, ms. */
  askedAt: number;
  /** The call with effects that is under way in this run: who asks, asks for it. There is only one at a time. */
  underWay: string | undefined;
}

/**
 * Folds the durable events of a task that was cut short into what is known of it. What had not ended (a model call, an
 * evaluation) has left nothing behind and is begun again; calls of tools are told apart one by one. `lastAlive`: when the last of its runs was last seen alive, ISO time.
 * Pure.
 */
export function foldHistory(events: readonly Event[], lastAlive?: string): History {
  const reading: Reading = {
    progress: noProgress(),
    spent: nothingSpent(),
    saved: nothingSaved(),
    workMs: 0,
    wallMs: wallOf(events, lastAlive),
    said: [],
    judging: 0,
    recalled: undefined,
    baseline: new Map(),
    stop: "end",
    changes: [],
    beforeJudging: 0,
    askedAt: 0,
    underWay: undefined,
  };
  for (const event of events) {
    readPlace(reading, event);
    readConversation(reading, event);
    readCosts(reading, event);
  }
  const { progress, spent, saved, workMs, wallMs, said, judging, recalled } = reading;
  // It had not even begun.
  if (progress.conversation?.messages.length === 0) progress.conversation = undefined;
  if (progress.conversation?.begun.size) progress.conversation.effects = true;
  return { progress, spent, saved, workMs: Math.max(0, workMs), wallMs, said, judging, recalled };
}

/** From the beginning of each run to where it was last heard or seen. */
function wallOf(events: readonly Event[], lastAlive: string | undefined): number {
  let wallMs = 0;
  let since: number | undefined;
  let last = 0;
  const endRun = (seen: string | undefined) => {
    if (since !== undefined) wallMs += Math.max(0, last - since, seen === undefined ? 0 : Date.parse(seen) - since);
  };
  for (const event of events) {
    const time = Date.parse(event.time);
    if (event.type === "resumed") endRun(event.lastAlive);
    if (event.type === "resumed" || event.type === "task_started") since = time;
    last = time;
  }
  endRun(lastAlive);
  return wallMs;
}

/** How far the cycle came, and what lies on disk. */
function readPlace(reading: Reading, event: Event): void {
  const { progress, baseline, saved } = reading;
  switch (event.type) {
    case "recalled":
      reading.recalled = event.mementos;
      break;
    case "planned":
      progress.planned = { plan: event.plan, proofs: event.proofs };
      break;
    case "check_finished":
      if (event.purpose === "baseline") baseline.set(event.result.check.id, event.result);
      break;
    case "proof":
      progress.proof = { checks: event.checks, refused: event.refused, baseline: [...baseline.values()] };
      break;
    case "iteration_started":
      // The same number again is a run that went on with it.
      if (event.iteration > 1 && event.iteration !== progress.iterations) {
        saved.deltaFeedback += progress.last?.tokens ?? 0;
      }
      progress.iterations = event.iteration;
      break;
    case "checkpoint":
      if (event.label === "before") progress.before = event.checkpoint;
      else progress.latest = event.checkpoint;
      break;
    case "restored":
      progress.latest = event.to;
      progress.kept = [...new Set([...progress.kept, ...event.report.kept])];
      progress.foreign = [...new Set([...progress.foreign, ...(event.report.foreign ?? [])])];
      // What the conversation speaks of is no longer there.
      progress.conversation = undefined;
      break;
    case "changed":
      reading.changes = event.diff.changes;
      break;
    case "evaluated":
      if (!progress.latest) break;
      note(progress, {
        text: closingWords(progress.conversation),
        evaluation: event.evaluation,
        checkpoint: progress.latest,
        changes: reading.changes,
        tokens: measure({ system: "", messages: progress.conversation?.messages ?? [], tools: [] }),
        heard: reading.said.length,
      });
      progress.conversation = undefined;
      break;
  }
}

/** The running conversation with the executor: what was said, and which of the last message's calls were carried out. */
function readConversation(reading: Reading, event: Event): void {
  const { progress, said } = reading;
  switch (event.type) {
    case "conversation":
      progress.conversation = newConversation(event.system);
      break;
    case "model_finished":
      if (event.call.role === "executor") reading.stop = event.call.stop;
      break;
    case "message": {
      const talk = progress.conversation;
      if (!talk) break;
      talk.messages.push(event.message);
      talk.stop = reading.stop;
      talk.results.clear();
      talk.begun.clear();
      talk.waiting.clear();
      reading.underWay = undefined;
      talk.unsaid = [];
      break;
    }
    case "compacted":
      if (progress.conversation) {
        progress.conversation.messages = compacted(progress.conversation.messages, event.compaction);
      }
      break;
    case "steered":
      said.push(event.text);
      progress.conversation?.unsaid.push(event.text);
      break;
    case "tool_started":
      if (event.effect === "read" || event.effect === "unknown") break;
      reading.underWay = event.call.id;
      progress.conversation?.begun.add(event.call.id);
      progress.conversation?.waiting.delete(event.call.id);
      break;
    case "resumed":
      reading.underWay = undefined;
      break;
    case "asked":
      if (event.question.kind === "permission") move(reading.underWay, progress.conversation, "begun", "waiting");
      break;
    case "answered":
      if (event.answer.choice !== "refuse") move(reading.underWay, progress.conversation, "waiting", "begun");
      break;
    case "tool_finished": {
      const talk = progress.conversation;
      if (!talk) break;
      // What was refused was not done, and may be allowed now.
      if (!event.result.denied) talk.results.set(event.id, event.result);
      if (talk.begun.delete(event.id) && !event.result.denied) talk.effects = true;
      talk.waiting.delete(event.id);
      if (reading.underWay === event.id) reading.underWay = undefined;
      break;
    }
  }
}

/** A call that asks has done nothing yet; one that was allowed may have. */
function move(
  call: string | undefined,
  talk: Conversation | undefined,
  from: "begun" | "waiting",
  to: "begun" | "waiting",
): void {
  if (call !== undefined && talk?.[from].delete(call)) talk[to].add(call);
}

/** What was spent: money, tokens, time. */
function readCosts(reading: Reading, event: Event): void {
  const { saved } = reading;
  switch (event.type) {
    case "phase":
      if (event.phase === "evaluate") reading.beforeJudging = countedTokens(reading.spent.usage);
      break;
    case "model_finished":
      reading.spent = addCall(reading.spent, event.call);
      reading.workMs += event.call.ms;
      saved.caching += event.call.usage.cacheRead;
      break;
    case "model_retry":
      reading.workMs -= event.waitMs;
      break;
    case "judged":
      saved[isSkipped(event.judgement) ? "skippedEvaluation" : "incrementalEvaluation"] += event.saved ?? 0;
      if (!isSkipped(event.judgement) && event.judgement.state === "scored") {
        reading.judging = countedTokens(reading.spent.usage) - reading.beforeJudging + (event.saved ?? 0);
      }
      break;
    case "tool_finished":
      reading.workMs += event.ms;
      break;
    case "check_finished":
      reading.workMs += event.result.ms;
      break;
    case "asked":
      reading.askedAt = Date.parse(event.time);
      break;
    case "answered":
      reading.workMs -= Date.parse(event.time) - reading.askedAt;
      break;
    case "task_finished":
      reading.workMs = event.outcome.workMs;
      break;
  }
}
