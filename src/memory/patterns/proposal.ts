import { sha256Hex } from "../../base/crypto/sha256.ts";
import { createRedactor } from "../../base/redact.ts";
import { clip, stripControl } from "../../base/text.ts";
import type { StoredPattern } from "./store.ts";
import { wordsOf } from "./words.ts";

/** A skill that would do what a pattern shows. */
export interface Draft {
  /** By the rules of the Agent Skills standard, and the name of its folder. */
  name: string;
  /** At most 1,024 characters. */
  description: string;
  /** Markdown. */
  body: string;
}

const MOST_NAME = 48;
const MOST_NAMING_WORDS = 4;
const MOST_EXAMPLES = 5;
const MOST_EXAMPLE = 300;
const MOST_DESCRIPTION = 400;

/** A plain skill for a pattern, without a model: what is done, how often, how it was asked for. */
export function plainDraft(
  pattern: StoredPattern,
  wordings: readonly string[],
  isTaken: (name: string) => boolean,
): Draft {
  const what = shown(pattern.description, MOST_DESCRIPTION / 2);
  const examples = examplesOf(wordings);
  const steps =
    pattern.kind === "sequence" ? pattern.steps.map(({ kind, text }) => stepText(kind, shown(text, MOST_EXAMPLE))) : [];
  const body = [
    `# ${titleOf(pattern)}`,
    ...(pattern.when ? [`The user does this ${pattern.frequency}.`] : []),
    ...(steps.length > 0
      ? [`Steps, in this order:\n\n${steps.map((step, at) => `${at + 1}. ${step}`).join("\n")}`]
      : []),
    `It was asked for in these words, newest first:\n\n${examples.map((example) => `- ${example}`).join("\n")}`,
    "Do it as the examples have it. What differs between them (names, numbers, dates, files) changes from time to time: take it from the task, or ask for it.",
  ].join("\n\n");
  const regular = pattern.when ? ` Done ${pattern.frequency}.` : "";
  const use = ` Use when the user asks for this or something like it.${regular}`;
  const description = `${clip(upperFirst(what), MOST_DESCRIPTION - use.length - 1)}.${use}`;
  return { name: nameFor(pattern, isTaken), description, body };
}

function stepText(kind: string, text: string): string {
  if (kind === "command") return `the command \`openkoi ${text}\``;
  if (kind === "skill") return `the skill ${text}`;
  return kind === "integration" ? `the action ${text}` : text;
}

/** Different wordings, newest first. */
export function examplesOf(wordings: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const wording of wordings) {
    const text = shown(wording, MOST_EXAMPLE);
    if (text !== "" && !seen.has(text.toLowerCase())) seen.set(text.toLowerCase(), text);
    if (seen.size === MOST_EXAMPLES) break;
  }
  return [...seen.values()];
}

/** One line that holds no secret of a known kind, no placeholder of one, and nothing that Markdown or YAML would read. */
function shown(text: string, most: number): string {
  return clip(withoutSecrets(stripControl(text.toWellFormed())).replace(/\s+/g, " ").trim(), most);
}

const PLACEHOLDER = /\[\[secret:[^\]]*\]\]/g;

/** The text with every secret, and every placeholder of one, blanked. */
export function withoutSecrets(text: string): string {
  return createRedactor({ secrets: [], kinds: true }).hide(text).replace(PLACEHOLDER, "…");
}

/** Whether a text holds a secret of a known kind, or the placeholder of one. */
export function holdsSecret(text: string): boolean {
  return withoutSecrets(text) !== text;
}

