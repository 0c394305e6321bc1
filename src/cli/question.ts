import { showControl } from "../base/text.ts";
import type { PermissionChoice, Question } from "../contracts/question.ts";
import { cleanLines, cut, hang, oneLine } from "./display/layout.ts";
import type { Style } from "./display/style.ts";

/** Lines of a diff or a command that are shown at once. */
const MOST_LINES = 40;

/** What was typed: an answer, the wish to see all of it, or nothing that means anything. */
export type Reading = { kind: "choice"; choice: string } | { kind: "whole" } | { kind: "nothing" };

interface Key {
  key: string;
  choice: string;
  /** What it says behind the key. */
  text: string;
}

const PERMISSION_KEYS: Record<PermissionChoice, { key: string; text: string }> = {
  once: { key: "y", text: "once" },
  task: { key: "a", text: "for this task" },
  always: { key: "p", text: "always in this project" },
  refuse: { key: "n", text: "no" },
};

function keysOf(question: Question): Key[] {
  switch (question.kind) {
    case "permission":
      return question.choices.map((choice) => ({ choice, ...PERMISSION_KEYS[choice] }));
    case "escalation":
      return question.choices.map((choice) => ({ choice, key: choice[0]!, text: choice }));
    case "choice": {
      const letters = question.choices.every((choice) => choice === "yes" || choice === "no");
      return question.choices.map((choice, at) => ({
        choice,
        key: letters ? choice[0]! : String(at + 1),
        text: oneLine(choice),
      }));
    }
  }
}

/** The question as it stands on the screen, up to the place of the answer. */
export function questionLines(question: Question, options: { width: number; style: Style; whole: boolean }): string[] {
  const { width, style, whole } = options;
  const keys = keysOf(question);
  const body = bodyOf(question);
  const cutOff = whole ? 0 : Math.max(0, body.length - MOST_LINES);
  const shown = cutOff > 0 ? body.slice(0, MOST_LINES) : body;
  const choices = keys.map(({ key, text }) => `[${key}] ${text}`).join("  ");
  const more = cutOff > 0 ? `  [v] all of it (${cutOff} more lines)` : "";
  const destructive = question.kind === "permission" && question.destructive;
  const prompt = destructive ? `${choices}${more}; type the letter and Enter: ` : `${choices}${more}: `;
  return [
    "",
    ...hang("", style.bold(cut(titleOf(question), Math.max(20, width * 3))), width),
    ...shown.flatMap((line) => hang("    ", paintDiff(line, style), width)),
    ...notesOf(question).flatMap((note) => hang("    ", style.dim(note), width)),
    ...(destructive ? [style.bad("This may destroy something, so it is asked in every mode.")] : []),
    ...hang("", prompt, width).slice(0, -1),
    `${hang("", prompt, width).at(-1)?.trimEnd() ?? ""} `,
  ];
}

function titleOf(question: Question): string {
  switch (question.kind) {
    case "permission": {
      const { tool, subject, detail } = question;
      // What stands below in full is not said twice.
      const named = subject === "" || detail.startsWith(subject) ? "" : ` ${oneLine(showControl(subject))}`;
      return `Allow ${oneLine(tool)}${named}?`;
    }
    case "escalation":
      return `${oneLine(question.reason)}. Go on?`;
    case "choice":
      return oneLine(question.text);
  }
}

function bodyOf(question: Question): string[] {
  return question.kind === "permission" ? cleanLines(showControl(question.detail || question.subject)) : [];
}

function notesOf(question: Question): string[] {
  return question.kind === "permission" ? (question.notes ?? []).map((note) => `(${oneLine(showControl(note))})`) : [];
}

function paintDiff(line: string, style: Style): string {
  if (line.startsWith("+")) return style.good(line);
  return line.startsWith("-") ? style.bad(line) : line;
}

/**
 * What a key or a line means. A key press may bring several characters (an arrow, a paste): that is no answer. Escape
 * and Ctrl-D are the careful answer where there is one.
 */
export function readChoice(question: Question, typed: string): Reading {
  const keys = keysOf(question);
  const text = typed.trim().toLowerCase();
  if (text === "v") return { kind: "whole" };
  if (typed === "\x1b" || typed === "\x04") {
    const careful = keys.find(({ choice }) => /^(?:refuse|stop|no)$/.test(choice));
    return careful ? { kind: "choice", choice: careful.choice } : { kind: "nothing" };
  }
  const words: Record<string, string> = { yes: "y", no: "n" };
  const found = keys.find(({ key, choice }) => key === (words[text] ?? text) || choice.toLowerCase() === text);
  return found ? { kind: "choice", choice: found.choice } : { kind: "nothing" };
}
