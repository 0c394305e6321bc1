import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Env } from "./env.ts";

/** Files with what a project wants every agent to know; in each folder the first one that exists counts. */
export const INSTRUCTION_FILES = ["AGENTS.override.md", "AGENTS.md", "CLAUDE.md"] as const;

/** Where one kind of skill lies, by how it came there. */
export interface SkillFolders {
  managed: string;
  user: string;
  proposed: string;
}

/** Every place of OpenKoi on the user's machine (PRODUCT.md, section 2), all absolute. Nothing here is created. */
export interface Paths {
  /** The user's own home folder. */
  userHome: string;
  /** Config home, `~/.openkoi`. */
  home: string;
  config: string;
  /** True where `OPENKOI_CONFIG` named the config file. */
  configNamed: boolean;
  auth: string;
  /** What the user allowed once and for all, by folder (base/grants.ts). */
  permissions: string;
  credentials: string;
  integrations: string;
  soul: string;
  skills: SkillFolders;
  evaluators: SkillFolders;
  state: string;
  currentTask: string;
  history: string;
  toolOutput: string;
  plugins: { wasm: string; scripts: string };
  /** Data home, `~/.local/share/openkoi`. */
  data: string;
  database: string;
  /** Commands that were given, until they are taken into the database. */
  commands: string;
  sessions: string;
  checkpoints: string;
  logs: string;
  cache: string;
}

/** What a project brings along, all absolute. */
export interface ProjectPaths {
  root: string;
  skills: string;
  evaluators: string;
  /** `.openkoi`, the folder of the two below. */
  folder: string;
  soul: string;
  config: string;
  mcp: string;
  agents: string;
  /** Read where there is no `AGENTS.md`. */
  claude: string;
}

/**
 * Works the places out. `OPENKOI_HOME` moves the config home, and the data with it (`$OPENKOI_HOME/data`);
 * `OPENKOI_DATA` moves the data, `OPENKOI_CONFIG` the config file.
 */
export function resolvePaths(env: Env): Paths {
  const userHome = homeOf(env);
  const home = env["OPENKOI_HOME"] ? resolve(expandHome(env["OPENKOI_HOME"], env)) : join(userHome, ".openkoi");
  const data = env["OPENKOI_DATA"]
    ? resolve(expandHome(env["OPENKOI_DATA"], env))
    : env["OPENKOI_HOME"]
      ? join(home, "data")
      : join(userHome, ".local", "share", "openkoi");
  const state = join(home, "state");
  const credentials = join(home, "credentials");
  return {
    userHome,
    home,
    config: env["OPENKOI_CONFIG"] ? resolve(expandHome(env["OPENKOI_CONFIG"], env)) : join(home, "config.toml"),
    configNamed: Boolean(env["OPENKOI_CONFIG"]),
    auth: join(home, "auth.json"),
    permissions: join(home, "permissions.json"),
    credentials,
    integrations: join(credentials, "integrations.json"),
    soul: join(home, "SOUL.md"),
    skills: folders(home, "skills"),
    evaluators: folders(home, "evaluators"),
    state,
    currentTask: join(state, "current-task.json"),
    history: join(state, "task-history.jsonl"),
    toolOutput: join(home, "tool-output"),
    plugins: { wasm: join(home, "plugins", "wasm"), scripts: join(home, "plugins", "scripts") },
    data,
    database: join(data, "openkoi.db"),
    commands: join(data, "commands.jsonl"),
    sessions: join(data, "sessions"),
    checkpoints: join(data, "checkpoints"),
    logs: join(data, "logs"),
    cache: join(data, "cache"),
  };
}

/** The places of a project; `root` is absolute. */
export function projectPaths(root: string): ProjectPaths {
  const folder = join(root, ".openkoi");
  return {
    root,
    skills: join(root, ".agents", "skills"),
    evaluators: join(root, ".agents", "evaluators"),
    folder,
    soul: join(folder, "SOUL.md"),
    config: join(folder, "config.toml"),
    mcp: join(root, ".mcp.json"),
    agents: join(root, "AGENTS.md"),
    claude: join(root, "CLAUDE.md"),
  };
}

/** Replaces a leading `~` or `~/` by the user's home folder. */
export function expandHome(path: string, env: Env): string {
  if (path === "~") return homeOf(env);
  return path.startsWith("~/") ? join(homeOf(env), path.slice(2)) : path;
}

/** The user's home folder: `HOME` where it is set, else what the system says. */
function homeOf(env: Env): string {
  return resolve(env["HOME"] || homedir());
}

function folders(base: string, kind: "skills" | "evaluators"): SkillFolders {
  const at = (name: string) => join(base, kind, name);
  return { managed: at("managed"), user: at("user"), proposed: at("proposed") };
}
