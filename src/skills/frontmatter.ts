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
 * Splits a skill's text into its frontmatter and its body. A byte order mark and Windows line ends do no harm. Where the
 * YAML as a whole cannot be read, its top-level fields are read one by one, and what is no YAML is text
 * (`description: Use it: now`); `fault` then says what was wrong. Throws a `UserError` that names `file` where the
 * frontmatter is never closed, has no fields or is no mapping.
 */
export function parseFrontmatter(text: string, file: string): SkillText & { fault?: string } {
  const { yaml, body } = splitFrontmatter(text, file);
  // The body is asked for when the skill is chosen; most never are.
  const taken = (data: Record<string, unknown>) => ({
    data,
    get body() {
      return body();
    },
  });
  if (yaml === undefined) return taken({});
  try {
    return taken(parseYaml(yaml, file));
  } catch (error) {
    const data = parseFields(yaml);
    if (Object.keys(data).length === 0) throw error;
    const { cause } = error as Error;
    return Object.assign(taken(data), { fault: firstLine(messageOf(cause ?? error)) });
  }
}

/** `yaml` is undefined where there is no frontmatter. Of a long text only what is needed is looked at. */
function splitFrontmatter(text: string, file: string): { yaml: string | undefined; body: () => string } {
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const open = /---[^\S\n]*(?:\n|$)/y;
  open.lastIndex = start;
  if (!open.test(text)) return { yaml: undefined, body: () => unixLines(text.slice(start)).trim() };
  const close = /^---[^\S\n]*$/gm;
  close.lastIndex = open.lastIndex;
  const end = close.exec(text);
  if (!end) throw new UserError(`${file}: the frontmatter is never closed`, "End it with a line of three dashes.");
  const yaml = unixLines(text.slice(open.lastIndex, end.index)).replace(/\n$/, "");
  return { yaml, body: () => unixLines(text.slice(close.lastIndex)).trim() };
}

function unixLines(text: string): string {
  return text.replaceAll("\r\n", "\n");
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
