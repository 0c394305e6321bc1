import { dirname, join } from "node:path";
import { isObject } from "../base/schema.ts";
import { ShellSyntaxError } from "../base/shell/words.ts";
import { kindOfCommand } from "./agents-file.ts";
import { type Candidate, isAlone } from "./candidate.ts";
import { Folder, ownFiles } from "./folder.ts";
import { MOST_MEMBERS } from "./members.ts";
import { exitCodeOf } from "./shell/exit-code.ts";
import { hazardOf } from "./shell/hazards.ts";

type Scripts = Readonly<Record<string, string>>;
type Manager = "npm" | "pnpm" | "yarn" | "bun";

/** Names that projects give to the same thing, the plain one first; `test` itself may be a watcher. */
const TEST_SCRIPTS = ["test", "test:ci", "test:run", "test:once", "test:unit", "tests"];
const LINT_SCRIPTS = ["lint", "lint:check", "lint:ci", "eslint", "check"];
const TYPE_SCRIPTS = ["typecheck", "type-check", "check-types", "check:types", "types:check", "tsc"];

/** Checks of a folder with JavaScript or TypeScript: its scripts, else what its test files are written for. */
export function javascriptChecks(folder: Folder, bun: string): Candidate[] {
  if (!folder.has("package.json")) return testFileChecks(folder, {}, bun);
  const manifest = folder.json("package.json");
  const scripts = scriptsOf(manifest);
  const manager = managerOf(folder, manifest);
  const call = manager === "npm" || manager === "pnpm" || manager === "yarn" ? manager : bun;
  // `check` may mean anything.
  const fits = (name: string) => name !== "check" || kindOfCommand(bodyOf(name, scripts)) === "static";
  const script = (kind: Candidate["kind"], names: readonly string[]): Candidate[] => {
    const there = names.filter((one) => scripts[one] !== undefined && !isPlaceholder(scripts[one]!) && fits(one));
    const name = there.find((one) => againstCheck(scripts[one]!) === undefined) ?? there[0];
    if (name === undefined) return [];
    const against = againstCheck(scripts[name]!);
    const body = bodyOf(name, scripts);
    return [
      {
        kind,
        command: name === "test" && manager !== "bun" ? `${call} test` : `${call} run ${name}`,
        folder,
        source: `package.json scripts.${name}`,
        runs: new RegExp(
          `\\b(?:npm|pnpm|yarn|bun)\\b(?: run| run-script)? ${name === "test" ? "t(?:est)?" : name}(?![\\w:-])`,
        ),
        body,
        alone: body === scripts[name] && isAlone(body),
        ...(against === undefined ? {} : { refused: `${scripts[name]}: ${against}` }),
      },
    ];
  };
  const scripted = script("test", TEST_SCRIPTS);
  const members = workspacePackages(folder, manifest);
  // What only asks every package to test itself is left to the packages, so that those are tested that were touched.
  const asking =
    members.length > 1 &&
    members.length <= MOST_MEMBERS &&
    scripted.every(({ source }) => asksPackages(scripts[source.slice("package.json scripts.".length)]));
  const tests = asking ? [] : scripted.filter(isRun);
  const packages = tests.length > 0 ? [] : members;
  const types = script("static", TYPE_SCRIPTS).filter(isRun);
  const statics = [...(types.length > 0 ? types : typeCheck(folder)), ...script("static", LINT_SCRIPTS).filter(isRun)];
  const inside = packages.flatMap((path) => javascriptChecks(new Folder(path), bun));
  const found = tests.length > 0 || packages.length > 0 ? tests : testFileChecks(folder, manifest, bun);
  const untested = !(asking && inside.some(({ kind }) => kind === "test"));
  return [
    ...(found.length > 0 || !untested ? found : scripted),
    ...statics,
    // What the root checks for all packages is not checked in each of them again.
    ...inside.filter((candidate) => candidate.kind === "test" || statics.length === 0),
  ];
}

