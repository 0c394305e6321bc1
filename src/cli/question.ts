import { showControl } from "../base/text.ts";
import type { PermissionChoice, Question } from "../contracts/question.ts";
import { diffLines, isHunk } from "./display/diff-lines.ts";
import { cleanLines, cut, hang, oneLine } from "./display/layout.ts";
import type { Style } from "./display/style.ts";

/** Lines of a diff or a command that are shown at once: as many as fit, within these. */
const LEAST_LINES = 8;
const MOST_LINES = 40;
/** Rows that the question itself takes beside them. */
const OTHER_ROWS = 9;
/** Where a change does not fit, the beginning of its longer lines is shown: behind them others may stand. */
const SHOWN_CHARACTERS = 500;
const INDENT = "    ";

/**
 * What was typed: an answer (`text`: as it stands behind its key; `note`: why), the wish to say why it is refused, or to
 * see all of it, or nothing that means anything.
 */
export type Reading =
  | { kind: "choice"; choice: string; text: string; note?: string }
  | { kind: "why" }
  | { kind: "whole" }
  | { kind: "nothing" };

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

export interface QuestionOptions {
  /** Columns and rows of the terminal. */
  width: number;
  height: number;
  style: Style;
  /** Nothing is cut. */
  whole: boolean;
}

/** The question as it stands on the screen, up to the place of the answer. */
export function questionLines(question: Question, options: QuestionOptions): string[] {
  const { width, height, style, whole } = options;
  const keys = keysOf(question);
  const body = bodyOf(question, width - INDENT.length, style);
  const most = Math.max(LEAST_LINES, Math.min(MOST_LINES, height - OTHER_ROWS));
  const isCut = !whole && body.length > most;
  const shown = isCut ? bodyOf(question, width - INDENT.length, style, SHOWN_CHARACTERS).slice(0, most) : body;
  const offered = keys.map(({ key, text }) => `[${key}] ${text}`);
  const choices = [...offered, ...(canSayWhy(question) ? [`[${WHY}] say why`] : [])].join("  ");
  const more = isCut ? `  [v] all of it (${body.length - shown.length} more lines)` : "";
  const destructive = question.kind === "permission" && question.destructive;
  const prompt = destructive ? `${choices}${more}; type the letter and Enter: ` : `${choices}${more}: `;
  return [
    "",
    ...hang("", style.bold(cut(titleOf(question), Math.max(20, width * 3))), width),
    ...shown.map((line) => INDENT + line),
    ...notesOf(question).flatMap((note) => hang(INDENT, style.dim(note), width)),
    ...(destructive ? hang("", style.bad("This may destroy something, so it is asked in every mode."), width) : []),
    ...hang("", prompt, width).slice(0, -1),
    `${hang("", prompt, width).at(-1)?.trimEnd() ?? ""} `,
  ];
}

const WHY = "r";

/** Who refuses a call may say what is wanted instead: the model reads it. */
function canSayWhy(question: Question): boolean {
  return question.kind === "permission" && question.choices.includes("refuse");
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

/** What it is about, as lines that fit. `most`: characters of a line of a diff. */
function bodyOf(question: Question, width: number, style: Style, most = Number.POSITIVE_INFINITY): string[] {
  if (question.kind !== "permission") return [];
  const text = cleanLines(showControl(question.detail || question.subject));
  // A command may hold a diff, and is then shown as the command that it is.
  const isEdit = (question.tool === "edit" || question.tool === "write") && text.some(isHunk);
  return isEdit
    ? diffLines(
        text.map((line) => shortened(line, most)),
        width,
        style,
      )
    : text.flatMap((line) => Bun.wrapAnsi(line, width, { hard: true, trim: false }).split("\n"));
}

function shortened(line: string, most: number): string {
  const more = line.length - most;
  return more > 0 ? `${line.slice(0, most).toWellFormed()}… (${more} more characters)` : line;
}

function notesOf(question: Question): string[] {
  return question.kind === "permission" ? (question.notes ?? []).map((note) => `(${oneLine(showControl(note))})`) : [];
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
    return careful ? { kind: "choice", ...careful } : { kind: "nothing" };
  }
  if (canSayWhy(question)) {
    if (text === WHY) return { kind: "why" };
    // Typed as a line: `n because it is mine`.
    const note = /^(?:no?|r)(?:[,:;.]?\s+|[,:;.])(.*\S)\s*$/is.exec(typed.trim())?.[1];
    if (note) return { kind: "choice", choice: "refuse", text: PERMISSION_KEYS.refuse.text, note };
  }
  const words: Record<string, string> = { yes: "y", no: "n" };
  const found = keys.find(({ key, choice }) => key === (words[text] ?? text) || choice.toLowerCase() === text);
  return found ? { kind: "choice", ...found } : { kind: "nothing" };
}
