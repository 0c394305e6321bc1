import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { App, ProviderSettings, SkillSettings } from "../app.ts";
import type { Config } from "../base/config.ts";
import { configSchema } from "../base/config-schema.ts";
import { Exit, type ExitCode, UserError } from "../base/errors.ts";
import { type LogLevel, logPlace } from "../base/log.ts";
import { type Paths, projectPaths } from "../base/paths.ts";
import { parse } from "../base/schema.ts";
import { VERSION } from "../base/version.ts";
import type { SandboxPosture } from "../contracts/exec.ts";
import type { ProviderStatus } from "../contracts/provider.ts";
import { realFolder, refuseAsWorkspace } from "../folders.ts";
import { makePrivateTemp } from "../private-temp.ts";
import { loadSoul, type Soul } from "../skills/soul.ts";
import type { CommandLine } from "./args.ts";
import { hang, oneLine } from "./display/layout.ts";
import { type Style, stdoutLayout } from "./display/style.ts";
import { print } from "./display/writer.ts";
import { type Diagnosis, diskFindings, fileFindings, mend } from "./doctor-files.ts";
import { memoryFindings } from "./doctor-memory.ts";
import { modelFindings } from "./doctor-models.ts";
import { skillFindings } from "./doctor-skills.ts";
import type { Flags } from "./flags.ts";

/** All addresses together are asked no longer than this, ms. */
const REACH_MS = 10_000;

export interface DoctorDeps {
  version: string;
  paths: Paths;
  /** The settings as they were read, or what is wrong with them. */
  config: { files: readonly string[]; warnings: readonly string[] } | { problem: string; remedy: string };
  /** Rejects with a remedy where they cannot be found out (a broken config). */
  providers: readonly ProviderStatus[];
  /** Addresses of providers at which nothing answers, by id, and why. */
  unreached: ReadonlyMap<string, string>;
  /** What the roles run on. */
  models: readonly Diagnosis[];
  /** What can be said of skills and soul. */
  skills: readonly Diagnosis[];
  posture: SandboxPosture;
  /** Why no task may work in this folder. */
  refused?: { problem: string; remedy: string };
  /** The program's diary. */
  log: { file: string; level: LogLevel };
  style: Style;
  /** Columns; `Infinity` for a pipe. */
  width: number;
  write(text: string): void;
}

/** `openkoi doctor`: looks at the set-up; each problem comes with its remedy. Exit 1 where something is broken. */
export async function doctor(deps: DoctorDeps, flags: Pick<Flags, "fix">): Promise<ExitCode> {
  const areas: [string, Diagnosis[]][] = [
    ["config", configFindings(deps.config)],
    ["files", [...(await fileFindings(deps.paths)), logFinding(deps.log)]],
    ["providers", providerFindings(deps.providers, deps.unreached)],
    // Without any provider that is said already.
    ["models", deps.providers.some(({ state }) => state === "ready") ? [...deps.models] : []],
    ["sandbox", [...refusalFindings(deps.refused), ...sandboxFindings(deps.posture)]],
    ["skills", [...deps.skills]],
    ["memory", memoryFindings(deps.paths, flags.fix === true)],
    ["disk", await diskFindings(deps.paths)],
  ];
  const shown = flags.fix
    ? await Promise.all(areas.map(async ([area, found]) => [area, await mendAll(found)] as const))
    : areas;
  const broken = shown.flatMap(([, found]) => found).filter((diagnosis) => diagnosis.state === "broken").length;
  deps.write(
    [
      `openkoi ${deps.version}`,
      ...shown
        .filter(([, found]) => found.length > 0)
        .flatMap(([area, found]) => ["", area, ...found.flatMap((diagnosis) => lines(diagnosis, deps))]),
      "",
      broken === 0 ? deps.style.good("nothing is broken") : deps.style.bad(`broken: ${broken}`),
      "",
    ].join("\n"),
  );
  return broken === 0 ? Exit.ok : Exit.failure;
}

function mendAll(found: readonly Diagnosis[]): Promise<Diagnosis[]> {
  return Promise.all(found.map(mend));
}

function lines({ state, text, remedy }: Diagnosis, { style, width }: Pick<DoctorDeps, "style" | "width">): string[] {
  const mark = { ok: style.good("✓"), note: style.notice("!"), broken: style.bad("✗") }[state];
  return [
    ...hang(`  ${mark} `, oneLine(text), width),
    ...(remedy ? hang("    ", oneLine(remedy), width).map(style.dim) : []),
  ];
}

function configFindings(config: DoctorDeps["config"]): Diagnosis[] {
  if ("problem" in config) return [{ state: "broken", text: config.problem, remedy: config.remedy }];
  const files = config.files.map((file): Diagnosis => ({ state: "ok", text: file }));
  const none: Diagnosis = { state: "ok", text: "no config file: defaults are used" };
  return [
    ...(files.length === 0 ? [none] : files),
    ...config.warnings.map((text): Diagnosis => ({ state: "note", text })),
  ];
}