function scriptsOf(manifest: Record<string, unknown>): Scripts {
  const scripts = isObject(manifest["scripts"]) ? manifest["scripts"] : {};
  return Object.fromEntries(
    Object.entries(scripts).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function isRun(candidate: Candidate): boolean {
  return candidate.refused === undefined;
}

/** True where a script runs the packages' own `test` and nothing else. */
function asksPackages(script = ""): boolean {
  const test = "(?:run |run-script )?test";
  const flags = "(?: --(?:if-present|silent))*";
  const ways = [
    `npm ${test}(?: -ws| --workspaces)${flags}`,
    `npm(?: -ws| --workspaces) ${test}${flags}`,
    `pnpm (?:-r|--recursive|recursive) ${test}${flags}`,
    `pnpm run (?:-r|--recursive) test${flags}`,
    "yarn workspaces run test",
    String.raw`yarn workspaces foreach (?:-\w+ |--all )*run test`,
    `bun (?:run )?--filter[= ]['"]?\\*['"]? test`,
  ];
  return new RegExp(`^(?:${ways.join("|")})$`).test(script.trim());
}

/** npm's own `echo "Error: no test specified" && exit 1` is no test. */
function isPlaceholder(script: string): boolean {
  return /no test specified/.test(script);
}

/** Why a script is no check: it cannot fail, mends or never ends. Undefined where it is one. */
function againstCheck(script: string): string | undefined {
  try {
    const hazard = hazardOf(script, ["mends", "endless", "interactive"]);
    return hazard ?? (exitCodeOf(script).canFail ? undefined : "it cannot fail");
  } catch (error) {
    // A script for another shell may still be right.
    if (error instanceof ShellSyntaxError) return undefined;
    throw error;
  }
}

/** A script with the scripts that it calls, and those that the package manager calls around it. */
function bodyOf(name: string, scripts: Scripts, seen: ReadonlySet<string> = new Set()): string {
  const own = scripts[name];
  if (own === undefined || seen.has(name)) return "";
  const inside = new Set([...seen, name]);
  const called = [...own.matchAll(/\b(?:npm|pnpm|yarn|bun)\b(?: run| run-script)? ([\w:-]+)/g)].map(
    (match) => match[1]!,
  );
  const around = [`pre${name}`, `post${name}`];
  const others = [...around, ...called].map((other) => bodyOf(other, scripts, inside));
  return [own, ...others.filter((text) => text !== "")].join("\n");
}

/** By the `packageManager` field, else the lock file here or in a folder above, up to the top of the repository. */
function managerOf(folder: Folder, manifest: Record<string, unknown>): Manager {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(String(manifest["packageManager"] ?? ""))?.[1];
  if (named) return named as Manager;
  const locks: readonly [string, Manager][] = [
    ["bun.lock", "bun"],
    ["bun.lockb", "bun"],
    ["pnpm-lock.yaml", "pnpm"],
    ["yarn.lock", "yarn"],
    ["package-lock.json", "npm"],
  ];
  for (let at = folder; ; at = new Folder(dirname(at.path))) {
    const lock = locks.find(([name]) => at.has(name));
    if (lock) return lock[1];
    if (at.has(".git") || at.path === dirname(at.path)) return "npm";
  }
}

/** Folders of a monorepo's packages that have a manifest. */
function workspacePackages(folder: Folder, manifest: Record<string, unknown>): string[] {
  const field = manifest["workspaces"];
  const listed = isObject(field) ? field["packages"] : field;
  const patterns = Array.isArray(listed) ? listed : pnpmPackages(folder);
  const texts = patterns.filter((pattern) => typeof pattern === "string");
  const left = texts.filter((text) => text.startsWith("!")).map((text) => new Bun.Glob(text.slice(1)));
  const found = texts
    .filter((text) => !text.startsWith("!"))
    .flatMap((text) => [
      ...new Bun.Glob(`${text.replace(/^\.\//, "").replace(/\/$/, "")}/package.json`).scanSync(folder.path),
    ])
    .map((path) => dirname(path))
    .filter((path) => !/(?:^|\/)node_modules(?:\/|$)/.test(path) && !left.some((glob) => glob.match(path)));
  return [...new Set(found)].sort().map((path) => join(folder.path, path));
}

function pnpmPackages(folder: Folder): unknown[] {
  try {
    const value: unknown = Bun.YAML.parse(folder.text("pnpm-workspace.yaml"));
    return isObject(value) && Array.isArray(value["packages"]) ? value["packages"] : [];
  } catch {
    return [];
  }
}

/** `tsc`, where the project has both its settings and the compiler. */
function typeCheck(folder: Folder): Candidate[] {
  if (!folder.has("tsconfig.json")) return [];
  const tsc = binOf(folder, "tsc");
  if (tsc === undefined) return [];
  const settings = folder.json("tsconfig.json");
  // `files: []` with references is a list of projects: by itself it would check nothing.
  const references = Array.isArray(settings["files"]) && settings["files"].length === 0 ? settings["references"] : [];
  const projects = (Array.isArray(references) ? references : []).flatMap((entry) =>
    isObject(entry) && typeof entry["path"] === "string" ? [entry["path"]] : [],
  );
  const command =
    projects.length > 0 ? projects.map((path) => `${tsc} --noEmit -p ${path}`).join(" && ") : `${tsc} --noEmit`;
  return [{ kind: "static", command, folder, source: "tsconfig.json", runs: /\btsc\b/ }];
}

/** The path of an installed package's program, here or in a folder above (a monorepo's root), as the shell takes it. */
function binOf(folder: Folder, name: string): string | undefined {
  let prefix = "";
  for (let at = folder; ; at = new Folder(dirname(at.path))) {
    if (at.has(`node_modules/.bin/${name}`)) return `${prefix}node_modules/.bin/${name}`;
    if (at.has(".git") || at.path === dirname(at.path)) return undefined;
    prefix += "../";
  }
}

/** How many test files are opened to see what they are written for. */
const SAMPLE = 20;

/** Without a test script: the runner that the test files import, or that is installed. */
function testFileChecks(folder: Folder, manifest: Record<string, unknown>, bun: string): Candidate[] {
  const files = testFiles(folder);
  if (files.length === 0) return [];
  const texts = files.slice(0, SAMPLE).map((path) => ({ path, text: folder.text(path) }));
  const imports = (name: string) =>
    texts.find(({ text }) => new RegExp(`(?:from|require\\(|import)\\s*["']${name}["']`).test(text));
  const dependencies = [manifest["dependencies"], manifest["devDependencies"]].filter(isObject);
  const installed = (name: string) => dependencies.some((list) => name in list) && binOf(folder, name);
  const test = (command: string, source: string, runs: RegExp): Candidate[] => [
    { kind: "test", command, folder, source, runs },
  ];
  const forBun = imports("bun:test");
  if (forBun) return test(`${bun} test`, forBun.path, /\bbun test\b/);
  const vitest = installed("vitest");
  if (vitest) return test(`${vitest} run`, "package.json", /\bvitest\b/);
  const jest = installed("jest");
  if (jest) return test(jest, "package.json", /\bjest\b/);
  const forNode = imports("node:test");
  if (forNode && /\.[cm]?js$/.test(forNode.path)) return test("node --test", forNode.path, /\bnode --test\b/);
  return [];
}

/** Test files that belong to this package and not to one inside of it. */
function testFiles(folder: Folder): string[] {
  const isTest = /(?:[._](?:test|spec)\.[cm]?[jt]sx?|(?:^|\/)test\/[^/]+\.[cm]?js)$/;
  return ownFiles(folder, isTest, ["package.json"]);
}
