import { clip } from "../base/text.ts";
import type { Skill } from "../contracts/skill.ts";

/** What the list may take of every request, tokens; and with a skill that chose itself, all of both. */
const MOST_TOKENS = 300;
const MOST_WITH_CHOSEN = 370;
const BYTES_PER_TOKEN = 4;
/** Characters of a description that are shown; the `skill` tool shows more. */
const MOST_DESCRIPTION = 160;

const HEAD = "Skills, instructions for a kind of work. Where one fits, get it with the tool skill first:";

/**
 * Names and descriptions, the first ones of `skills` as far as there is room, the rest counted; "" for none.
 *
 * @param chosen what stands in the prompt beside it
 */
export function promptIndex(skills: readonly Skill[], chosen = ""): string {
  if (skills.length === 0) return "";
  const tokens = Math.min(MOST_TOKENS, MOST_WITH_CHOSEN - Buffer.byteLength(chosen) / BYTES_PER_TOKEN);
  const lines: string[] = [];
  let left = tokens * BYTES_PER_TOKEN - HEAD.length - restLine(skills.length).length;
  for (const { name, description } of skills) {
    const line = `- ${clip(name, 64)}: ${clip(description, MOST_DESCRIPTION)}`;
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.push(line);
  }
  const rest = skills.length - lines.length;
  return [HEAD, ...lines, ...(rest > 0 ? [restLine(rest)] : [])].join("\n");
}

function restLine(count: number): string {
  return `and ${count} more: skill without a name lists them.`;
}
