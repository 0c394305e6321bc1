import { renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { UserError } from "../base/errors.ts";
import { readRegular, writeAtomic } from "../base/files.ts";
import { closest } from "../base/text.ts";
import type { Skill, SkillFault } from "../contracts/skill.ts";
import { APPROVED, findSkillFiles, fingerprint } from "./files.ts";
import { readSkillFile } from "./parse.ts";
import { ownRoots, type SkillPaths } from "./places.ts";

/** A skill that was proposed. It stays in `proposed/`, approved or not. */
export interface Proposal {
  name: string;
  kind: Skill["kind"];
  /** "" where its file is no skill. */
  description: string;
  /** Absolute and real. */
  folder: string;
  file: string;
  /** `changed`: it was approved, and is another now. Only an approved one is used. */
  state: "open" | "approved" | "changed";
  /** Rules that its file breaks. */
  warnings: SkillFault[];
  /** Why it cannot be used at all. */
  problem?: SkillFault;
}

/** Every proposed skill and evaluator, by name. */
export function proposals(paths: SkillPaths): Proposal[] {
  const all = ownRoots(paths, "proposed").flatMap(({ folder, kind }) =>
    findSkillFiles(folder).map((file) => proposalOf(file, kind)),
  );
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function proposalOf(file: string, kind: Skill["kind"]): Proposal {
  const folder = dirname(file);
  const common = { folder, file, state: approvalOf(folder) };
  const parsed = readSkillFile(file, kind);
  if ("fault" in parsed) {
    return { ...common, name: basename(folder), kind, description: "", warnings: [], problem: parsed.fault };
  }
  const { name, description, warnings } = parsed.facts;
  return { ...common, name, kind: parsed.facts.kind, description, warnings };
}

/** Whether the user approved what lies in this folder now: the mark holds the hash of what was approved. */
export function approvalOf(folder: string): Proposal["state"] {
  const mark = readRegular(join(folder, APPROVED), 1024)?.toString().trim();
  if (mark === undefined) return "open";
  return mark === fingerprint(folder) ? "approved" : "changed";
}

/**
 * Marks a proposal as approved: from the next task on it is used, until its files change.
 *
 * @throws UserError where there is no such proposal, or it is no usable skill
 */
export async function approve(paths: SkillPaths, name: string): Promise<Proposal> {
  const proposal = find(paths, name);
  const { problem } = proposal;
  if (problem) throw new UserError(`${problem.file}: ${problem.message}`, "Mend the file, then approve it.");
  await writeAtomic(join(proposal.folder, APPROVED), `${fingerprint(proposal.folder)}\n`);
  return { ...proposal, state: "approved" };
}

/** Removes a proposal with its files. @throws UserError where there is none of this name. */
export async function dismiss(paths: SkillPaths, name: string): Promise<Proposal> {
  const proposal = find(paths, name);
  // First out of sight as a whole: what is half removed is no skill.
  const aside = join(dirname(proposal.folder), `.${basename(proposal.folder)}.${randomId(8)}`);
  renameSync(proposal.folder, aside);
  rmSync(aside, { recursive: true, force: true });
  return proposal;
}

function find(paths: SkillPaths, name: string): Proposal {
  const all = proposals(paths);
  const found = all.find((proposal) => proposal.name === name) ?? all.find(({ folder }) => basename(folder) === name);
  if (found) return found;
  const names = all.map((proposal) => proposal.name);
  const near = closest(name, names);
  throw new UserError(
    `there is no proposed skill "${name}"`,
    near ? `Did you mean ${near}?` : names.length > 0 ? `There are ${names.join(", ")}.` : "Nothing is proposed.",
  );
}
