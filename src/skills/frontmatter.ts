import { messageOf, UserError } from "../base/errors.ts";
import { isObject } from "../base/schema.ts";
import { firstLine } from "../base/text.ts";

/** A `SKILL.md` taken apart (https://agentskills.io/specification). */
export interface SkillText {
  /** The YAML between the `---` lines; {} where there is none. */
  data: Record<string, unknown>;
  /** What follows, trimmed. */
  body: string;
}

/**
 * Splits a skill's text into its frontmatter and its body. A byte order mark and Windows line ends do no harm. Throws a
 * `UserError` that names `file` where the frontmatter is never closed, is no YAML or is no mapping.
 */
export function parseFrontmatter(text: string, file: string): SkillText {
  const { yaml, body } = splitFrontmatter(text, file);
  return { data: yaml === undefined ? {} : parseYaml(yaml, file), body };
}

/**
 * The same for a file that somebody else wrote: where the YAML as a whole cannot be read, its top-level fields are read
 * one by one, and what is no YAML is text (`description: Use it: now`). `fault` then says what was wrong.
 */
export function parseLeniently(text: string, file: string): SkillText & { fault?: string } {
  const { yaml, body } = splitFrontmatter(text, file);
  if (yaml === undefined) return { data: {}, body };
  try {
    return { data: parseYaml(yaml, file), body };
  } catch (error) {
    const data = parseFields(yaml);
    if (Object.keys(data).length === 0) throw error;
    const { cause } = error as Error;
    return { data, body, fault: firstLine(messageOf(cause ?? error)) };
  }
}

/** `yaml` is undefined where there is no frontmatter. */
function splitFrontmatter(text: string, file: string): { yaml: string | undefined; body: string } {
  const lines = text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  const textOf = (some: string[]) => some.join("\n").trim();
  if (lines[0]?.trimEnd() !== "---") return { yaml: undefined, body: textOf(lines) };
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  if (end < 0) throw new UserError(`${file}: the frontmatter is never closed`, "End it with a line of three dashes.");
  return { yaml: lines.slice(1, end).join("\n"), body: textOf(lines.slice(end + 1)) };
}

/** `key: value` at the beginning of a line, with the lines that follow it; other lines are left out. */
function parseFields(yaml: string): Record<string, unknown> {
  const blocks = yaml.split(/\n(?=[A-Za-z][\w-]*:(?:\s|$))/);
  return Object.fromEntries(
    blocks.flatMap((block): [string, unknown][] => {
      const field = /^([A-Za-z][\w-]*):(?:\s+([\s\S]*))?$/.exec(block.trimEnd());
      return field ? [[field[1]!, valueIn(block, field[2] ?? "")]] : [];
    }),
  );
}

function valueIn(block: string, written: string): unknown {
  try {
    const read: unknown = Bun.YAML.parse(block);
    if (isObject(read)) return Object.values(read)[0];
  } catch {
    // It is text then.
  }
  const text = written.replace(/\s*\n\s*/g, " ").trim();
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

function parseYaml(yaml: string, file: string): Record<string, unknown> {
  let data: unknown;
  try {
    data = Bun.YAML.parse(yaml);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      `${file}: the frontmatter is not valid YAML (${reason})`,
      "Put values that hold `: ` or `#` in quotes.",
      undefined,
      { cause },
    );
  }
  // An empty block is null.
  if (data === null || data === undefined) return {};
  if (!isObject(data)) throw new UserError(`${file}: the frontmatter is no mapping`, "Write `key: value` lines.");
  return data;
}
