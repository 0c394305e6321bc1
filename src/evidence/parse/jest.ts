import type { Failure } from "../../contracts/evidence.ts";
import { failure, numberIn, type Parser, stackLocation, treeNames } from "./report.ts";

/** Jest's default reporter. */
export const parseJest: Parser = (output) => {
  const totals = [...output.matchAll(/^Tests: +(.*\d+ total)$/gm)].map((match) => match[1]!);
  const suites = [...output.matchAll(/^Test Suites: +(.*\d+ total)$/gm)].map((match) => match[1]!);
  if (totals.length === 0 && !/^No tests found, exiting with code [01]$/m.test(output)) return undefined;
  const count = (lines: readonly string[], pattern: RegExp) =>
    lines.reduce((sum, line) => sum + numberIn(line, pattern), 0);
  const failures = new Map<string, Failure>();
  const passed: string[] = [];
  for (const { file, body } of files(output)) {
    const [tree = "", ...details] = body.split(/^ {2}● /m);
    passed.push(...treeNames(tree.split("\n"), /^✓ (.*)/, " › ").map((name) => `${file} › ${name}`));
    for (const detail of details) {
      const [title = "", ...lines] = detail.split("\n");
      const name = `${file} › ${title}`;
      const code = lines.findIndex((line) => /^ +(?:> *)?\d+ \|/.test(line));
      const message = lines
        .slice(0, code < 0 ? 10 : code)
        .filter((line) => line.trim() !== "")
        .map((line) => line.trim())
        .join("\n");
      // Twenty failures or more are listed a second time at the end.
      if (!failures.has(name)) failures.set(name, failure(name, stackLocation(lines), message));
    }
  }
  const failed = count(totals, /\b(\d+) failed/);
  return {
    counts: {
      passed: count(totals, /\b(\d+) passed/),
      // A suite that cannot be loaded has no tests that could fail.
      failed: failed || count(suites, /\b(\d+) failed/),
      skipped: count(totals, /\b(\d+) skipped/) + count(totals, /\b(\d+) todo/),
    },
    failures: [...failures.values()],
    ...(passed.length > 0 ? { passed } : {}),
  };
};

/** What is printed below each `PASS file` or `FAIL file`. */
function files(output: string): { file: string; body: string }[] {
  const heads = [...output.matchAll(/^(?:PASS|FAIL) (?:[\w-]+ )?(\S+\.\w+)(?: \([\d.]+ m?s\))?$/gm)];
  return heads.map((head, at) => {
    const end = heads[at + 1]?.index ?? output.length;
    return { file: head[1]!, body: output.slice(head.index + head[0].length, end).split(/^Test Suites: /m)[0]! };
  });
}
