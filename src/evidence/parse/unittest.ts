import type { Failure } from "../../contracts/evidence.ts";
import { failure, numberIn, type Parser } from "./report.ts";

/** Python's unittest, also Django's runner. Names need `-v`; without it only failures are named. */
export const parseUnittest: Parser = (output) => {
  const runs = [...output.matchAll(/^Ran (\d+) tests? in [\d.]+s\s+((?:OK|FAILED|NO TESTS RAN)\b.*)$/gm)];
  if (runs.length === 0) return undefined;
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, ran, verdict] of runs) {
    const failed = ["failures", "errors", "unexpected successes"]
      .map((key) => numberIn(verdict!, new RegExp(`\\b${key}=(\\d+)`)))
      .reduce((sum, value) => sum + value);
    const skipped = numberIn(verdict!, /\bskipped=(\d+)/) + numberIn(verdict!, /\bexpected failures=(\d+)/);
    counts.failed += failed;
    counts.skipped += skipped;
    counts.passed += Math.max(0, Number(ran) - failed - skipped);
  }
  const passed = passedNames(output);
  // A test with several failed subtests is one test: the names, where there are any, count better.
  if (passed.length > 0) counts.passed = passed.length;
  return { counts, failures: failuresIn(output), ...(passed.length > 0 ? { passed } : {}) };
};

/** `test_a (pkg.A.test_a)` since Python 3.11, `test_a (pkg.A)` before: both are `pkg.A.test_a`. */
function fullName(method: string, owner: string): string {
  return owner.endsWith(`.${method}`) ? owner : `${owner}.${method}`;
}

/** `test_a (pkg.A.test_a) ... ok`; a doc line or the test's own output may stand between name and verdict. */
function passedNames(output: string): string[] {
  const passed: string[] = [];
  let open: string | undefined;
  for (const line of output.split("\n")) {
    const start = /^(\w+) \(([\w.]+)\)/.exec(line);
    if (start) open = fullName(start[1]!, start[2]!);
    if (open === undefined) continue;
    if (/(?:^| \.\.\. |\S)ok$/.test(line) && /(?:\.\.\. .*ok|^ok)$/.test(line)) {
      passed.push(open);
      open = undefined;
    } else if (/(?:\.\.\. .*|^)(?:FAIL|ERROR|skipped .*|expected failure|unexpected success)$/.test(line)) {
      open = undefined;
    } else if (/^={10,}$/.test(line)) break;
  }
  return passed;
}

/** `FAIL: test_a (pkg.A.test_a) (i=1)`, a line of dashes, the traceback. */
function failuresIn(output: string): Failure[] {
  return output
    .split(/^={10,}\n/m)
    .slice(1)
    .flatMap((section) => {
      const heading = /^(?:FAIL|ERROR): (\w+) \(([\w.]+)\)(.*)/.exec(section);
      if (!heading) return [];
      const body = (section.split(/^-{10,}\n/m)[1] ?? "").trimEnd().split("\n");
      const frames = body.flatMap((line) => {
        const frame = /^ {2}File "(.+)", line (\d+)/.exec(line);
        return frame && !/\/lib\/python|site-packages|^</.test(frame[1]!) ? [`${frame[1]}:${frame[2]}`] : [];
      });
      return [failure(fullName(heading[1]!, heading[2]!) + heading[3], frames.at(-1), exceptionIn(body))];
    });
}

/** What was thrown last: the first line that is not indented below the last traceback, and what belongs to it. */
function exceptionIn(body: readonly string[]): string | undefined {
  const below = body.slice(body.findLastIndex((line) => line.startsWith("Traceback ")) + 1);
  const at = below.findIndex((line) => /^\S/.test(line));
  if (at < 0) return undefined;
  const end = below.findIndex((line, index) => index > at && line === "");
  return below.slice(at, end < 0 ? undefined : end).join("\n");
}
