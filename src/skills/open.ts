import { basename } from "node:path";
import type { OpenedSkill, Skill } from "../contracts/skill.ts";
import { BUNDLED } from "./bundled.ts";
import { skillFiles } from "./files.ts";
import { parseSkill, readSkillFile } from "./parse.ts";

/** Files of a skill that are listed. */
const MOST_FILES = 50;

/**
 * Reads the body of a skill, and what else lies in its folder. A skill that has become unreadable since it was found has
 * no body, which says so.
 */
export function openSkill(skill: Skill): OpenedSkill {
  const { folder, file, kind, name } = skill;
  const parsed = folder === undefined ? parseSkill(BUNDLED[name]!, file, kind) : readSkillFile(file, kind);
  const body = "fault" in parsed ? `(its file can no longer be read: ${parsed.fault.message})` : parsed.text.body;
  const all = folder === undefined ? [] : skillFiles(folder).filter(({ path }) => path !== basename(file));
  return {
    skill,
    body: folder === undefined ? body : body.replaceAll("{baseDir}", folder),
    files: all.slice(0, MOST_FILES).map(({ path, bytes }) => ({ path, bytes })),
    more: Math.max(0, all.length - MOST_FILES),
  };
}
