import { Exit, type ExitCode } from "../base/errors.ts";
import { type CommandLine, parseArgs } from "./args.ts";
import { isTerminal } from "./display/standard.ts";
import { print, say } from "./display/writer.ts";

/** Reads the command line and runs the one command it names, loaded only now. */
export async function dispatch(argv: readonly string[]): Promise<ExitCode> {
  const line = parseArgs(argv);
  if (line.flags.help || argv.length === 0) {
    const { helpText } = await import("./help.ts");
    print(helpText(line.command));
    if (!line.flags.help) await sayWhatPipedTextIs();
    return Exit.ok;
  }
  if (line.flags.version) {
    const { VERSION } = await import("../base/version.ts");
    print(`openkoi ${VERSION}\n`);
    return Exit.ok;
  }
  let code: ExitCode | undefined;
  try {
    code = await runCommand(line);
    return code;
  } finally {
    // A pipe is no person: nothing is loaded then.
    if (isTerminal("stdin") && isTerminal("stderr")) (await import("./usage.ts")).noteUse(line, code);
  }
}

/** Who pipes something into the bare program means it for a task. */
async function sayWhatPipedTextIs(): Promise<void> {
  const { isPiped } = await import("./stdin.ts");
  if (isPiped())
    say('standard input was not read: openkoi --stdin takes the task from it, openkoi "task" adds it to one');
}

async function runCommand(line: CommandLine): Promise<ExitCode> {
  switch (line.command) {
    case "demo":
      return (await import("./demo.ts")).demo(line);
    case "status":
      return (await import("./status.ts")).statusCommand(line);
    case "connect":
      return (await import("./connect.ts")).connectCommand(line);
    case "disconnect":
      return (await import("./disconnect.ts")).disconnectCommand(line);
    case "models":
      return (await import("./models.ts")).modelsCommand(line);
    case "init":
    case "setup":
      return (await import("./init.ts")).initCommand(line);
    case "doctor":
      return (await import("./doctor.ts")).doctorCommand(line);
    case "migrate":
      return (await import("./migrate.ts")).migrateCommand(line);
    case "learn":
      return (await import("./learn.ts")).learnCommand(line);
    case "export":
      return (await import("./export.ts")).exportCommand(line);
    case "import":
      return (await import("./import.ts")).importCommand(line);
    case "resume":
      return (await import("./resume.ts")).resumeCommand(line);
    case "undo":
      return (await import("./undo.ts")).undoCommand(line);
    default:
      return (await import("./run.ts")).run(line);
  }
}
