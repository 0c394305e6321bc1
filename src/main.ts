import { writeSync } from "node:fs";
import { BUILD_DAY, COMMIT, VERSION } from "./base/version.ts";

const STDOUT = 1;

/**
 * argv → one lazily imported command. The only catch-all and the only exit code of the program: what a user can mend
 * is one line, everything else keeps its stack. Nothing of ours but constants is imported here: `--version` loads no more.
 */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    const text = `openkoi ${VERSION} (${COMMIT}, ${BUILD_DAY})\n`;
    try {
      writeSync(STDOUT, text);
    } catch {
      // Nobody reads, or there is no room: what that means costs more to load than all else here.
      const { printExactly } = await import("./cli/display/writer.ts");
      printExactly(text);
    }
    return 0;
  }
  const { dispatch } = await import("./cli/dispatch.ts");
  return dispatch(argv);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const [{ describeError }, { complain }, { Exit, Interruption, UserError }] = await Promise.all([
    import("./cli/failure.ts"),
    import("./cli/display/writer.ts"),
    import("./base/errors.ts"),
  ]);
  if (error instanceof Interruption) process.exitCode = Exit.interrupted;
  else {
    complain(describeError(error));
    process.exitCode = error instanceof UserError ? error.exitCode : Exit.failure;
  }
}
