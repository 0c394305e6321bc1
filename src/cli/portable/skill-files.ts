import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureDir, readText, writeAtomic } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { faultText, parseSkill } from "../../skills/parse.ts";
import { oneLine } from "../display/layout.ts";
import { brokenAt, type ExportRow, type InTable } from "./document.ts";

/** Where a skill's text lies, from the config home on. Nothing else may be written by an import. */
const SKILL_PATH = /^(?:skills|evaluators)\/(?:managed|user|proposed)\/[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\/SKILL\.md$/;

/** The texts of the user's skills and evaluators, by path. */
export async function* skillRows(paths: Pick<Paths, "home">): AsyncGenerator<ExportRow> {
  const found = [
    ...new Bun.Glob("{skills,evaluators}/{managed,user,proposed}/*/SKILL.md").scanSync({ cwd: paths.home }),
  ];
  for (const path of found.sort()) {
    if (!SKILL_PATH.test(path)) continue;
    const text = await readText(join(paths.home, path));
    if (text !== undefined) yield { path, text };
  }
}

/** The text of a skill, and where it lies. */
export interface SkillText {
  path: string;
  text: string;
}

/** Throws UserError for a row that is no skill's text. */
export function readSkillRows({ rows, placeOf }: InTable, file: string): SkillText[] {
  return rows.map(({ path, text }, at) => {
    if (typeof path !== "string" || !SKILL_PATH.test(path)) {
      throw brokenAt(file, placeOf(at), `${JSON.stringify(path)} is no place of a skill`);
    }
    if (typeof text !== "string") throw brokenAt(file, placeOf(at), "text: missing");
    return { path, text };
  });
}

/** Whether a skill lies there already. */
export function isThere({ home }: Pick<Paths, "home">, { path }: SkillText): boolean {
  return existsSync(join(home, path));
}

/** A proposal is not used before it is approved, and an import approves nothing. */
export function isProposal(path: string): boolean {
  return path.split("/")[1] === "proposed";
}

/** A line that says what a skill is for. */
export function aboutSkill({ path, text }: SkillText): string {
  const parsed = parseSkill(text, join("/", path), path.startsWith("evaluators/") ? "evaluator" : "task");
  return oneLine(`${path}: ${"fault" in parsed ? faultText(parsed.fault) : parsed.facts.description}`);
}

/** Writes skills. A proposal is not approved by it. */
export async function writeSkills(paths: Pick<Paths, "home">, skills: readonly SkillText[]): Promise<void> {
  for (const { path, text } of skills) {
    const target = join(paths.home, path);
    await ensureDir(join(target, ".."));
    await writeAtomic(target, text);
  }
}
