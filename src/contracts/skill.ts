import type { FileKind } from "../base/file-kinds.ts";

export interface Dimension {
  name: string;
  /** Normalised: the weights of one rubric add up to 1. */
  weight: number;
  description?: string;
  /** Kinds of files whose change can alter its score; absent: any. */
  touchedBy?: FileKind[];
}

/** How results of a kind are judged: an evaluator skill. */
export interface Rubric {
  name: string;
  /** Task categories it is for; empty: any. */
  categories: string[];
  dimensions: Dimension[];
  /** The skill's text: instructions for the judge. */
  body: string;
}

/** How a skill came here; of two with one name the later of this list counts. */
export type SkillSource = "bundled" | "managed" | "workspace" | "user" | "proposed";

/** A rule of the Agent Skills standard (https://agentskills.io/specification) or of reading it. */
export type SkillRule =
  | "frontmatter"
  | "yaml"
  | "name-missing"
  | "name-length"
  | "name-characters"
  | "name-hyphens"
  | "name-folder"
  | "description-missing"
  | "description-length"
  | "compatibility-length"
  | "unknown-field"
  | "field-type"
  | "evaluator"
  | "unreadable"
  | "outside";

/** Where a file breaks a rule. */
export interface SkillFault {
  rule: SkillRule;
  /** The `SKILL.md`, absolute. */
  file: string;
  /** One sentence. */
  message: string;
}

/** What a skill needs to be of use (`metadata.openclaw`). Empty lists: nothing. */
export interface SkillNeeds {
  /** As `process.platform` names them. */
  os: string[];
  /** Programs, all of them in PATH. */
  bins: string[];
  /** Programs, one of them in PATH. */
  anyBins: string[];
  /** Variables that are set. */
  env: string[];
  /** Dotted keys of the config that are set and not false. */
  config: string[];
  /** True: offered whatever else is missing. */
  always: boolean;
}

/** One skill as it was found. Its body is read when it is chosen. */
export interface Skill {
  name: string;
  description: string;
  kind: "task" | "evaluator";
  source: SkillSource;
  /** Absolute and real; undefined for a bundled one. */
  folder: string | undefined;
  /** The `SKILL.md`, absolute; of a bundled one `bundled:NAME`. */
  file: string;
  categories: string[];
  needs: SkillNeeds;
  /** False for a proposal that the user did not approve as it is now. */
  approved: boolean;
  /** Why it is not offered; absent: it is. */
  inactive?: string;
  /** Rules that its file breaks; it is used all the same. */
  warnings: SkillFault[];
}

/** A skill that was chosen. */
export interface OpenedSkill {
  skill: Skill;
  /** Its text, `{baseDir}` replaced by its folder. */
  body: string;
  /** Its other files: path relative to the folder, bytes. */
  files: { path: string; bytes: number }[];
  /** Further files that are not listed. */
  more: number;
}

/** What the `skill` tool knows of skills. */
export interface SkillShelf {
  /** Task skills that are offered, by name. */
  offered(): readonly Skill[];
  /** Undefined where none that is offered has this name. */
  open(name: string): OpenedSkill | undefined;
}
