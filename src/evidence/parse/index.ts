import { parseBun } from "./bun.ts";
import { parseCargo } from "./cargo.ts";
import { parseCtest } from "./ctest.ts";
import { parseGoJson, parseGoText } from "./go.ts";
import { parseJest } from "./jest.ts";
import { parseJunit } from "./junit.ts";
import { parseGradle, parseMaven } from "./jvm.ts";
import { parseMocha } from "./mocha.ts";
import { parseNodeSpec } from "./node-spec.ts";
import { parseDeno, parseDotnet, parseMix, parsePhpunit, parseRspec } from "./others.ts";
import { parsePytest } from "./pytest.ts";
import type { Parser, Report } from "./report.ts";
import { parseTap } from "./tap.ts";
import { parseUnittest } from "./unittest.ts";
import { parseVitest } from "./vitest.ts";

/** Every family of test output. They do not overlap: a text that two of them read would be counted twice. */
export function parsers(): Readonly<Record<string, Parser>> {
  return {
    bun: parseBun,
    cargo: parseCargo,
    ctest: parseCtest,
    deno: parseDeno,
    dotnet: parseDotnet,
    goJson: parseGoJson,
    goText: parseGoText,
    gradle: parseGradle,
    jest: parseJest,
    junit: parseJunit,
    maven: parseMaven,
    mix: parseMix,
    mocha: parseMocha,
    nodeSpec: parseNodeSpec,
    phpunit: parsePhpunit,
    pytest: parsePytest,
    rspec: parseRspec,
    tap: parseTap,
    unittest: parseUnittest,
    vitest: parseVitest,
  };
}

/**
 * Reads whatever test runners left in `output`, several where a script ran several. Nobody has to say which: `npm test`
 * may run anything. Undefined where no runner was recognised. Expects `plainText`.
 */
export function readReport(output: string): Report | undefined {
  const reports = Object.values(parsers()).flatMap((parser) => parser(output) ?? []);
  return reports.length > 0 ? mergeReports(reports) : undefined;
}

/** A longer line is cut before it is read; what runners say is shorter, and patterns take longer on long lines. */
const LINE_LIMIT = 4000;

/** Terminal output as parsers want it: no colours, `\n` line ends, no endless lines (JSON lines stay whole). */
export function plainText(output: string): string {
  return Bun.stripANSI(output)
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => (line.length > LINE_LIMIT && !line.startsWith("{") ? line.slice(0, LINE_LIMIT) : line))
    .join("\n");
}

/** One report of several. Totals are kept only where each of them has some: a partial sum would mislead. */
export function mergeReports(reports: readonly Report[]): Report {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const report of reports) {
    counts.passed += report.counts?.passed ?? 0;
    counts.failed += report.counts?.failed ?? 0;
    counts.skipped += report.counts?.skipped ?? 0;
  }
  const passed = reports.flatMap((report) => report.passed ?? []);
  return {
    ...(reports.every((report) => report.counts) ? { counts } : {}),
    failures: reports.flatMap((report) => report.failures),
    ...(passed.length > 0 ? { passed } : {}),
  };
}
