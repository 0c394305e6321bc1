import { existsSync } from "node:fs";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, UsageError } from "../base/errors.ts";
import { resolvePaths } from "../base/paths.ts";
import { formatBytes } from "../base/text.ts";
import { openDatabase, rollBack } from "../memory/database.ts";
import { type Inspection, inspect } from "../memory/inspect.ts";
import { backups, schemaOf } from "../memory/migrate.ts";
import type { CommandLine } from "./args.ts";
import { print, say } from "./display/writer.ts";
import { confirm } from "./secret.ts";

/** `openkoi migrate`: brings the database to the newest schema; `--status` looks, `--rollback` goes back one. */
export async function migrateCommand({ flags }: CommandLine): Promise<ExitCode> {
  const path = resolvePaths(readEnv()).database;
  if (flags.status && flags.rollback) {
    throw new UsageError("--status and --rollback exclude each other", "Give one of the two.");
  }
  if (flags.status || !existsSync(path)) {
    print(statusText(path, inspect(path)));
    return Exit.ok;
  }
  return flags.rollback ? rollback(path, flags.yes === true) : forward(path);
}

function forward(path: string): ExitCode {
  const before = inspect(path).applied.at(-1)?.version ?? 0;
  using memory = openDatabase({ path, now: () => Date.now(), onNotice: note });
  const schema = schemaOf(memory.db);
  const done = before === schema ? "nothing to do" : `brought forward from schema ${before}`;
  print(`${path}: schema ${schema}, ${done}\n`);
  return Exit.ok;
}

async function rollback(path: string, agreed: boolean): Promise<ExitCode> {
  const { kind } = inspect(path);
  if (kind.is !== "known" || kind.schema <= 1) {
    const why = kind.is === "known" ? "its schema is the first" : (WORDS[kind.is] ?? kind.is);
    throw new UsageError(`${path} cannot go back a schema: ${why}`, "See openkoi migrate --status.");
  }
  const question = `Take the database back from schema ${kind.schema} to ${kind.schema - 1}? What only the newer one holds is dropped; a copy is kept.`;
  if (!agreed && !(await confirm(question, "To do it without asking: openkoi migrate --rollback --yes"))) {
    say("nothing was changed");
    return Exit.ok;
  }
  const { schema, backup } = rollBack(path, () => Date.now());
  print(`${path}: schema ${schema}; a copy from before lies at ${backup}\n`);
  say("the next task of this version brings it forward again");
  return Exit.ok;
}

/** What is to be said of a file that is none of ours to migrate. */
const WORDS: Partial<Record<Inspection["kind"]["is"], string>> = {
  empty: "there is no memory yet: the first task makes it",
  damaged: "it is damaged: the next task sets it aside and begins a new one",
  foreign: "it is not a memory of OpenKoi: the next task sets it aside and begins a new one",
  earlier: "it is of the earlier program, beyond what is shared: the next task carries it over and keeps it",
  newer: "it is of a later version of OpenKoi, and is left alone: update OpenKoi",
};

function statusText(path: string, { kind, applied, latest, bytes }: Inspection): string {
  const known = kind.is === "known";
  const waiting = known ? latest - kind.schema : 0;
  const state = !known
    ? (WORDS[kind.is] ?? kind.is)
    : waiting === 0
      ? `schema ${kind.schema}, the newest`
      : `schema ${kind.schema}; the next task brings it to ${latest} (openkoi migrate does it now)`;
  const kept = backups(path);
  return [
    `${path}${bytes > 0 ? ` (${formatBytes(bytes)})` : ""}`,
    `  ${state}`,
    ...applied.map(({ version, name, applied_at }) => `  ${version}  ${name.padEnd(16)}  ${applied_at}`),
    ...(kept.length > 0 ? ["", "copies from before a change of schema", ...kept.map((copy) => `  ${copy}`)] : []),
    "",
  ].join("\n");
}

function note(text: string): void {
  say(text);
}
