import { Exit, type ExitCode } from "../base/errors.ts";
import { type CommandLine, parseArgs } from "./args.ts";
import { isTerminal } from "./display/standard.ts";
import { print } from "./display/writer.ts";

/** Reads the command line and runs the one command it names, loaded only now. */
export async function dispatch(argv: readonly string[]): Promise<ExitCode> {
  const line = parseArgs(argv);
  if (
    line.flags.help ||
    (line.command === "run" && line.task === undefined && !line.flags.stdin && !line.flags.version)
  ) {
    const { helpText } = await import("./help.ts");
    print(helpText(line.command));
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
