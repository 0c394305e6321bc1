import { chmodSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { randomId } from "../../base/crypto/random.ts";
import { ensureDir, readRegular } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { plural, showControl } from "../../base/text.ts";
import { APPROVED, findSkillFiles, skillFiles } from "../../skills/files.ts";
import { faultText, parseSkill } from "../../skills/parse.ts";
import { ownRoots, type SkillPaths } from "../../skills/places.ts";
import { oneLine } from "../display/layout.ts";
import { brokenAt, type ExportRow, type InTable } from "./document.ts";

/** Columns of a file of a skill: what is no text stands in `base64`. `executable` is 0 or 1. */
export const SKILL_COLUMNS = ["path", "text", "base64", "executable"] as const;

/** Where a file of a skill lies, from the config home on. Nothing else may be written by an import. */
const PLACE = /^(?:skills|evaluators)\/(?:managed|user|proposed)(?:\/[^/\\\p{Cc}]+){2,}$/u;
/** A larger file is left out. Bytes. */
const LARGEST_FILE = 16 * 1024 * 1024;

/**
 * Every file of the user's skills and evaluators; with `textsOnly` none that is no text, in which nobody sees a secret.
 * `onLeftOut` hears of what is not in it, by path.
 */
export function* skillRows(
  paths: SkillPaths,
  textsOnly: boolean,
  onLeftOut: (path: string) => void,
): Generator<ExportRow> {
  const taken = new Set<string>();
  const sources = ["managed", "user", "proposed"] as const;
  // Those of the config home outrank those of the data folder, and come last.
  for (const { folder: root, kind, source } of sources.flatMap((each) => ownRoots(paths, each).reverse())) {
    const place = `${kind === "evaluator" ? "evaluators" : "skills"}/${source}`;
    for (const file of findSkillFiles(root)) {
      const folder = dirname(file);
      const inside = relative(realpathSync(root), folder);
      const own = `${place}/${inside.startsWith("..") ? basename(folder) : inside}`;
      if (taken.has(own)) continue;
      taken.add(own);
      for (const { path, executable } of skillFiles(folder)) {
        const row = rowOf(`${own}/${path}`, readRegular(join(folder, path), LARGEST_FILE), executable);
        if (row && !(textsOnly && row["text"] === null)) yield row;
        else onLeftOut(`${own}/${path}`);
      }
    }
  }
}

function rowOf(path: string, content: Buffer | undefined, executable: boolean): ExportRow | undefined {
  if (content === undefined || !isPlace(path)) return undefined;
  const text = content.toString();
  const isText = Buffer.from(text).equals(content);
  return {
    path,
    text: isText ? text : null,
    base64: isText ? null : content.toString("base64"),
    executable: executable ? 1 : 0,
  };
}

function isPlace(path: string): boolean {
  const names = path.split("/");
  return PLACE.test(path) && !names.some((name) => name === "." || name === ".." || name === APPROVED);
}

interface OneFile {
  /** Relative to the skill's folder. */
  path: string;
  content: string | Buffer;
  executable: boolean;
}

/** A skill with its files. */
export interface PortableSkill {
  /** Its folder, from the config home on. */
  place: string;
  /** Of its `SKILL.md`. */
  text: string;
  files: OneFile[];
}

/** The skills of an export. Throws UserError for a row that is no file of one. */
export function readSkillRows({ rows, placeOf }: InTable, file: string): PortableSkill[] {
  const skills = new Map<string, PortableSkill>();
  const folders = rows
    .map(({ path }) => path)
    .filter((path) => typeof path === "string" && /\/SKILL\.md$/i.test(path))
    .map((path) => dirname(path as string))
    .sort((a, b) => a.length - b.length);
  for (const [at, { path, text, base64, executable }] of rows.entries()) {
    // Inside of a skill there is no other one.
    const place = typeof path === "string" ? folders.find((folder) => path.startsWith(`${folder}/`)) : undefined;
    if (typeof path !== "string" || place === undefined || !isPlace(path)) {
      throw brokenAt(file, placeOf(at), `${JSON.stringify(path)} is no place of a skill`);
    }
    const content = typeof text === "string" ? text : typeof base64 === "string" ? Buffer.from(base64, "base64") : null;
    if (content === null) throw brokenAt(file, placeOf(at), "text: missing");
    const skill = skills.get(place) ?? { place, text: "", files: [] };
    const name = path.slice(place.length + 1);
    if (skill.files.some((other) => other.path.toLowerCase() === name.toLowerCase())) {
      throw brokenAt(file, placeOf(at), `${JSON.stringify(path)} is there twice`);
    }
    if (/^SKILL\.md$/i.test(name)) skill.text = String(content);
    skill.files.push({ path: name, content, executable: Number(executable ?? 0) === 1 });
    skills.set(place, skill);
  }
  return [...skills.values()];
}

/** Whether a skill lies there already. */
export function isThere({ home }: Pick<Paths, "home">, { place }: PortableSkill): boolean {
  return existsSync(join(home, place));
}

/** A proposal is not used before it is approved, and an import approves nothing. */
export function isProposal({ place }: PortableSkill): boolean {
  return place.split("/")[1] === "proposed";
}

/** A line that says what a skill is for, and how many files it has beside its text. */
export function aboutSkill({ place, text, files }: PortableSkill): string {
  const parsed = parseSkill(text, join("/", place, "SKILL.md"), place.startsWith("evaluators/") ? "evaluator" : "task");
  const more = files.length > 1 ? ` (${plural(files.length, "file")})` : "";
  return oneLine(
    showControl(`${place}${more}: ${"fault" in parsed ? faultText(parsed.fault) : parsed.facts.description}`),
  );
}

/** Writes skills, each whole or not at all. A proposal is not approved by it. */
export async function writeSkills(paths: Pick<Paths, "home">, skills: readonly PortableSkill[]): Promise<void> {
  for (const { place, files } of skills) {
    const target = join(paths.home, place);
    const fresh = join(target, "..", `.${basename(place)}.new.${randomId(8)}`);
    await ensureDir(dirname(target));
    try {
      for (const { path, content, executable } of files) {
        const file = join(fresh, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
        if (executable) chmodSync(file, 0o755);
      }
      renameSync(fresh, target);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
}
