import description from "../../embed/tools/skill.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { clip, closest } from "../base/text.ts";
import type { OpenedSkill, SkillShelf } from "../contracts/skill.ts";
import type { Tool } from "../contracts/tool.ts";

function parameters() {
  return s.object({ name: s.optional(s.string()) });
}

type SkillArguments = Infer<ReturnType<typeof parameters>>;

/** Characters of a description in the list. */
const MOST_DESCRIPTION = 300;

/** Gets the body of a skill; without a name, or with one that is not there, lists them. */
export function createSkillTool(shelf: SkillShelf): Tool<SkillArguments> {
  return {
    name: "skill",
    description: description.trim(),
    parameters: parameters(),
    effect: "read",
    subject: ({ name }) => name?.trim() ?? "",
    async run({ name = "" }) {
      const opened = name.trim() === "" ? undefined : shelf.open(name);
      if (opened) return { text: textOf(opened) };
      return { text: name.trim() === "" ? listOf(shelf) : unknown(name.trim(), shelf), isError: name.trim() !== "" };
    },
  };
}

function textOf({ skill, body, files, more }: OpenedSkill): string {
  if (skill.folder === undefined) return body;
  const rest = more > 0 ? `, and ${more} more` : "";
  const list = files.map(({ path, bytes }) => `${path} (${bytes} B)`).join(", ");
  const also = files.length > 0 ? ` Its files, for the other tools: ${list}${rest}` : "";
  return `Skill ${skill.name} in ${skill.folder}.${also}\n\n${body}`;
}

function listOf(shelf: SkillShelf): string {
  return shelf
    .offered()
    .map((skill) => `- ${skill.name}: ${clip(skill.description, MOST_DESCRIPTION)}`)
    .join("\n");
}

function unknown(name: string, shelf: SkillShelf): string {
  const near = closest(
    name,
    shelf.offered().map((skill) => skill.name),
  );
  return `There is no skill ${name}.${near ? ` Did you mean ${near}?` : ""} There are:\n${listOf(shelf)}`;
}
