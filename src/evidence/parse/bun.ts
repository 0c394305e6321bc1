import type { Failure } from "../../contracts/evidence.ts";
import { failure, type Parser, stackLocation, untimed } from "./report.ts";

/** `bun test`: `(pass) group > name [0.1ms]`, under a heading `file.test.ts:`, and totals at the end. */
export const parseBun: Parser = (output) => {
  const none = /^No tests found!|^error: regex .* matched 0 tests/m.test(output);
  if (!/^bun test v/m.test(output) || !(none || /^Ran \d+ tests? across/m.test(output))) return undefined;
  const totals = { pass: 0, fail: 0, skip: 0, todo: 0, error: 0 };
  const failures: Failure[] = [];
  const passed: string[] = [];
  let file = "";
  /** What was printed since the last test: the error of the next one. */
  let block: string[] = [];
  let unhandled = false;
  for (const line of output.split("\n")) {
    const heading = /^(\S+\.[cm]?[jt]sx?):$/.exec(line);
    const result = /^\((pass|fail|skip|todo)\) (.*)$/.exec(line);
    const total = /^ (\d+) (pass|fail|skip|todo|error)s?$/.exec(line);
    if (heading) [file, block] = [heading[1]!, []];
    else if (total) totals[total[2] as keyof typeof totals] += Number(total[1]);
    else if (result) {
      const name = `${file} > ${untimed(result[2]!)}`;
      if (result[1] === "pass") passed.push(name);
      else if (result[1] === "fail") failures.push(failure(name, stackLocation(block), errorOf(block)));
      block = [];
    } else if (line === "# Unhandled error between tests") {
      unhandled = true;
      block = [];
    } else if (unhandled && /^-{5,}$/.test(line) && block.length > 1) {
      failures.push(failure(`${file} > unhandled error`, stackLocation(block), errorOf(block)));
      unhandled = false;
      block = [];
    } else block.push(line);
  }
  return {
    counts: { passed: totals.pass, failed: Math.max(totals.fail, totals.error), skipped: totals.skip + totals.todo },
    failures,
    passed,
  };
};

/** From `error: …` to the stack. */
function errorOf(block: readonly string[]): string | undefined {
  const start = block.findIndex((line) => /^(?:\w*[Ee]rror|Uncaught)\b/.test(line));
  if (start < 0) return undefined;
  const end = block.findIndex((line, at) => at > start && /^\s+at |^-{5,}$/.test(line));
  return block
    .slice(start, end < 0 ? undefined : end)
    .filter((line) => line.trim() !== "")
    .join("\n");
}
