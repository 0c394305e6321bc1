import { failure, type Parser } from "./report.ts";

interface Entry {
  path: string[];
  state: "ok" | "failed" | "skipped";
  location?: string | undefined;
  message?: string | undefined;
}

/**
 * The Test Anything Protocol, versions 12 to 14 (https://testanything.org/tap-version-14-specification.html), with
 * indented subtests: what node --test, tape, Perl and bats print. A test with subtests is a group, not a test itself.
 */
export const parseTap: Parser = (output) => {
  if (!/^TAP version \d+$/m.test(output) && !/^1\.\.\d+\s*(?:#.*)?$/m.test(output)) return undefined;
  const lines = output.split("\n");
  const levels: Entry[][] = [[]];
  let last: Entry | undefined;
  for (const [at, line] of lines.entries()) {
    const result = /^( *)(not )?ok\b(?: +\d+)?(?: +-)? *(.*)$/.exec(line);
    if (result) {
      const depth = Math.floor(result[1]!.length / 4);
      last = entryOf(result[2] !== undefined, result[3]!);
      const children = levels[depth + 1] ?? [];
      while (levels.length <= depth) levels.push([]);
      levels.length = depth + 1;
      for (const child of children) child.path.unshift(...last.path);
      levels[depth]!.push(...children);
      const explained = last.state !== "failed" || children.some((child) => child.state === "failed");
      if (children.length === 0 || !explained) levels[depth]!.push(last);
    } else if (/^ +---$/.test(line) && last) Object.assign(last, readYaml(lines, at));
    else if (last?.state === "failed") readComment(last, line);
  }
  const all = levels.flat();
  const named = (state: Entry["state"]) => all.filter((entry) => entry.state === state);
  return {
    counts: { passed: named("ok").length, failed: named("failed").length, skipped: named("skipped").length },
    failures: named("failed").map((entry) => failure(entry.path.join(" > "), entry.location, entry.message)),
    passed: named("ok").map((entry) => entry.path.join(" > ")),
  };
};

function entryOf(failed: boolean, text: string): Entry {
  const directive = /(?:^|[^\\])#\s*(skip|todo)\b.*$/i.exec(text);
  const title = (directive ? text.slice(0, text.lastIndexOf("#", directive.index + 2)) : text)
    .replace(/\\([\\#])/g, "$1")
    .trim();
  return { path: [title || "(no title)"], state: directive ? "skipped" : failed ? "failed" : "ok" };
}

/** The few keys that say where and why, from the YAML block that opens at `start`. */
function readYaml(lines: readonly string[], start: number): { location?: string; message?: string } {
  const found: Record<string, string> = {};
  for (let at = start + 1; at < lines.length && !/^ +\.\.\.$/.test(lines[at]!); at++) {
    const pair = /^ +(location|error|message|at|file|line): (.*)$/.exec(lines[at]!);
    if (!pair || found[pair[1]!] !== undefined) continue;
    const value = /^[|>][-+]?$/.test(pair[2]!)
      ? indented(lines, at)
      : pair[2]!.replace(/^(['"])(.*)\1$/, "$2").replaceAll("''", "'");
    found[pair[1]!] = value;
  }
  const place = found["location"] ?? (found["file"] && found["line"] ? `${found["file"]}:${found["line"]}` : undefined);
  const location = /^(.*?):(\d+)(?::\d+)?$/.exec(place ?? found["at"] ?? "");
  const message = found["error"] ?? found["message"];
  return {
    ...(location ? { location: `${location[1]}:${location[2]}` } : {}),
    ...(message === undefined ? {} : { message }),
  };
}

/** A block scalar: the lines after `at` that are indented deeper. */
function indented(lines: readonly string[], at: number): string {
  const depth = /^ */.exec(lines[at]!)![0].length;
  const block: string[] = [];
  for (const line of lines.slice(at + 1)) {
    if (line.trim() !== "" && /^ */.exec(line)![0].length <= depth) break;
    block.push(line.trim());
  }
  return block.join("\n");
}

/** Perl's diagnostics: `#   at t/a.t line 2.` */
function readComment(entry: Entry, line: string): void {
  const place = /^#\s+at (\S+) line (\d+)/.exec(line);
  if (place) entry.location ??= `${place[1]}:${place[2]}`;
}
