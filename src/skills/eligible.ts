import type { Env } from "../base/env.ts";
import { isObject } from "../base/schema.ts";
import type { SkillNeeds } from "../contracts/skill.ts";

/** Where a skill would be used. */
export interface Surroundings {
  /** As `process.platform` names it. */
  platform: string;
  env: Env;
  /** The settings, looked at by dotted key. */
  config: object;
  /** Where a program lies, if anywhere. */
  which(program: string): string | undefined;
}

/** Other names of the same systems, as skills write them. */
const SYSTEMS: Readonly<Record<string, string>> = { macos: "darwin", osx: "darwin", windows: "win32", win: "win32" };

/** What is missing for a skill to be of use here, in words; undefined where nothing is. */
export function missingFor(needs: SkillNeeds, here: Surroundings): string | undefined {
  const systems = needs.os.map((os) => SYSTEMS[os.toLowerCase()] ?? os.toLowerCase());
  if (systems.length > 0 && !systems.includes(here.platform)) return `it is for ${needs.os.join(", ")}`;
  if (needs.always) return undefined;
  const bins = needs.bins.filter((program) => !here.which(program));
  if (bins.length > 0) return `not in PATH: ${bins.join(", ")}`;
  if (needs.anyBins.length > 0 && !needs.anyBins.some((program) => here.which(program))) {
    return `none of these is in PATH: ${needs.anyBins.join(", ")}`;
  }
  const env = needs.env.filter((name) => !here.env[name]);
  if (env.length > 0) return `not set: ${env.join(", ")}`;
  const config = needs.config.filter((key) => !isSet(here.config, key));
  return config.length > 0 ? `not set in the config: ${config.join(", ")}` : undefined;
}

/** Set, and neither false nor empty. */
function isSet(config: object, key: string): boolean {
  let value: unknown = config;
  for (const part of key.split(".")) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** Looks programs up in the PATH of an environment, each once. */
export function programsIn(env: Env): Surroundings["which"] {
  const known = new Map<string, string | undefined>();
  return (program) => {
    // A path is no name of a program, and would be looked up in the current folder.
    if (program.includes("/")) return undefined;
    if (!known.has(program)) known.set(program, Bun.which(program, { PATH: env["PATH"] ?? "" }) ?? undefined);
    return known.get(program);
  };
}
