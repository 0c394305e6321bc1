import { realpathSync } from "node:fs";

/** What differs between two runs of the same conversation on two machines. */
export interface Places {
  workspace: string;
  temp: string;
  home: string;
}

/**
 * Takes out of a conversation what is of this machine and moment alone, so that it can be compared with one held
 * elsewhere: paths of the workspace, the temporary folder and the home folder; dates, times of day and durations; task
 * ids, UUIDs; and keys, always. Tool call ids are numbered by `recording.ts`.
 */
export class Normaliser {
  readonly #given: Places;
  readonly #patterns: readonly { name: string; pattern: RegExp }[];
  readonly #secrets: readonly string[];

  constructor(places: Places, secrets: readonly string[]) {
    const named = Object.entries(places).flatMap(([name, path]) =>
      variants(path).map((each) => ({ name, path: each })),
    );
    this.#given = places;
    this.#patterns = named
      .filter(({ path }) => path.length > 1)
      // The workspace may lie in the home folder, or in the temporary one.
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, path }) => ({
        name: `<<${name}>>`,
        pattern: new RegExp(`${RegExp.escape(path)}(?!\\.?[\\w-])`, "g"),
      }));
    this.#secrets = secrets.filter((secret) => secret.length >= 8);
  }

  /** For comparison: cannot be undone. */
  compared(text: string): string {
    return (
      this.portable(text)
        // Names of temporary files are random.
        .replace(/<<temp>>\/[\w.-]+/g, "<<temp>>/…")
        .replace(/\b\d{8}-\d{6}-[a-z0-9]{4}\b/g, "<<task>>")
        .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<<id>>")
        .replace(/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<<date>>")
        .replace(/\b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b/g, "<<time>>")
        // Test runners print how long everything took, with the unit behind the number or in the name before it.
        .replace(/\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?|minutes?)\b/g, "<<duration>>")
        .replace(/\b(\w*(?:duration|elapsed|time|took)\w*["']?\s*[:=]?\s*)\d+(?:\.\d+)?/gi, "$1<<duration>>")
    );
  }

  /** For what a recorded model says: paths become names that `local` turns back, on whichever machine. */
  portable(text: string): string {
    let result = text;
    for (const secret of this.#secrets) result = result.replaceAll(secret, "<<key>>");
    for (const { pattern, name } of this.#patterns) result = result.replace(pattern, () => name);
    return result;
  }

  /** Undoes `portable` with the paths of this machine. */
  local(text: string): string {
    return text.replace(/<<(workspace|temp|home)>>/g, (_, name: keyof Places) => this.#given[name]);
  }
}

/** The path, and what it is behind symbolic links (macOS: /tmp is /private/tmp). */
function variants(path: string): string[] {
  try {
    const real = realpathSync(path);
    return real === path ? [path] : [path, real];
  } catch {
    return [path];
  }
}

/** The same value with every string in it replaced. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapStrings(each, change)])) as T;
}
