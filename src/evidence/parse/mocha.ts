import type { Failure } from "../../contracts/evidence.ts";
import { failure, type Parser, stackLocation, treeNames } from "./report.ts";

/** Mocha's `spec` reporter. */
export const parseMocha: Parser = (output) => {
  if (/^Error: No test files found/m.test(output))
    return { counts: { passed: 0, failed: 0, skipped: 0 }, failures: [] };
  if (!/^ {2}\d+ passing \(\d+\w+\)$/m.test(output)) return undefined;
  const count = (what: string) =>
    [...output.matchAll(new RegExp(`^  (\\d+) ${what}\\b`, "gm"))].reduce((sum, match) => sum + Number(match[1]), 0);
  const [tree = "", details = ""] = output.split(/^ {2}\d+ passing \(.*$/m);
  const passed = treeNames(tree.split("\n"), /^[✔✓] (.*)/, " > ");
  return {
    counts: { passed: count("passing"), failed: count("failing"), skipped: count("pending") },
    failures: failuresIn(details),
    passed,
  };
};

/** `  1) group`, then one line per inner title, the last with a colon; then the error. */
function failuresIn(details: string): Failure[] {
  return details
    .split(/^ {2}\d+\) /m)
    .slice(1)
    .map((part) => {
      const lines = part.split("\n");
      const last = Math.max(
        0,
        lines.findIndex((line) => line.endsWith(":")),
      );
      const titles = lines.slice(0, last + 1).map((line) => line.trim());
      const name = titles.join(" > ").replace(/:$/, "");
      const rest = lines.slice(last + 1);
      const stack = rest.findIndex((line) => /^\s+at /.test(line));
      const message = rest
        .slice(0, stack < 0 ? 5 : stack)
        .map((line) => line.trim())
        .filter((line) => line !== "")
        .join("\n");
      return failure(name, stackLocation(rest), message);
    });
}
