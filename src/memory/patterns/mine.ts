import { clip } from "../../base/text.ts";
import type { UsageEvent } from "../../contracts/memory.ts";
import { byTime, type Group, groupEvents } from "./groups.ts";
import { LOOK_BACK_MS, type MineOptions, type Pattern, type PatternStep } from "./pattern.ts";
import { daysDone, recurrence } from "./recurring.ts";
import { findSequences, type Sequence } from "./sequences.ts";
import { Timeline } from "./timeline.ts";
import { type Regular, regularTimes } from "./times.ts";
import { oftenInWords, whenInWords } from "./wording.ts";

const MOST_TEXT = 200;

/** Commands that only begin what is an event of its own: a task. */
const ECHOES = new Set(["run", "resume", "chat"]);

/**
 * The habits that the events of the last 30 days show: tasks that recur, things done at regular times, and steps done one
 * after the other. Surest first. The order of the events does not matter, and events that are no part of a habit do not
 * change what is found.
 */
export function mine<E extends UsageEvent>(events: readonly E[], options: MineOptions): Pattern<E>[] {
  const recent = events
    .filter(({ at, kind, text }) => {
      return at > options.now - LOOK_BACK_MS && at <= options.now && !(kind === "command" && ECHOES.has(text));
    })
    .sort(byTime);
  if (recent.length < options.minSamples) return [];
  const line = new Timeline<E>(recent, options);
  const groups = groupEvents(recent, options.similarity);
  const often = groups.filter((group) => group.events.length >= options.minSamples);
  const found = [
    ...often.flatMap((group) => [...recurringOf(group, line), ...timesOf(group, line)]),
    ...findSequences(often, line, options.minSamples).map((sequence) => sequenceOf(sequence, line)),
  ];
  return found
    .filter(({ confidence, samples }) => confidence >= options.minConfidence && samples >= options.minSamples)
    .sort((a, b) => b.confidence - a.confidence || (a.key < b.key ? -1 : 1));
}

function recurringOf<E extends UsageEvent>(group: Group<E>, line: Timeline<UsageEvent>): Pattern<E>[] {
  if (group.kind !== "task") return [];
  return [
    {
      kind: "recurring",
      key: `recurring:${nameOf(group)}`,
      description: shortText(group),
      frequency: oftenOf(group.events, line),
      confidence: recurrence(group, line),
      samples: group.events.length,
      members: group.events,
      steps: [stepOf(group)],
    },
  ];
}

function timesOf<E extends UsageEvent>(group: Group<E>, line: Timeline<UsageEvent>): Pattern<E>[] {
  const times = regularTimes(group.events, line);
  return times.map(({ when, events, confidence }: Regular<E>, at) => ({
    kind: "time",
    // The usual time may drift, so it is no part of the name; the second one of a day has a number.
    key: `time:${nameOf(group)}${at === 0 ? "" : `#${at + 1}`}`,
    description: shortText(group),
    frequency: whenInWords(when),
    confidence,
    samples: events.length,
    members: events,
    steps: [stepOf(group)],
    when,
  }));
}

function sequenceOf<E extends UsageEvent>(
  { steps, runs, confidence }: Sequence<E>,
  line: Timeline<UsageEvent>,
): Pattern<E> {
  const starts = runs.map((run) => run[0]!);
  const [regular] = regularTimes(starts, line);
  return {
    kind: "sequence",
    key: `sequence:${steps.map(nameOf).join(">")}`,
    description: steps.map(shortText).join(" → "),
    frequency: regular ? whenInWords(regular.when) : oftenOf(starts, line),
    confidence,
    samples: runs.length,
    members: runs.flat().sort(byTime),
    steps: steps.map(stepOf),
  };
}

function nameOf({ kind, name }: Group<UsageEvent>): string {
  return `${kind}:${name}`;
}

function stepOf(group: Group<UsageEvent>): PatternStep {
  return { kind: group.kind, text: shortText(group), group: group.name };
}

/** One line: a task may be pages long. */
function shortText({ text }: Group<UsageEvent>): string {
  return clip(text.replace(/\s+/g, " ").trim(), MOST_TEXT);
}

function oftenOf(events: readonly UsageEvent[], line: Timeline<UsageEvent>): string {
  const days = daysDone(events, line);
  return oftenInWords(events.length, days.length, line.activeDays.at(-1)! - days[0]! + 1);
}
