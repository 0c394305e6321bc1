import type { CheckResult, Failure } from "../../contracts/evidence.ts";

export type Counts = NonNullable<CheckResult["counts"]>;

/** What a runner's output says. Locations are as the runner prints them; locate.ts makes them the workspace's own. */
export interface Report {
  /** Absent where the output names failures but no totals. */
  counts?: Counts;
  failures: Failure[];
  /** Absent where the runner does not list what passed. */
  passed?: string[];
}

/** Reads one family of output. Pure, never throws; undefined where the text is not of its family. */
export type Parser = (output: string) => Report | undefined;

/** Longest message kept of a failure, in characters. */
const MESSAGE_LIMIT = 500;

/** A failure, with only those of its parts that are known. */
export function failure(name: string, location?: string, message?: string): Failure {
  const text = message?.trim();
  return {
    name: name.trim(),
    ...(location ? { location } : {}),
    ...(text ? { message: text.length > MESSAGE_LIMIT ? `${text.slice(0, MESSAGE_LIMIT)}…` : text } : {}),
  };
}

/** The first number that `pattern` captures in `text`, or 0. */
export function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/**
 * The first place in a JavaScript stack that is the project's own: `at f (/dir/a.js:3:7)`, `at file:///dir/a.js:3:7`.
 * Frames of the runtime and of packages are passed over.
 */
export function stackLocation(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const frame = /^\s*(?:at |❯ )(?:async )?(?:.*?\()?((?:file:\/\/)?[^()]+?):(\d+)(?::\d+)?\)?$/.exec(line);
    if (frame && !/^node:|node_modules|^native|^internal\//.test(frame[1]!)) return `${frame[1]}:${frame[2]}`;
  }
  return undefined;
}

/**
 * Full names of tests that are printed as an indented tree: a line without a mark is a group, a marked one a test.
 * `mark` captures the test's title. Durations at the end are left out, because they change from run to run.
 */
export function treeNames(lines: readonly string[], mark: RegExp, separator: string): string[] {
  const groups: { indent: number; title: string }[] = [];
  const names: string[] = [];
  for (const line of lines) {
    if (line.trim() === "") continue;
    const indent = line.length - line.trimStart().length;
    while (groups.length > 0 && groups.at(-1)!.indent >= indent) groups.pop();
    const test = mark.exec(line.trim());
    if (test) names.push([...groups.map((group) => group.title), untimed(test[1]!)].join(separator));
    else groups.push({ indent, title: line.trim() });
  }
  return names;
}

/** `adds (3 ms)` → `adds` */
export function untimed(title: string): string {
  return title.replace(/ \[?\(?\d+(?:\.\d+)? ?(?:ms|s|µs|m)\)?\]?$/, "").trim();
}
