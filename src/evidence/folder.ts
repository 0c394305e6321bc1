import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { readRegular } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import { walk } from "../base/walk.ts";

/** Larger files say nothing about how a project is tested. Bytes. */
const READ_LIMIT = 1024 * 1024;

/** A folder that is looked at: what is missing or unreadable is simply not there. */
export class Folder {
  /** Absolute. */
  readonly path: string;
  #names: readonly string[] | undefined;

  constructor(path: string) {
    this.path = path;
  }

  get name(): string {
    return basename(this.path);
  }

  /** Names of what lies directly in it, sorted. */
  get names(): readonly string[] {
    if (!this.#names) {
      try {
        this.#names = readdirSync(this.path).sort();
      } catch {
        this.#names = [];
      }
    }
    return this.#names;
  }

  /** `name` may be a path below the folder, or `*.ext` for the folder itself. */
  has(name: string): boolean {
    if (name.startsWith("*")) return this.names.some((other) => other.endsWith(name.slice(1)));
    if (!name.includes("/")) return this.names.includes(name);
    return statSync(join(this.path, name), { throwIfNoEntry: false }) !== undefined;
  }

  /** "" where there is nothing to read. */
  text(name: string): string {
    return (
      readRegular(join(this.path, name), READ_LIMIT)
        ?.toString()
        .replace(/^\uFEFF/, "") ?? ""
    );
  }

  /** A JSON object, also with comments and trailing commas; {} where there is none. */
  json(name: string): Record<string, unknown> {
    const text = this.text(name);
    if (text === "") return {};
    try {
      const value: unknown = Bun.JSONC.parse(text);
      return isObject(value) ? value : {};
    } catch {
      return {};
    }
  }

  below(path: string): Folder {
    return new Folder(join(this.path, path));
  }
}

/** How far a folder is searched: entries looked at, files found. */
const ENTRY_LIMIT = 5000;
const FILE_LIMIT = 100;

/**
 * Files that match, relative to `folder`, in order. What lies in a folder with one of these `manifests` of its own
 * belongs to another project and is left out.
 */
export function ownFiles(folder: Folder, matches: RegExp, manifests: readonly string[]): string[] {
  const files: string[] = [];
  const foreign: string[] = [];
  let seen = 0;
  const extraIgnore = ["node_modules", "vendor", "venv", "dist", "build", "target"];
  for (const entry of walk(folder.path, { hidden: false, extraIgnore })) {
    if (++seen > ENTRY_LIMIT) break;
    if (entry.kind !== "file") continue;
    if (manifests.includes(entry.name) && entry.path !== entry.name)
      foreign.push(entry.path.slice(0, -entry.name.length));
    if (matches.test(entry.path)) files.push(entry.path);
  }
  return files.filter((path) => !foreign.some((prefix) => path.startsWith(prefix))).slice(0, FILE_LIMIT);
}
