import { existsSync } from "node:fs";
import { readEnv } from "../base/env.ts";
import type { ExitCode } from "../base/errors.ts";
import { resolvePaths } from "../base/paths.ts";
import { noteCommand } from "../memory/patterns/commands.ts";
import type { CommandLine } from "./args.ts";
import { type FlagName, flagRow, flagText } from "./flags.ts";

/**
 * Notes that the user gave this command, for the pattern miner: only where there is a memory already, and never what
 * could be a secret: its name, its subcommand, its switches.
 */
export function noteUse(line: CommandLine, code: ExitCode | undefined): void {
  const { database, commands } = resolvePaths(readEnv());
  if (!existsSync(database)) return;
  try {
    noteCommand(commands, { at: Date.now(), text: wordsOf(line), outcome: code === 0 ? "ok" : "failed" });
  } catch {
    // That it was not noted is nobody's trouble.
  }
}

/** `learn list`, `models --refresh`. */
export function wordsOf({ command, argument, flags }: CommandLine): string {
  // Of other commands the argument is a name, an id, or a key that was given by mistake.
  const subcommand = command === "learn" && argument !== undefined ? [argument] : [];
  const switches = (Object.keys(flags) as FlagName[]).filter((name) => flagRow(name).type === "switch");
  const shown = command === "run" ? [] : switches.map(flagText).sort();
  return [command, ...subcommand, ...shown].join(" ");
}
