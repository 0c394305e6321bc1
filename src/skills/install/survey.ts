import { basename, dirname, extname } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Skill, SkillFault } from "../../contracts/skill.ts";
import { BUNDLED } from "../bundled.ts";
import { findSkillFiles, type SkillFile, skillFileIn, skillFiles } from "../files.ts";
import { readSkillFile, type SkillFacts } from "../parse.ts";
import { rubricOf } from "../rubrics.ts";

/** A skill that could be installed, as it lies in its source. */
export interface Candidate {
  facts: SkillFacts;
  /** Absolute and real. */
  folder: string;
  files: SkillFile[];
  /** The files among them that are programs. */
  scripts: string[];
  /** The name of its folder once it is installed. */
  target: string;
  /** True where a bundled skill or evaluator of this name would no longer be used. */
  replacesBundled: boolean;
}

/** What a source offers. */
export interface Survey {
  candidates: Candidate[];
  refused: SkillFault[];
}

/** Looks through a source: the folder is a skill itself, or holds some. @throws UserError where it has none at all */
export function survey(folder: string, origin: string): Survey {
  const own = skillFileIn(folder);
  const files = own ? [own] : findSkillFiles(folder);
  const found: Survey = { candidates: [], refused: [] };
  for (const file of files) {
    const read = candidateOf(file, kindHere(file, folder));
    if ("rule" in read) found.refused.push(read);
    else {
      const first = found.candidates.find((other) => isSamePlace(other, read));
      if (first)
        found.refused.push({ rule: "name-folder", file, message: `${first.folder} would lie in the same place` });
      else found.candidates.push(read);
    }
  }
  if (files.length === 0) {
    throw new UserError(`${origin} holds no skill`, "A skill is a folder with a SKILL.md in it.");
  }
  return found;
}

/** A folder called `evaluators` says what lies in it, as it does in the config home. */
function kindHere(file: string, root: string): Skill["kind"] {
  return dirname(file).slice(root.length).split("/").includes("evaluators") ? "evaluator" : "task";
}

/** One of two would take the place of the other without a word. */
function isSamePlace(one: Candidate, other: Candidate): boolean {
  return one.target === other.target && one.facts.kind === other.facts.kind;
}

function candidateOf(file: string, kind: Skill["kind"]): Candidate | SkillFault {
  const parsed = readSkillFile(file, kind);
  if ("fault" in parsed) return parsed.fault;
  const { facts, text } = parsed;
  if (facts.kind === "evaluator") {
    try {
      rubricOf(text, facts.name, file);
    } catch (error) {
      return { rule: "evaluator", file, message: (error as Error).message.replace(`${file}: `, "") };
    }
  }
  const folder = dirname(file);
  const files = skillFiles(folder);
  return {
    facts,
    folder,
    files,
    scripts: files.filter(isScript).map(({ path }) => path),
    target: folderName(facts.name) || folderName(basename(folder)) || "skill",
    replacesBundled: Object.hasOwn(BUNDLED, facts.name.toLowerCase()),
  };
}

const PROGRAMS = new Set(
  ".sh .bash .zsh .fish .py .js .mjs .cjs .ts .rb .pl .php .lua .ps1 .bat .cmd .exe .so .dylib .dll .jar .wasm".split(
    " ",
  ),
);

function isScript({ path, executable }: SkillFile): boolean {
  return executable || PROGRAMS.has(extname(path).toLowerCase());
}

/** `Agent Browser` → `agent-browser`; "" where nothing is left. */
function folderName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
}
