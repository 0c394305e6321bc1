import { failure, numberIn, type Parser, stackLocation } from "./report.ts";

/** Vitest's default reporter. */
export const parseVitest: Parser = (output) => {
  const files = [...output.matchAll(/^ Test Files {2}(.*)$/gm)].map((match) => match[1]!);
  const tests = [...output.matchAll(/^ {5,}Tests {2}(.*)$/gm)].map((match) => match[1]!);
  if (files.length === 0 && !/^No test files found, exiting with code [01]$/m.test(output)) return undefined;
  const count = (lines: readonly string[], pattern: RegExp) =>
    lines.reduce((sum, line) => sum + numberIn(line, pattern), 0);
  const failures = new Map(
    output
      .split(/^ FAIL {2}/m)
      .slice(1)
      .map((part) => {
        const [title = "", ...lines] = part.split(/^⎯{4,}/m)[0]!.split("\n");
        // A file that cannot be loaded is printed as `a.test.js [ a.test.js ]`.
        const name = title.replace(/ \[ .* \]$/, "").trim();
        const stack = lines.findIndex((line) => /^ *❯ /.test(line));
        const message = lines.slice(0, stack < 0 ? 5 : stack).join("\n");
        return [name, failure(name, stackLocation(lines), message)];
      }),
  );
  return {
    counts: {
      passed: count(tests, /\b(\d+) passed/),
      failed: count(tests, /\b(\d+) failed/) || count(files, /\b(\d+) failed/),
      skipped: count(tests, /\b(\d+) skipped/) + count(tests, /\b(\d+) todo/),
    },
    failures: [...failures.values()],
  };
};
