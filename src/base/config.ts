import { resolve } from "node:path";
import { environmentLayer, type Layer, overlay, setKey, suggestedVariable, suggestion } from "./config-layers.ts";
import { narrowed } from "./config-project.ts";
import { type Config, configSchema } from "./config-schema.ts";
import { type Env, namesCredential } from "./env.ts";
import { messageOf, UsageError, UserError } from "./errors.ts";
import { readText } from "./files.ts";
import { type Paths, projectPaths } from "./paths.ts";
import { type Issue, parse } from "./schema.ts";
import { lineOfKey, parseToml } from "./toml.ts";

export type { Config } from "./config-schema.ts";

/** Something of a project that takes effect only where the user trusts its folder. */
export interface ProjectClaim {
  /** Absent: settings. */
  of?: "settings" | "skills";
  /** The file or folder, absolute, and what it holds: of skills, hashes of all their files. */
  file: string;
  source: string;
  /** Dotted keys, all of them known ones; names of skills. */
  keys: readonly string[];
}

export interface LoadedConfig {
  config: Config;
  /** One sentence each: unknown keys, keys of a project that were ignored. */
  warnings: string[];
  /** The files that were read, absolute, lowest precedence first. */
  files: string[];
}

/**
 * Reads the settings: flag > environment > project > user > default. The result is complete and deeply frozen. Missing
 * keys get defaults; unknown ones warn and are ignored; of a project's file only what narrows takes effect, and what the
 * user trusts it with (config-project.ts).
 *
 * @param input `configFile`: named by `--config`, must exist. `flags`: dotted key → value; undefined counts as not given.
 *   `trust`: whether the user trusts a project's file; without it nobody does.
 * @throws UserError for a file that cannot be read or understood and for values of the wrong type, UsageError for flags.
 */
export async function loadConfig(input: {
  paths: Paths;
  env: Env;
  projectDir?: string;
  configFile?: string;
  flags?: Record<string, unknown>;
  trust?: (claim: ProjectClaim) => Promise<boolean>;
}): Promise<LoadedConfig> {
  const schema = configSchema();
  const warnings: string[] = [];
  const files: string[] = [];

  const read = async (
    file: string,
  ): Promise<{ layer: Layer; source: string; unknown: readonly string[] } | undefined> => {
    const source = await sourceOf(file);
    if (source === undefined) return;
    files.push(file);
    const layer = parseToml(source, file);
    const parsed = parse(schema, layer);
    if (!parsed.ok) throw wrongTypes(file, source, parsed.issues);
    for (const key of parsed.unknown) {
      warnings.push(`${place(file, source, key)}: unknown key ${key} is ignored${suggestion(key, schema.json)}`);
    }
    return { layer, source, unknown: parsed.unknown };
  };

  const userFile = input.configFile ? resolve(input.configFile) : input.paths.config;
  const user = await read(userFile);
  if (!user && input.configFile) {
    throw new UserError(`the config file ${userFile} does not exist`, "Check the path after --config.");
  }
  if (!user && input.paths.configNamed) warnings.push(`OPENKOI_CONFIG names ${userFile}, which does not exist`);
  let layer = user?.layer ?? {};

  const projectFile = input.projectDir && projectPaths(input.projectDir).config;
  // Started in the home folder, the project's file would be the user's own.
  const project = projectFile && projectFile !== userFile ? await read(projectFile) : undefined;
  if (projectFile && project) {
    const { narrower, free, freeKeys, ignored } = narrowed(project.layer, complete(schema, layer));
    layer = overlay(layer, narrower);
    const isUnknown = (key: string) => project.unknown.some((each) => key === `[${each}]` || key === each);
    for (const key of ignored) {
      if (isUnknown(key)) continue;
      warnings.push(`${projectFile}: ${key} is ignored: a project can only narrow what your own config allows`);
    }
    if (freeKeys.length > 0) {
      const trusted = await input.trust?.({ file: projectFile, source: project.source, keys: freeKeys });
      if (trusted) layer = overlay(layer, free);
      else warnings.push(untrusted(projectFile, freeKeys));
    }
  }

  const environment = environmentLayer(input.env, schema.json);
  const checked = parse(schema, environment.layer);
  if (!checked.ok) throw wrongVariables(checked.issues, environment.names);
  for (const name of environment.unknown) {
    warnings.push(`unknown variable ${name} is ignored${suggestedVariable(name, schema.json)}`);
  }
  layer = overlay(layer, environment.layer);
  layer = overlay(layer, flagLayer(schema, input.flags ?? {}));

  return { config: frozen(complete(schema, layer)), warnings, files };
}

/** Says that what a project brings has no effect. */
export function untrusted(file: string, keys: readonly string[]): string {
  const way = "answer at a terminal, or set OPENKOI_TRUST=1";
  return `${file}: ${keys.join(", ")} ${keys.length === 1 ? "is" : "are"} ignored: this folder is not trusted (${way})`;
}

type ConfigSchema = ReturnType<typeof configSchema>;

/** All layers were checked one by one, so that what remains wrong here is a bug. */
function complete(schema: ConfigSchema, layer: Layer) {
  const parsed = parse(schema, layer);
  if (!parsed.ok) throw new Error(`the layers of the config do not fit together: ${parsed.issues[0]?.path}`);
  return parsed.value;
}

async function sourceOf(file: string): Promise<string | undefined> {
  try {
    return await readText(file);
  } catch (error) {
    throw new UserError(`the config file ${file} cannot be read: ${messageOf(error)}`, "Check the file.", undefined, {
      cause: error,
    });
  }
}

function flagLayer(schema: ConfigSchema, flags: Record<string, unknown>): Layer {
  const layer: Layer = {};
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) setKey(layer, key.split("."), value);
  const parsed = parse(schema, layer);
  if (!parsed.ok) throw new UsageError(described(parsed.issues), "See openkoi --help.");
  if (parsed.unknown.length > 0) throw new Error(`no such setting: ${parsed.unknown.join(", ")}`);
  return layer;
}

function wrongTypes(file: string, source: string, issues: readonly Issue[]): UserError {
  const first = issues[0]!;
  return new UserError(`${place(file, source, first.path)}: ${described(issues)}`, "Mend the value and try again.");
}

function wrongVariables(issues: readonly Issue[], names: ReadonlyMap<string, string>): UserError {
  const first = issues[0]!;
  const name = names.get(first.path.replace(/\[.*/, "")) ?? first.path;
  return new UserError(`${name}: ${harmless(first).message}`, `Change or unset ${name}.`);
}

function described(issues: readonly Issue[]): string {
  return issues.map((issue) => `${issue.path}: ${harmless(issue).message}`).join("; ");
}

/** What was found in place of a token may be the token without its quotes. */
function harmless(issue: Issue): Issue {
  const last = issue.path.split(".").at(-1) ?? "";
  const secret = namesCredential(last) || /database_url|(^|\.)(env|headers)\./.test(issue.path);
  return secret ? { path: issue.path, message: issue.message.replace(/, got .*/s, "") } : issue;
}

function place(file: string, source: string, key: string): string {
  const line = lineOfKey(source, key);
  return line === undefined ? file : `${file}, line ${line}`;
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}
