import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, messageOf, UsageError, UserError } from "../base/errors.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { isObject } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { schemaOf } from "../memory/migrate.ts";
import { columnsOf, type Incoming, mergeRows } from "../memory/portable.ts";
import { createMemoryStore } from "../readers/memory-store.ts";
import type { CommandLine } from "./args.ts";
import { CSV_HEADER } from "./export.ts";
import { fitRows } from "./portable/cells.ts";
import { readCsv } from "./portable/csv.ts";
import { brokenAt, checkHeader, type InTable, type ReadExport, TABLES_OF } from "./portable/document.ts";
import { readSkillRows, writeSkills } from "./portable/skill-files.ts";
import { readText } from "./portable/text.ts";
import { readTranscriptRows, writeTranscripts } from "./portable/transcripts.ts";

/** `openkoi import PATH`: takes an export in. What is here already stays; nothing is taken of one that is broken. */
export async function importCommand({ argument }: CommandLine): Promise<ExitCode> {
  if (argument === undefined) throw new UsageError("nothing to import was named", "openkoi import PATH, of an export.");
  const source = readExport(argument);
  const paths = resolvePaths(readEnv());
  const store = createMemoryStore({ paths, now: () => Date.now() });
  try {
    const memory = await store.whole();
    for (const text of store.takeNotices()) process.stderr.write(`openkoi: ${text}\n`);
    process.stdout.write(await takeIn(source, memory, paths, argument));
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
  for (const table of tables) {
    const { name, placeOf } = table;
    if (name === "transcripts") transcripts = readTranscriptRows(table, file);
    else if (name === "skills") skills = readSkillRows(table, file);
    else incoming.push({ table: name, placeOf, rows: fitRows(table, columnsOf(memory, name), file, texts) });
  }
  const { added, known } = mergeRows(memory, incoming, (place, message) => brokenAt(file, place, message));
  const written = await writeTranscripts(paths, transcripts);
  const newSkills = await writeSkills(paths, skills);
  return [
    `${plural(added, "row")} added${known > 0 ? `, ${known} were here already` : ""}`,
    ...(transcripts.size > 0 ? [`${written} of ${plural(transcripts.size, "transcript")} added`] : []),
    ...newSkills.map((path) => `skill added: ${path}`),
    ...(newSkills.length < skills.length ? [`${skills.length - newSkills.length} skills were here already`] : []),
    "",
  ].join("\n");
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
  return { header, tables: TABLES_OF[header.what].map((name) => csvTable(path, name)), texts: true };
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
