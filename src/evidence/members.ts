import { join, relative } from "node:path";
import { isObject } from "../base/schema.ts";
import type { Check } from "../contracts/evidence.ts";
import { Folder } from "./folder.ts";

/** Files in which a project says what it uses. */
const MANIFESTS =
  /^(?:package\.json|tsconfig(?:\.\w+)?\.json|deno\.jsonc?|Cargo\.toml|go\.mod|pyproject\.toml|setup\.(?:py|cfg)|requirements[\w-]*\.txt|Pipfile|tox\.ini|conftest\.py|GNUmakefile|[mM]akefile|CMakeLists\.txt|pom\.xml|build\.gradle(?:\.kts)?|mix\.exs|composer\.json|Gemfile|.*\.(?:csproj|fsproj))$/;

/** With more members than this one command tests them all. */
export const MOST_MEMBERS = 30;

/**
 * To which files each of a monorepo's checks belongs. `places` are the folders that checks are about (absolute). A member
 * uses another one when one of its manifests names it, by the name that it has or by its path, and what that one uses
 * too: rather once too often than once too few. Undefined for the workspace itself, and where there is no second member.
 */
export function scopesOf(
  places: readonly string[],
  workspace: string,
): (place: string) => NonNullable<Check["scope"]> | undefined {
  const folders = [...new Set(places)].filter((path) => path !== workspace).map((path) => new Folder(path));
  const pathOf = ({ path }: Folder) => relative(workspace, path).replaceAll("\\", "/");
  if (folders.length < 2) return () => undefined;
  const members = folders.map(pathOf);
  const uses = usesOf(folders);
  return (place) => {
    const at = folders.findIndex(({ path }) => path === place);
    if (at < 0) return undefined;
    const used = new Set([at]);
    for (const one of used) for (const next of uses[one]!) used.add(next);
    return { uses: [...used].map((one) => members[one]!), members };
  };
}

function manifestText(folder: Folder): string {
  return folder.names
    .filter((name) => MANIFESTS.test(name))
    .map((name) => folder.text(name))
    .join("\n");
}

/** What others call a project; its folder's name where it has no name of its own. */
function namesOf(folder: Folder): string[] {
  const named = [
    folder.json("package.json")["name"],
    /^module\s+(\S+)/m.exec(folder.text("go.mod"))?.[1],
    ...["Cargo.toml", "pyproject.toml", "setup.cfg", "setup.py"].map(
      (file) => /^\s*name\s*=\s*["']?([\w.@/-]+)/m.exec(folder.text(file))?.[1],
    ),
  ].filter((name): name is string => typeof name === "string" && name !== "");
  return named.length > 0 ? named : [folder.name];
}

/** Which others each folder names. Every manifest is read once, however many members there are. */
function usesOf(folders: readonly Folder[]): number[][] {
  const names = folders.map(namesOf);
  const named = new Map<string, number[]>();
  for (const [of, words] of names.entries())
    for (const word of words) named.set(word, [...(named.get(word) ?? []), of]);
  const placed = new Map(folders.map(({ path }, of) => [path, of]));
  // What is written with signs that end a word is looked for by itself.
  const odd = folders.flatMap(({ path }, of) =>
    [path, ...names[of]!].some((word) => ENDS_WORD.test(word)) ? [of] : [],
  );
  const longest = Math.max(
    ...[...named.keys()].map(({ length }) => length),
    ...folders.map(({ path }) => 4 * path.length),
  );
  return folders.map((folder, at) => {
    const text = manifestText(folder);
    const pathTo = (of: number) => relative(folder.path, folders[of]!.path).replaceAll("\\", "/");
    const words = wordsIn(text, longest);
    const alone = words ? odd : [...folders.keys()];
    const found = new Set(alone.filter((of) => [...names[of]!, pathTo(of)].some((word) => mentions(text, word))));
    for (const word of words ?? []) {
      for (const of of named.get(word) ?? []) found.add(of);
      const of = placed.get(join(folder.path, word));
      if (of !== undefined && pathTo(of) === word) found.add(of);
    }
    found.delete(at);
    return [...found].sort((a, b) => a - b);
  });
}

const ENDS_WORD = /[\s"'`,;()[\]{}<>=]/;

/** A manifest that a person wrote has some thousand words. */
const MOST_WORDS = 100_000;

/**
 * Everything in a text that may be a name or a path, also within a longer one: of `@a/b-c/d` also `@a/b-c`, `b-c/d` and
 * `d`. Undefined where that is too much to be looked up.
 */
function wordsIn(text: string, longest: number): Set<string> | undefined {
  const words = new Set<string>();
  let count = 0;
  for (const token of new Set(text.split(ENDS_WORD))) {
    for (let start = 0; start < token.length; start++) {
      if (start > 0 && /[\w@-]/.test(token[start - 1]!)) continue;
      const most = Math.min(token.length, start + longest);
      for (let end = start + 1; end <= most; end++) {
        if (end < token.length && /[\w-]/.test(token[end]!)) continue;
        if (++count > MOST_WORDS) return undefined;
        words.add(token.slice(start, end));
      }
    }
  }
  return words;
}

function mentions(text: string, word: string): boolean {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w@-])${escaped}(?![\\w-])`).test(text);
}

/** The packages of a Cargo workspace beside the root's own, as `name` and folder; undefined where they cannot be told. */
export function cargoMembers(folder: Folder): { name: string; path: string }[] | undefined {
  const listed = tomlOf(folder)["workspace"];
  if (!isObject(listed)) return undefined;
  const texts = (key: string) =>
    (Array.isArray(listed[key]) ? listed[key] : []).filter((one) => typeof one === "string");
  const left = texts("exclude");
  const paths = texts("members").flatMap((pattern) => [
    ...new Bun.Glob(`${pattern.replace(/^\.\//, "").replace(/\/$/, "")}/Cargo.toml`).scanSync(folder.path),
  ]);
  const found = [...new Set(paths.map((path) => path.slice(0, -"/Cargo.toml".length)))]
    .filter((path) => !left.some((skipped) => path === skipped || path.startsWith(`${skipped}/`)))
    .sort();
  const members = found.flatMap((path) => {
    const own = tomlOf(folder.below(path))["package"];
    return isObject(own) && typeof own["name"] === "string" ? [{ name: own["name"], path }] : [];
  });
  return members.length === found.length && !usesUnlisted(folder, found) ? members : undefined;
}

/** Cargo takes what a member uses by path for a member too, listed or not. */
function usesUnlisted(folder: Folder, listed: readonly string[]): boolean {
  return ["", ...listed].some((path) => {
    const text = folder.below(path).text("Cargo.toml");
    return [...text.matchAll(/\bpath\s*=\s*"([^"]+)"/g)].some(([, to]) => {
      const target = relative(folder.path, folder.below(path).below(to!).path).replaceAll("\\", "/");
      const inside = target !== "" && !target.startsWith("..");
      return inside && !listed.includes(target) && folder.has(`${target}/Cargo.toml`);
    });
  });
}

function tomlOf(folder: Folder): Record<string, unknown> {
  try {
    const value: unknown = Bun.TOML.parse(folder.text("Cargo.toml"));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
