import type { Failure } from "../../contracts/evidence.ts";
import { failure, type Parser } from "./report.ts";

/** One line of `go test -json` (`go doc test2json`). */
interface GoEvent {
  Action: string;
  Package?: string;
  ImportPath?: string;
  Test?: string;
  Output?: string;
}

/** `go test -json`. A test with subtests is a group, not a test itself. */
export const parseGoJson: Parser = (output) => {
  const events = output.split("\n").flatMap(readEvent);
  if (events.length === 0) return undefined;
  const ends = events.filter((event) => /^(?:pass|fail|skip)$/.test(event.Action));
  const tests = ends.filter((event) => event.Test !== undefined);
  const groups = new Set(
    tests.flatMap((event) =>
      event
        .Test!.split("/")
        .slice(0, -1)
        .map((_, at, parts) => `${event.Package} ${parts.slice(0, at + 1).join("/")}`),
    ),
  );
  const printed = Map.groupBy(
    events.filter((event) => event.Output !== undefined),
    (event) => nameOf(event.Package ?? event.ImportPath?.split(" ")[0] ?? "", event.Test),
  );
  const textOf = (name: string) => (printed.get(name) ?? []).map((event) => event.Output).join("");
  const failed = tests.filter((event) => event.Action === "fail");
  const inTests = failed
    .filter((event) => {
      const inside = `${event.Test}/`;
      return !failed.some((other) => other.Package === event.Package && other.Test!.startsWith(inside));
    })
    .map((event) =>
      goFailure(nameOf(event.Package!, event.Test), event.Package!, textOf(nameOf(event.Package!, event.Test))),
    );
  // A package that did not build, or died outside of its tests.
  const inPackages = ends
    .filter((event) => event.Test === undefined && event.Action === "fail")
    .filter((event) => !failed.some((other) => other.Package === event.Package))
    .map((event) => buildFailure(event.Package!, textOf(event.Package!) || output));
  const leaves = tests.filter((event) => !groups.has(nameOf(event.Package!, event.Test)));
  const passed = leaves.filter((event) => event.Action === "pass");
  return {
    counts: {
      passed: passed.length,
      failed: inTests.length + inPackages.length,
      skipped: leaves.filter((event) => event.Action === "skip").length,
    },
    failures: [...inTests, ...inPackages],
    passed: passed.map((event) => nameOf(event.Package!, event.Test)),
  };
};

function readEvent(line: string): GoEvent[] {
  if (!line.startsWith("{") || !line.includes('"Action"')) return [];
  try {
    const value = JSON.parse(line) as Partial<Record<keyof GoEvent, unknown>>;
    const fits =
      typeof value.Action === "string" &&
      (typeof value.Package === "string" || typeof value.ImportPath === "string") &&
      (value.Test === undefined || typeof value.Test === "string") &&
      (value.Output === undefined || typeof value.Output === "string");
    return fits ? [value as GoEvent] : [];
  } catch {
    return [];
  }
}

function nameOf(pkg: string, test: string | undefined): string {
  return test === undefined ? pkg : `${pkg} ${test}`;
}

/**
 * `go test` in words. Without `-v` it names what failed and says nothing of how many tests there were, so there are
 * counts only with `-v`, or where there was no test at all.
 */
export const parseGoText: Parser = (output) => {
  const packages = [...output.matchAll(/^(ok {2}|FAIL|\? {3})\t(\S+)(?:[\t ](.*))?$/gm)];
  if (packages.length === 0) return undefined;
  const results = [...output.matchAll(/^( *)--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$/gm)];
  const names = new Set(results.map((result) => result[3]!));
  const isGroup = (name: string) => [...names].some((other) => other.startsWith(`${name}/`));
  const leaves = results.filter((result) => !isGroup(result[3]!));
  const failures = leaves
    .filter((result) => result[2] === "FAIL")
    .map((result) => {
      // Its own lines follow; with -v they stand before.
      const after = output.slice(result.index + result[0].length);
      const own = /^(?:\n {4,}(?!---).*)+/.exec(after)?.[0] ?? before(output, result[3]!);
      const pkg = /^(?:FAIL|ok {2})\t(\S+)/m.exec(after)?.[1] ?? "";
      return goFailure(nameOf(pkg, result[3]), pkg, own);
    });
  for (const [, , pkg, note] of packages) {
    if (/\[(?:build|setup) failed\]/.test(note ?? "")) failures.push(buildFailure(pkg!, output));
  }
  const none = packages.every(([, , , note]) => /\[no test(?:s to run| files)\]/.test(note ?? ""));
  const count = (verdict: string) => leaves.filter((result) => result[2] === verdict).length;
  if (count("PASS") === 0 && !none) return { failures };
  return { counts: { passed: count("PASS"), failed: failures.length, skipped: count("SKIP") }, failures };
};

function before(output: string, test: string): string {
  const start = output.indexOf(`=== RUN   ${test}\n`);
  return start < 0 ? "" : output.slice(start, output.indexOf("--- FAIL", start));
}

/** The place is below the package's path; locate.ts finds the folder of the module in it. */
function goFailure(name: string, pkg: string, text: string): Failure {
  const line = /^\s+(\S+\.go):(\d+): (.*(?:\n {8,}.*)*)/m.exec(text);
  if (line) return failure(name, `${pkg}/${line[1]}:${line[2]}`, line[3]!.replace(/\n\s+/g, "\n"));
  const panic = /^panic: (.*)/m.exec(text);
  const frame = /^\t(\S+_test\.go):(\d+)/m.exec(text);
  return failure(name, frame ? `${frame[1]}:${frame[2]}` : undefined, panic?.[0]);
}

function buildFailure(pkg: string, text: string): Failure {
  const line = /(?:^|")(\S+\.go):(\d+):(?:\d+:)? (.*?)(?:\\n"}|$)/m.exec(text);
  return failure(pkg, line ? `${line[1]}:${line[2]}` : undefined, line?.[3] ?? "does not build");
}
