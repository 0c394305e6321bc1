import { UserError } from "../base/errors.ts";
import { isObject } from "../base/schema.ts";

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
  const lines = text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  if (lines[0]?.trimEnd() !== "---") return { data: {}, body: lines.join("\n").trim() };
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  if (end < 0) throw new UserError(`${file}: the frontmatter is never closed`, "End it with a line of three dashes.");
  const data = parseYaml(lines.slice(1, end).join("\n"), file);
  return {
    data,
    body: lines
      .slice(end + 1)
      .join("\n")
      .trim(),
  };
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