function titleOf({ steps, description }: StoredPattern): string {
  const text = shown(steps[0]?.text ?? description, 80);
  const title = upperFirst(text);
  return steps.length > 1 ? `${title}, and what follows` : title;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `release-notes` of "write the release notes for 1.4"; with a number where the name is taken. */
function nameFor(pattern: StoredPattern, isTaken: (name: string) => boolean): string {
  const name =
    nameOf(pattern.steps.map(({ text }) => text)) || `habit-${sha256Hex(pattern.key ?? pattern.id).slice(0, 8)}`;
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}-${number}`;
    if (!isTaken(numbered)) return numbered;
  }
}

function nameOf(texts: readonly string[]): string {
  const each = Math.max(2, Math.floor(MOST_NAMING_WORDS / Math.max(1, texts.length)));
  const words = texts.flatMap((text) => namingWords(text).slice(0, each));
  let name = "";
  for (const word of words) {
    const longer = name === "" ? word : `${name}-${word}`;
    if (longer.length > MOST_NAME) break;
    name = longer;
  }
  return name;
}

/** The telling words of a text as they were written, without what is done aside where that leaves two. */
function namingWords(text: string): string[] {
  const telling = wordsOf(text);
  const main = telling.filter(({ aside }) => !aside);
  const kept = main.length >= 2 ? main : telling;
  return kept.map(({ written }) => plainLetters(written)).filter(Boolean);
}

/** Letters and digits of ASCII: a name that every file system and terminal takes. */
function plainLetters(word: string): string {
  return word
    .normalize("NFKD")
    .replace(/[^a-z0-9]/g, "")
    .slice(0, 24);
}

/** The `SKILL.md` of a draft. `pattern` is the key of what it was made for. */
export function skillText({ name, description, body }: Draft, pattern: string): string {
  const metadata = `metadata:\n  openkoi-pattern: ${JSON.stringify(pattern.toWellFormed())}`;
  return `---\nname: ${name}\ndescription: ${JSON.stringify(description)}\n${metadata}\n---\n\n${body.trim()}\n`;
}

const MOST_BODY = 4000;

/**
 * What a model wrote for a pattern, if it keeps the rules: a description, a body that is not too long, no secrets, and
 * no command, path or address that the user never wrote. Undefined where it breaks one: the plain draft serves then.
 */
export function checkedDraft(written: unknown, plain: Draft, wordings: readonly string[]): Draft | undefined {
  if (typeof written !== "object" || written === null) return undefined;
  const { description, body } = written as { description?: unknown; body?: unknown };
  if (typeof description !== "string" || typeof body !== "string") return undefined;
  const draft = { name: plain.name, description: shown(description, 1024), body: stripControl(body).trim() };
  if (draft.description === "" || draft.body === "" || draft.body.length > MOST_BODY) return undefined;
  if (holdsSecret(description) || holdsSecret(draft.body)) return undefined;
  // Three dashes on a line of their own would end the frontmatter for lenient readers.
  if (/^---\s*$/m.test(draft.body)) return undefined;
  const known = wordings.join("\n").toLowerCase();
  return namedThings(`${description}\n${draft.body}`).every((thing) => known.includes(thing)) ? draft : undefined;
}

/** What could be run or opened: code in back quotes or fences, addresses, paths. */
function namedThings(text: string): string[] {
  const fenced = [...text.matchAll(/(?:```|~~~)[^\n]*\n([\s\S]*?)(?:```|~~~|$)/g)].flatMap(([, code]) =>
    code!.split("\n"),
  );
  const rest = text.replace(/(?:```|~~~)[\s\S]*?(?:```|~~~|$)/g, " ");
  const inline = [...rest.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  const places = [...rest.matchAll(/[a-z][a-z0-9+.-]*:\/\/[^\s)>\]]+|(?<![\w/])[~.]{0,2}\/[\w./-]+/gi)].map(([place]) =>
    place.replace(/[.,;:]+$/, ""),
  );
  const indented = rest
    .split("\n")
    .filter((line) => /^(?: {4}|\t)\S/.test(line) && !/^\s+(?:[-*+]|\d+\.)\s/.test(line));
  const shell = rest.split("\n").flatMap((line) => /^\s*(?:[-*+]|\d+\.)?\s*[$>]\s+(\S.*)$/.exec(line)?.[1] ?? []);
  return [...fenced, ...inline, ...places, ...indented, ...shell]
    .map((thing) => thing.trim().toLowerCase())
    .filter(Boolean);
}
