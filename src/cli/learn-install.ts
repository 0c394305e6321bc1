import { existsSync, mkdtempSync } from "node:fs";
import { basename, join } from "node:path";
import { type App, createApp, type Settings } from "../app.ts";
import { Exit, type ExitCode, messageOf, UsageError } from "../base/errors.ts";
import { readRegular } from "../base/files.ts";
import { hunks } from "../base/hunks.ts";
import { plural, showControl } from "../base/text.ts";
import { sandboxOf } from "../equipment.ts";
import { createExec } from "../exec/index.ts";
import { makePrivateTemp } from "../private-temp.ts";
import { OPTIONAL } from "../skills/bundled.ts";
import { skillFiles } from "../skills/files.ts";
import { fetchSource } from "../skills/install/fetch.ts";
import { clone, publicUrl } from "../skills/install/git.ts";
import { type Existing, existingFor, install, placeFor } from "../skills/install/install.ts";
import { type Candidate, survey } from "../skills/install/survey.ts";
import { faultText, needsText } from "../skills/parse.ts";
import { createTerminalAsk } from "./ask.ts";
import { diffLines } from "./display/diff-lines.ts";
import { cleanLines, oneLine } from "./display/layout.ts";
import { isTerminal } from "./display/standard.ts";
import { type Style, stdoutLayout } from "./display/style.ts";
import { print, say } from "./display/writer.ts";
import type { Flags } from "./flags.ts";
import { pick } from "./picker.ts";
import { watchSignals } from "./signals.ts";

type InstallFlags = Pick<Flags, "dir" | "config" | "yes">;

/** What one run of the command has. */
interface Scene {
  app: App;
  settings: Settings;
  /** A folder of our own for what is fetched; gone afterwards. */
  temp: string;
  flags: InstallFlags;
  style: Style;
  signal: AbortSignal;
}

/** `openkoi learn install SOURCE`: shows what the source holds, and installs it after a yes. */
export function installCommand(source: string, flags: InstallFlags): Promise<ExitCode> {
  return within(flags, async (scene) => {
    const { candidates, origin } = await offered(source, scene);
    const wanted = candidates.length > 1 ? await choose(candidates, scene) : candidates;
    return confirmAndInstall(wanted, origin, scene);
  });
}

/** `openkoi learn --install`: lets the user pick from what the sources of the config and the program itself offer. */
export function installFromSources(flags: InstallFlags): Promise<ExitCode> {
  return within(flags, async (scene) => {
    const all: { candidate: Candidate; origin: string }[] = [];
    for (const source of [...scene.settings.config.skills.sources, ...Object.keys(OPTIONAL)]) {
      try {
        const { candidates, origin } = await offered(source, scene);
        all.push(...candidates.map((candidate) => ({ candidate, origin })));
      } catch (error) {
        scene.signal.throwIfAborted();
        say(`${oneLine(publicUrl(source))} is left out: ${messageOf(error)}`);
      }
    }
    const value = await pick({
      title: "Skill",
      items: all.map(({ candidate: { facts }, origin }, at) => ({
        value: String(at),
        label: facts.name,
        note: `${facts.description} (${origin})`,
      })),
      remedy: `Name it: openkoi learn install SOURCE, with one of ${Object.keys(OPTIONAL).join(", ")}, a folder, a git URL or an archive.`,
    });
    const chosen = value === undefined ? undefined : all[Number(value)];
    return chosen ? confirmAndInstall([chosen.candidate], chosen.origin, scene) : Exit.ok;
  });
}

async function within(flags: InstallFlags, body: (scene: Scene) => Promise<ExitCode>): Promise<ExitCode> {
  const app = createApp();
  const settings = await app.settings({
    dir: flags.dir ?? ".",
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
  });
  using temp = makePrivateTemp();
  const signals = watchSignals();
  try {
    const { style } = stdoutLayout(app.env);
    return await body({ app, settings, temp: temp.path, flags, style, signal: signals.signal });
  } finally {
    signals.stop();
  }
}

/** The skills of a source; those that cannot be used are told. */
async function offered(source: string, scene: Scene): Promise<{ candidates: Candidate[]; origin: string }> {
  const { app, settings, temp } = scene;
  const fetched = await fetchSource({
    source,
    dir: settings.workspace,
    env: app.env,
    temp: mkdtempSync(join(temp, "source-")),
    clone: (url, folder) => cloneHeld(url, folder, scene),
  });
  const { candidates, refused } = survey(fetched.folder, publicUrl(source));
  for (const fault of refused) say(`left out: ${oneLine(faultText(fault))}`);
  if (candidates.length === 0)
    throw new UsageError(`${publicUrl(source)} holds no skill that can be used`, "See the lines above.");
  return { candidates, origin: fetched.origin };
}

/** Git runs in the sandbox, with the network and with nothing writable but the folder for the clone. */
async function cloneHeld(url: string, folder: string, { app, settings, temp, signal }: Scene): Promise<void> {
  const local = url.startsWith("file://") ? decodeURIComponent(new URL(url.split("#")[0]!).pathname) : undefined;
  const sandbox = sandboxOf(app, { ...settings, workspace: join(folder, "..") }, [], temp);
  const visible = local !== undefined && existsSync(local) ? [local] : [];
  const exec = await createExec({ ...sandbox, network: "all", visible, caches: join(temp, "caches") });
  try {
    await clone(url, folder, exec, signal);
  } finally {
    await exec.close();
  }
}

