import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { readRegular } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import type { Skill, SkillFault } from "../contracts/skill.ts";
import { readSkillFile, type SkillFacts } from "./parse.ts";

/** Of fewer skills the frontmatter is read faster than a file that remembers it. */
const WORTHWHILE = 40;
const LARGEST = 16 * 1024 * 1024;
/** Another form of what is remembered is another version, and then everything is read anew. */
const VERSION = 1;

/** What the frontmatter of a task skill said, or why it is none. */
export type Facts = { facts: SkillFacts } | { fault: SkillFault };

/** A file as it was when it was read: changed in any way, it is another one. */
type Stamp = readonly [ino: number, size: number, modifiedMs: number, changedMs: number];

interface Entry {
  stamp: Stamp;
  facts: Facts;
}

/**
 * Remembers what `SKILL.md` files say, by path, inode, size and both times of change, in one file of the cache folder.
 * Reading two hundred files and their YAML takes a multiple of what may be waited for at the start of a task. Losing the
 * file loses nothing; what is in it and does not look as it should is not used.
 */
export class RememberedFacts {
  readonly #path: string;
  #entries: Map<string, Entry> | undefined;
  readonly #used = new Map<string, Entry>();
  #changed = false;

  /** @param path where it lies, absolute */
  constructor(path: string) {
    this.#path = path;
  }

  /** As `readSkillFile`, without the text. */
  read(file: string, kind: Skill["kind"]): Facts {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    // What a link leads to may change while the link stays the same.
    if (!stats?.isFile()) return factsOf(file, kind);
    const key = `${kind} ${file}`;
    const stamp: Stamp = [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs];
    this.#entries ??= load(this.#path);
    let entry = this.#entries.get(key);
    if (!entry || entry.stamp.some((value, at) => value !== stamp[at])) {
      entry = { stamp, facts: factsOf(file, kind) };
      this.#changed = true;
    }
    this.#used.set(key, entry);
    return entry.facts;
  }

  /** Keeps what was read this time, where that pays. Never throws: it is a cache. */
  keep(): void {
    if (!this.#changed || this.#used.size < WORTHWHILE) return;
    const temporary = `${this.#path}.${randomId(8)}.tmp`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(temporary, JSON.stringify({ version: VERSION, entries: [...this.#used] }), { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch {
      rmSync(temporary, { force: true });
    }
  }
}

/** The same, read now. */
export function factsOf(file: string, kind: Skill["kind"]): Facts {
  const parsed = readSkillFile(file, kind);
  return "fault" in parsed ? { fault: parsed.fault } : { facts: parsed.facts };
}

function load(path: string): Map<string, Entry> {
  const text = readRegular(path, LARGEST)?.toString();
  if (text === undefined) return new Map();
  try {
    const read: unknown = JSON.parse(text);
    if (!isObject(read) || read["version"] !== VERSION || !Array.isArray(read["entries"])) return new Map();
    return new Map(read["entries"].filter(isEntry));
  } catch {
    return new Map();
  }
}

/** The file is ours and nobody else writes it; this only keeps a torn or strange one from doing harm. */
function isEntry(value: unknown): value is [string, Entry] {
  if (!Array.isArray(value) || typeof value[0] !== "string" || !isObject(value[1])) return false;
  const { stamp, facts } = value[1];
  if (!Array.isArray(stamp) || stamp.length !== 4 || !isObject(facts)) return false;
  const { facts: known, fault } = facts;
  if (isObject(fault)) return typeof fault["rule"] === "string" && typeof fault["message"] === "string";
  return (
    isObject(known) &&
    ["name", "description", "kind"].every((key) => typeof known[key] === "string") &&
    isObject(known["needs"]) &&
    Array.isArray(known["warnings"]) &&
    Array.isArray(known["categories"])
  );
}
