import { realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { type Paths, projectPaths } from "../base/paths.ts";
import type { Skill, SkillSource } from "../contracts/skill.ts";

export type SkillPaths = Pick<Paths, "skills" | "evaluators" | "data">;

/** A folder in which skills lie. */
export interface SkillRoot {
  source: SkillSource;
  /** What a skill in it is that does not say. */
  kind: Skill["kind"];
  folder: string;
  /** Real; what leads out of it is no skill of this place. */
  inside?: string;
}

const KINDS = ["task", "evaluator"] as const;

/**
 * The folders in which skills lie, weakest first (PRODUCT.md section 6). Within a source the config home outranks the
 * data folder. @param workspace absolute and real
 */
export function skillRoots(paths: SkillPaths, workspace?: string): SkillRoot[] {
  const project = workspace === undefined ? undefined : projectPaths(workspace);
  const own: SkillRoot[] = project
    ? [
        { source: "workspace", kind: "task", folder: project.skills, inside: project.root },
        { source: "workspace", kind: "evaluator", folder: project.evaluators, inside: project.root },
      ]
    : [];
  return [...ownRoots(paths, "managed"), ...own, ...ownRoots(paths, "user"), ...ownRoots(paths, "proposed")];
}

/** The user's folders of one source, the data folder's first. */
export function ownRoots(paths: SkillPaths, source: "managed" | "user" | "proposed"): SkillRoot[] {
  const homes = { task: paths.skills[source], evaluator: paths.evaluators[source] };
  const data = { task: join(paths.data, "skills", source), evaluator: join(paths.data, "evaluators", source) };
  return [data, homes].flatMap((folders) => KINDS.map((kind) => ({ source, kind, folder: folders[kind] })));
}

/** Whether a path, its links resolved, lies in a folder (real). */
export function leadsInto(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(folder.endsWith(sep) ? folder : folder + sep);
  } catch {
    return false;
  }
}