const ALL = "all of them";
const NONE = "none";

async function choose(candidates: readonly Candidate[], scene: Scene): Promise<readonly Candidate[]> {
  if (scene.flags.yes) return candidates;
  const names = candidates.map(({ facts }) => facts.name);
  print(
    `${plural(candidates.length, "skill")}:\n${candidates.map(({ facts }) => `  ${facts.name}: ${facts.description}\n`).join("")}`,
  );
  const choice = await asked("Which are to be installed?", [ALL, ...names, NONE], scene);
  if (choice === ALL) return candidates;
  return candidates.filter((_, at) => names[at] === choice);
}

async function confirmAndInstall(wanted: readonly Candidate[], origin: string, scene: Scene): Promise<ExitCode> {
  const { app, flags, signal, style } = scene;
  for (const candidate of wanted) {
    const existing = await existingFor(candidate, app.paths);
    print(`${describe(candidate, existing, scene).join("\n")}\n`);
    if (existing?.same) continue;
    const question = existing ? `Replace ${candidate.facts.name} by this?` : `Install ${candidate.facts.name}?`;
    if (!flags.yes && (await asked(question, ["yes", "no"], scene)) !== "yes") continue;
    const folder = await install(candidate, origin, app.paths, app.clock.now(), signal);
    print(`${style.good("installed")} ${folder}\n`);
  }
  return Exit.ok;
}

/** Where nobody can be asked nothing is installed: what a stranger wrote needs a yes. */
async function asked(text: string, choices: readonly string[], { signal }: Scene): Promise<string> {
  const interactive = isTerminal("stdin") && isTerminal("stderr");
  if (!interactive) {
    throw new UsageError(
      "nobody is there to say whether it is to be installed",
      "Look at what stands above; --yes installs it.",
    );
  }
  const answer = await createTerminalAsk({ interactive })({ kind: "choice", id: "install", text, choices }, signal);
  return answer.by === "terminal" ? answer.choice : "no";
}

/** A larger file is named, and its difference not shown. Bytes. */
const LARGEST_SHOWN = 1024 * 1024;
/** Files that are listed. */
const MOST_FILES = 60;

function describe(candidate: Candidate, existing: Existing | undefined, { app, style }: Scene): string[] {
  const { facts, files, scripts, replacesBundled } = candidate;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const width = Math.max(...files.map(({ path }) => path.length));
  const shown = files.slice(0, MOST_FILES).map((file) => {
    const mark = scripts.includes(file.path) ? style.notice("  script") : "";
    return `  ${oneLine(file.path).padEnd(Math.min(width, 50))}  ${size(file.bytes)}${mark}`;
  });
  const needs = needsText(facts.needs);
  return [
    "",
    `${style.bold(facts.name)} (${facts.kind === "evaluator" ? "evaluator" : "skill"}) → ${placeFor(candidate, app.paths)}`,
    `  ${facts.description}`,
    `${plural(files.length, "file")}, ${size(bytes)}${scripts.length > 0 ? `, of them ${plural(scripts.length, "script")}; none is run now` : ""}`,
    ...shown,
    ...(files.length > MOST_FILES ? [`  and ${files.length - MOST_FILES} more`] : []),
    ...(needs === "" ? [] : [`needs ${needs}`]),
    ...(replacesBundled ? [style.notice(`! it takes the place of the bundled ${facts.name}`)] : []),
    ...facts.warnings.map((fault) => style.notice(`! ${oneLine(`${fault.rule}: ${fault.message}`)}`)),
    ...(existing ? comparison(candidate, existing, style) : []),
  ];
}

function comparison(candidate: Candidate, { folder, same, changed, origin }: Existing, style: Style): string[] {
  if (same) return ["is installed already, exactly as it is here"];
  const read = (root: string, path: string) =>
    existsSync(join(root, path)) ? readRegular(join(root, path), LARGEST_SHOWN) : Buffer.from("");
  const gone = skillFiles(folder).filter(({ path }) => !candidate.files.some((file) => file.path === path));
  const lines = candidate.files.flatMap(({ path }) => {
    const [before, after] = [read(folder, path), read(candidate.folder, path)];
    const named = oneLine(showControl(path));
    if (!before || !after) return [`too large to be shown, and maybe changed: ${named}`];
    if (before.equals(after)) return [];
    if (before.includes(0) || after.includes(0)) return [`changed: ${named}`];
    const { text } = hunks(before.toString(), after.toString(), { maxBytes: Number.POSITIVE_INFINITY, context: 2 });
    const shown = diffLines(cleanLines(showControl(text.trimEnd())), Number.POSITIVE_INFINITY, style);
    return [`--- ${basename(folder)}/${named}`, ...shown];
  });
  return [
    `is installed already${origin === undefined ? "" : ` (from ${origin})`}; this one differs:`,
    ...(changed ? [style.notice("! the one that is there was changed since; that would be lost")] : []),
    ...lines.map((line) => `  ${line}`),
    ...gone.map(({ path }) => style.bad(`  gone: ${oneLine(path)}`)),
  ];
}

function size(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
