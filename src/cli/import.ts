import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, messageOf, UsageError, UserError } from "../base/errors.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { isObject } from "../base/schema.ts";
import { plural, showControl } from "../base/text.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { schemaOf } from "../memory/migrate.ts";
import { columnsOf, type Incoming, mergeRows } from "../memory/portable.ts";
import { forgetTranscripts } from "../memory/tasks.ts";
import { createMemoryStore } from "../readers/memory-store.ts";
import type { CommandLine } from "./args.ts";
import { createTerminalAsk } from "./ask.ts";
import { cleanLines } from "./display/layout.ts";
import { isTerminal } from "./display/standard.ts";
import { complain, print, say } from "./display/writer.ts";
import { CSV_HEADER } from "./export.ts";
import { fitRows } from "./portable/cells.ts";
import { readCsv } from "./portable/csv.ts";
import {
  brokenAt,
  checkHeader,
  EXPORT_VERSION,
  type InTable,
  type ReadExport,
  TABLES_OF,
} from "./portable/document.ts";
import { newLessons, withoutLessons } from "./portable/lessons.ts";
import {
  aboutSkill,
  isProposal,
  isThere,
  type PortableSkill,
  readSkillRows,
  writeSkills,
} from "./portable/skill-files.ts";
import { hasSoul, readSoulRows, writeSoul } from "./portable/soul.ts";
import { readText } from "./portable/text.ts";
import { readTranscriptRows, writeTranscripts } from "./portable/transcripts.ts";
import { watchSignals } from "./signals.ts";

/**
 * `openkoi import PATH`: takes an export in. What is here already stays; nothing is taken of one that is broken, and
 * skills, evaluators, lessons and a soul that would be used from now on need a yes.
 */
export async function importCommand({ argument, flags }: CommandLine): Promise<ExitCode> {
  if (argument === undefined) throw new UsageError("nothing to import was named", "openkoi import PATH, of an export.");
  const source = readExport(argument);
  const paths = resolvePaths(readEnv());
  const store = createMemoryStore({ paths, now: () => Date.now() });
  try {
    const memory = await store.whole();
    for (const text of store.takeNotices()) say(text);
    print(await takeIn(source, memory, paths, argument, flags.yes === true));
    return Exit.ok;
  } finally {
    store.close();
  }
}

interface Source extends ReadExport {
  /** Every cell is a text: CSV. */
  texts: boolean;
}

async function takeIn(
  { header, tables, texts }: Source,
  memory: MemoryDatabase,
  paths: Paths,
  file: string,
  yes: boolean,
): Promise<string> {
  const schema = schemaOf(memory.db);
  if (header.schema > schema) {
    throw new UserError(
      `${file} is of a later version of OpenKoi (schema ${header.schema}, this one has ${schema})`,
      "Update OpenKoi to read it.",
    );
  }
  // Everything is looked at before anything is written.
  const incoming: Incoming[] = [];
  let transcripts = new Map<string, string>();
  let skills: ReturnType<typeof readSkillRows> = [];
  let soul: string | undefined;
  for (const table of tables) {
    const { name, placeOf } = table;
    if (name === "transcripts") transcripts = readTranscriptRows(table, file);
    else if (name === "skills") skills = readSkillRows(table, file);
    else if (name === "soul") soul = readSoulRows(table, file);
    else incoming.push({ table: name, placeOf, rows: fitRows(table, columnsOf(memory, name), file, texts) });
  }
  const news = skills.filter((skill) => !isThere(paths, skill));
  const active = news.filter((skill) => !isProposal(skill));
  const wanted =
    yes || active.length === 0 || (await areSkillsWanted(active))
      ? news
      : news.filter((skill) => !active.includes(skill));
  const lessons = newLessons({ memory, paths, file }, incoming, transcripts);
  const many = lessons.lines.length;
  const teaches = many === 0 || yes || (await areLessonsWanted(lessons.lines));
  const taken = teaches ? incoming : withoutLessons(memory, incoming);
  // The memory learns from transcripts what it does not have.
  const untold = teaches ? [] : [...lessons.taughtIn];
  for (const session of untold) transcripts.delete(session);
  const keepsSoul = soul !== undefined && hasSoul(paths);
  const newSoul = soul !== undefined && !keepsSoul && (yes || (await isSoulWanted(soul))) ? soul : undefined;
  const { added, known } = mergeRows(memory, taken, (place, message) => brokenAt(file, place, message));
  forgetTranscripts(memory, untold);
  const written = await writeTranscripts(paths, transcripts);
  await writeSkills(paths, wanted);
  if (newSoul !== undefined) await writeSoul(paths, newSoul);
  return [
    `${plural(added, "row")} added${known > 0 ? `, ${known} were here already` : ""}`,
    ...(transcripts.size > 0 ? [`${written} of ${plural(transcripts.size, "transcript")} added`] : []),
    ...(untold.length > 0 ? [`${plural(untold.length, "transcript")} left out, which would teach the lessons`] : []),
    ...(many > 0 && teaches ? [`${plural(many, "lesson")} added`] : []),
    ...wanted.map(({ place }) => `skill added: ${place}`),
    ...(news.length < skills.length ? [`${skills.length - news.length} skills were here already`] : []),
    ...(newSoul === undefined ? [] : ["soul added: SOUL.md"]),
    ...(keepsSoul ? ["a SOUL.md was here already, and stays"] : []),
    "",
  ].join("\n");
}

