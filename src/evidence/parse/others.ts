import type { Failure } from "../../contracts/evidence.ts";
import { failure, numberIn, type Parser } from "./report.ts";

const NOTHING = { passed: 0, failed: 0, skipped: 0 } as const;

/** `deno test`. */
export const parseDeno: Parser = (output) => {
  if (/^error: No test modules found/m.test(output)) return { counts: { ...NOTHING }, failures: [] };
  const total = /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(.*)$/m.exec(output);
  if (!total) return undefined;
  const named = (output.split(/^ ?FAILURES ?$/m)[1] ?? "").matchAll(/^(.+) => (\S+?):(\d+):\d+$/gm);
  return {
    counts: { passed: Number(total[1]), failed: Number(total[2]), skipped: numberIn(total[3]!, /\b(\d+) ignored/) },
    failures: [...named].map((match) => failure(match[1]!, `${match[2]}:${match[3]}`)),
  };
};

/** `dotnet test`: one total per assembly. */
export const parseDotnet: Parser = (output) => {
  const totals = [
    ...output.matchAll(/^(?:Passed|Failed|Skipped)! +- Failed: +(\d+), Passed: +(\d+), Skipped: +(\d+), Total:/gm),
  ];
  if (totals.length === 0)
    return /^No test is available in /m.test(output) ? { counts: { ...NOTHING }, failures: [] } : undefined;
  const sum = (group: number) => totals.reduce((total, match) => total + Number(match[group]), 0);
  return {
    counts: { passed: sum(2), failed: sum(1), skipped: sum(3) },
    failures: output
      .split(/^ {2}Failed (?=.+ \[[^\]]*\]$)/m)
      .slice(1)
      .map(dotnetFailure),
  };
};

/** `Name [3 ms]`, `  Error Message:`, the message, `  Stack Trace:`, `at … in FILE:line N`. */
function dotnetFailure(part: string): Failure {
  const name = /^(.+) \[/.exec(part)?.[1] ?? "";
  const message = part.split(/^ {2}Error Message:\n/m)[1]?.split(/^ {2}Stack Trace:$/m)[0];
  const frame = /^ +at .+ in (.+):line (\d+)$/m.exec(part);
  return failure(name, frame ? `${frame[1]}:${frame[2]}` : undefined, message);
}

/** RSpec: its list of failed examples at the end. */
export const parseRspec: Parser = (output) => {
  const total = /^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors?.*)?$/m.exec(output);
  if (!total) return undefined;
  const [all, bad, pending, errors] = [1, 2, 3, 4].map((group) => Number(total[group] ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const named = output.matchAll(/^rspec (\.\/\S+?):(\d+) # (.*)$/gm);
  return {
    counts: { passed: Math.max(0, all - bad - pending), failed: bad + errors, skipped: pending },
    failures: [...named].map((match) => failure(match[3]!, `${match[1]}:${match[2]}`)),
  };
};

/** PHPUnit 9 to 12. */
export const parsePhpunit: Parser = (output) => {
  if (/^No tests executed!$/m.test(output)) return { counts: { ...NOTHING }, failures: [] };
  const ok = /^OK \((\d+) tests?, \d+ assertions?\)$/m.exec(output);
  if (ok) return { counts: { ...NOTHING, passed: Number(ok[1]) }, failures: [] };
  const total = /^Tests: (\d+), Assertions: \d+.*\.$/m.exec(output)?.[0];
  if (total === undefined) return undefined;
  const failed = numberIn(total, /Failures: (\d+)/) + numberIn(total, /Errors: (\d+)/);
  const skipped = numberIn(total, /Skipped: (\d+)/) + numberIn(total, /Incomplete: (\d+)/);
  return {
    counts: { passed: Math.max(0, numberIn(total, /Tests: (\d+)/) - failed - skipped), failed, skipped },
    failures: output
      .split(/^\d+\) (?=\S+::)/m)
      .slice(1)
      .map(phpunitFailure),
  };
};

/** The test's name, the message, an empty line, the place. */
function phpunitFailure(part: string): Failure {
  const [name = "", ...lines] = part.split("\n");
  const at = lines.findIndex((line) => /^\S+\.php:\d+$/.test(line));
  return failure(name, lines[at], lines.slice(0, at < 0 ? 5 : at).join("\n"));
}

/** `mix test` (ExUnit). */
export const parseMix: Parser = (output) => {
  const totals = [...output.matchAll(/^(?:\d+ \w+, )*(\d+) tests?, (\d+) failures?(.*)$/gm)];
  if (totals.length === 0) return undefined;
  const sum = (group: number) => totals.reduce((total, match) => total + Number(match[group]), 0);
  const skipped = totals.reduce((total, match) => {
    return total + numberIn(match[3]!, /\b(\d+) skipped/) + numberIn(match[3]!, /\b(\d+) excluded/);
  }, 0);
  const named = output.matchAll(/^ +\d+\) (.+ \(.+\))\n +(\S+\.exs?):(\d+)\n((?: {5}.*\n)*)/gm);
  return {
    counts: { passed: Math.max(0, sum(1) - sum(2) - skipped), failed: sum(2), skipped },
    failures: [...named].map((match) =>
      failure(match[1]!, `${match[2]}:${match[3]}`, match[4]?.split(/^ +stacktrace:/m)[0]),
    ),
  };
};
