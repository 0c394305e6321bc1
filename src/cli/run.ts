import { readFileSync } from "node:fs";
import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import { isObject } from "../base/schema.ts";
import { accompany } from "./accompany.ts";
import type { CommandLine } from "./args.ts";
import { say } from "./display/writer.ts";
import { configOverrides, type Flags } from "./flags.ts";
import { watchSignals } from "./signals.ts";
import { isPiped, readPipedStdin } from "./stdin.ts";

/** `openkoi "task"`. */
export async function run(line: CommandLine): Promise<ExitCode> {
  if (line.task === undefined && !line.flags.stdin) {
    const way = isPiped() ? ", or take the task from standard input with --stdin" : "";
    throw new UsageError("no task was given", `Say what to do: openkoi "make the failing test pass"${way}`);
  }
  const flags = await withPickedModel(line.flags);
  const signals = watchSignals();
  const piped = await readPipedStdin({
    onWait: say,
    signal: signals.signal,
  });
  const description = (flags.stdin ? piped : line.task)?.trim();
  if (!description) {
    throw new UsageError(
      "standard input was empty, and --stdin takes the task from there",
      'Say what to do: openkoi "make the failing test pass"',
    );
  }
  const context = flags.stdin ? undefined : piped;
  return accompany(flags, signals, (company, app) =>
    app.start({
      ...company,
      dir: flags.dir ?? ".",
      description,
      ...(context === undefined ? {} : { context }),
      ...(flags.config === undefined ? {} : { configFile: flags.config }),
      ...(flags.record === undefined ? {} : { record: flags.record }),
      ...(flags.replay === undefined ? {} : { replay: flags.replay }),
      ...(flags.schema === undefined ? {} : { schema: readSchema(flags.schema) }),
      addDirs: flags.addDir ?? [],
      overrides: configOverrides(flags),
    }),
  );
}

/** The picker's code is loaded only where it is asked for. */
async function withPickedModel(flags: Flags): Promise<Flags> {
  if (flags.model !== "?" && !flags.selectModel) return flags;
  const { pickModel } = await import("./models.ts");
  return { ...flags, model: await pickModel(flags) };
}

function readSchema(path: string): { [key: string]: unknown } {
  const remedy = "Name a file that holds a JSON Schema.";
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new UserError(`the schema ${path} cannot be read`, remedy, Exit.usage);
  }
  try {
    const schema: unknown = JSON.parse(text);
    if (isObject(schema)) return schema;
  } catch {
    // Said below: what is no JSON is no schema either.
  }
  throw new UserError(`the schema ${path} is no JSON object`, remedy, Exit.usage);
}