/** What is in it that would be used from now on: a stranger may have written it. */
function areSkillsWanted(active: readonly PortableSkill[]): Promise<boolean> {
  const many = plural(active.length, "skill");
  return isWanted(`${many} of it would be used from now on:`, active.map(aboutSkill), `Take ${many} in?`);
}

function areLessonsWanted(lines: readonly string[]): Promise<boolean> {
  const many = plural(lines.length, "lesson");
  return isWanted(`${many} of it would be recalled from now on:`, lines, `Take ${many} in?`);
}

function isSoulWanted(soul: string): Promise<boolean> {
  const lines = cleanLines(showControl(soul));
  const what = lines.length === 0 ? "Its SOUL.md is empty: the agent would have no soul." : "Its SOUL.md says:";
  return isWanted(what, lines, "Take it in as your soul?");
}

/** Asks the user. Where nobody can be asked it stays out, and that is said. */
async function isWanted(what: string, lines: readonly string[], question: string): Promise<boolean> {
  complain(`${what}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  const interactive = isTerminal("stdin") && isTerminal("stderr");
  if (!interactive) {
    say("left out, because nobody is there to say whether it is wanted: --yes takes it in");
    return false;
  }
  const signals = watchSignals();
  try {
    const asked = { kind: "choice", id: "import", text: question, choices: ["yes", "no"] } as const;
    const answer = await createTerminalAsk({ interactive })(asked, signals.signal);
    return answer.by === "terminal" && answer.choice === "yes";
  } finally {
    signals.stop();
  }
}

/** Reads a file (JSON, YAML) or a folder (CSV). @throws UserError with the place of what is broken */
function readExport(path: string): Source {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`there is no ${path}`, "Name the file or folder that openkoi export made.");
  if (!found.isDirectory()) return { ...readText(readFile(path), path), texts: false };
  let value: unknown;
  try {
    value = JSON.parse(readFile(join(path, CSV_HEADER)));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw brokenAt(path, CSV_HEADER, "not JSON");
  }
  const header = checkHeader(isObject(value) ? value : {}, join(path, CSV_HEADER));
  // An earlier version had fewer tables.
  const isOlder = header.version < EXPORT_VERSION;
  const names = TABLES_OF[header.what].filter((name) => !isOlder || existsSync(join(path, `${name}.csv`)));
  return { header, tables: names.map((name) => csvTable(path, name)), texts: true };
}

function csvTable(folder: string, name: InTable["name"]): InTable {
  const file = `${name}.csv`;
  const { rows, lines } = readCsv(readFile(join(folder, file)), join(folder, file));
  return { name, rows, placeOf: (at) => `${file}, line ${lines[at]}` };
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(
      `${path} cannot be read: ${messageOf(error)}`,
      "Name the file or folder that openkoi export made.",
    );
  }
}