function providerFindings(providers: readonly ProviderStatus[], unreached: DoctorDeps["unreached"]): Diagnosis[] {
  const known = providers.filter((provider) => provider.state !== "missing");
  const missing = providers.filter((provider) => provider.state === "missing").map((provider) => provider.id);
  const found = known.map((provider): Diagnosis => {
    const why = provider.state === "ready" ? unreached.get(provider.id) : undefined;
    if (why !== undefined) {
      const remedy = "Start it, or mend its base_url.";
      return { state: "note", text: `${provider.id}: not reachable at ${provider.baseUrl}: ${why}`, remedy };
    }
    const source = provider.source ?? "no credential needed";
    const state = provider.state === "restricted" ? "[!] restricted" : provider.state;
    return {
      state: provider.state === "ready" ? "ok" : provider.state === "broken" ? "broken" : "note",
      text: `${provider.id}: ${state === "ready" ? source : `${state}: ${source}`}`,
      ...(provider.remedy ? { remedy: provider.remedy } : {}),
    };
  });
  const ready = known.some((provider) => provider.state === "ready");
  const nobody: Diagnosis = {
    state: "broken",
    text: "no provider is ready",
    remedy: "openkoi connect, or set a key, e.g. ANTHROPIC_API_KEY; openkoi demo works without one.",
  };
  return [
    ...found,
    ...(ready ? [] : [nobody]),
    ...(missing.length > 0 ? [{ state: "ok" as const, text: `not set up: ${missing.join(", ")}` }] : []),
  ];
}

/** Nothing is wrong with the set-up then: people look at it from their home folder. */
function refusalFindings(refused: DoctorDeps["refused"]): Diagnosis[] {
  return refused ? [{ state: "note", text: refused.problem, remedy: refused.remedy }] : [];
}

function logFinding({ file, level }: DoctorDeps["log"]): Diagnosis {
  const state = existsSync(file) ? file : `${file} (with its first line)`;
  return { state: "ok", text: `log (${level}): ${state}` };
}

function sandboxFindings({ mode, layers, gaps }: SandboxPosture): Diagnosis[] {
  if (mode === "off") {
    const remedy = 'Set mode = "workspace" under [sandbox] in the config.';
    return [{ state: "note", text: "off: commands of a task can do what you can", remedy }];
  }
  const notes = gaps.map((text): Diagnosis => ({ state: "note", text }));
  if (layers.length > 0) return [{ state: "ok", text: layers.join(", ") }, ...notes];
  const unheld: Diagnosis = {
    state: "broken",
    text: "nothing holds commands here: no task runs one unless somebody is there to allow it",
    remedy: "Use a system that allows namespaces or has Landlock, or take the risk with --sandbox off.",
  };
  return [unheld, ...notes];
}

/** Puts together what `doctor` needs, as far as a broken config lets it. */
export async function doctorCommand({ flags }: CommandLine): Promise<ExitCode> {
  const { createApp } = await import("../app.ts");
  const app = createApp();
  const dir = flags.dir ?? ".";
  const files = [flags.config ?? app.paths.config, projectPaths(resolve(dir)).config];
  const read = await app
    .settings({ dir, ...(flags.config === undefined ? {} : { configFile: flags.config }) })
    .then((settings) => ({
      settings,
      config: { files: files.filter((file) => existsSync(file)), warnings: settings.warnings },
    }))
    .catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      // With the defaults, so that everything else can still be looked at.
      const workspace = realFolder(dir, "folder");
      const configFile = resolve(flags.config ?? app.paths.config);
      const settings = {
        config: defaultConfig(),
        warnings: [],
        workspace,
        configFile,
        named: [],
        skillsTrusted: false,
      };
      return { settings, config: { problem: error.message, remedy: error.remedy } };
    });
  const providers = app.providers(read.settings);
  const unreached = await providers.unreached(AbortSignal.timeout(REACH_MS));
  return doctor(
    {
      version: VERSION,
      paths: app.paths,
      config: read.config,
      providers: await providers.statuses(),
      unreached,
      models: await modelFindings(providers, read.settings.config.models, unreached),
      skills: skillFindings(app.skills(read.settings), soulOf(app, read.settings)),
      ...(await postureOf(app, read.settings)),
      log: logPlace(app.paths.logs, app.env),
      ...stdoutLayout(app.env),
      write: print,
    },
    flags,
  );
}

function soulOf({ paths }: App, { workspace, skillsTrusted }: SkillSettings): Soul {
  return loadSoul(paths, workspace, skillsTrusted);
}

function defaultConfig(): Config {
  const parsed = parse(configSchema(), {});
  if (!parsed.ok) throw new Error("the defaults of the config are not valid");
  return parsed.value;
}

/** What would hold the commands of a task here. Where none may work it is tried in an empty folder, and said why. */
async function postureOf(app: App, settings: ProviderSettings): Promise<Pick<DoctorDeps, "posture" | "refused">> {
  try {
    refuseAsWorkspace(settings.workspace, app.paths);
    return { posture: await app.posture(settings) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    using empty = makePrivateTemp();
    return {
      posture: await app.posture({ ...settings, workspace: empty.path }),
      refused: { problem: error.message, remedy: error.remedy },
    };
  }
}
