import { relative } from "node:path";
import { walk } from "../base/walk.ts";
import type { Check } from "../contracts/evidence.ts";
import { agentsFileChecks, kindOfCommand } from "./agents-file.ts";
import { type Candidate, withoutDoubles } from "./candidate.ts";
import { Folder } from "./folder.ts";
import { scopesOf } from "./members.ts";
import { candidatesIn, type Programs } from "./project-kinds.ts";
import { canonical } from "./proofs.ts";

/** Time limit of a project's own check, ms. */
const SUITE_TIMEOUT = 600_000;

/** How deep below the workspace a project is looked for when the workspace itself is none. */
const DEPTH = 2;

/** Folders that hold other people's projects, or projects that are there to be looked at. */
const FOREIGN = ["node_modules", "vendor", "third_party", "venv", "target", "dist", "fixtures", "testdata", "examples"];

export interface DiscoverInput {
  workspace: string;
  /** `[evaluate] checks`: commands that the user wants run too. */
  configured: readonly string[];
  programs: Programs;
}

/**
 * The project's own tests, type-checks and linters, and those that were configured. Reads files and starts nothing.
 * The workspace itself comes first; only where it has no tests are the folders below it looked at. What AGENTS.md
 * says is used for what could not be found otherwise.
 */
export function discoverChecks(input: DiscoverInput, signal: AbortSignal): Check[] {
  const root = new Folder(input.workspace);
  let found = withoutDoubles(candidatesIn(root, input.programs));
  if (!has(found, "test")) found = [...found, ...projectsBelow(root, input.programs, found, signal)];
  const told = agentsFileChecks(root).filter((candidate) => !has(found, candidate.kind));
  const all = [...configured(root, input.configured), ...found, ...told];
  const tested = has(all, "test");
  const chosen = all.filter((one) => !tested || one.refused === undefined);
  const scopeOf = scopesOf(chosen.map(placeOf), root.path);
  const checks = chosen.map((one) => checkOf(one, root.path, scopeOf(placeOf(one))));
  // The same command twice (configured and found) is one check, the first.
  const unique = new Map<string, Check>();
  for (const check of checks) {
    const key = `${check.cwd} ${canonical(check.command)}`;
    if (!unique.has(key)) unique.set(key, check);
  }
  return [...unique.values()];
}

function has(candidates: readonly Candidate[], kind: Candidate["kind"]): boolean {
  return candidates.some((candidate) => candidate.kind === kind && candidate.refused === undefined);
}

function configured(folder: Folder, commands: readonly string[]): Candidate[] {
  return commands
    .map((command) => command.trim())
    .filter((command) => command !== "")
    .map((command) => ({
      kind: kindOfCommand(command) ?? "test",
      command,
      folder,
      source: "[evaluate] checks",
      runs: /^$/,
    }));
}

/** Projects in folders below; inside one that has been found nothing more is looked for. */
function projectsBelow(
  root: Folder,
  programs: Programs,
  known: readonly Candidate[],
  signal: AbortSignal,
): Candidate[] {
  const found: Candidate[] = [];
  const done = known.map((candidate) => candidate.folder.path).filter((path) => path !== root.path);
  for (const entry of walk(root.path, { hidden: false, extraIgnore: FOREIGN, signal })) {
    if (entry.kind !== "dir" || entry.path.split("/").length > DEPTH) continue;
    const folder = root.below(entry.path);
    if (done.some((path) => folder.path === path || folder.path.startsWith(`${path}/`))) continue;
    const candidates = withoutDoubles(candidatesIn(folder, programs));
    if (candidates.every((candidate) => candidate.kind !== "test")) continue;
    found.push(...candidates);
    done.push(folder.path);
  }
  return found;
}

/** The folder that a check is about. */
function placeOf({ member, folder }: Candidate): string {
  return member ?? folder.path;
}

function checkOf(
  { kind, command, folder, source, refused }: Candidate,
  workspace: string,
  scope: Check["scope"] | undefined,
): Check {
  const place = relative(workspace, folder.path).replaceAll("\\", "/");
  return {
    id: place === "" ? `${kind}:${command}` : `${kind}:${command} (${place})`,
    kind,
    command,
    cwd: folder.path,
    source: place === "" ? source : `${place}/${source}`,
    timeoutMs: SUITE_TIMEOUT,
    ...(scope === undefined ? {} : { scope }),
    ...(refused === undefined ? {} : { refused }),
  };
}
