import { failure, type Parser } from "./report.ts";

/** Maven Surefire's text: one total per module (`Tests run: …` without a time), failures in its list. */
export const parseMaven: Parser = (output) => {
  const totals = [
    ...output.matchAll(/^(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$/gm),
  ];
  if (totals.length === 0) return undefined;
  const sum = (group: number) => totals.reduce((total, match) => total + Number(match[group]), 0);
  const failed = sum(2) + sum(3);
  const listed = output.matchAll(/^\[ERROR\] {3}(?:[\w$]+ )?([\w.$]+\.\w+):(\d+)(?:[^\s:]*:\d+)* (.*)$/gm);
  return {
    counts: { passed: Math.max(0, sum(1) - failed - sum(4)), failed, skipped: sum(4) },
    failures: [...listed].map((match) => failure(match[1]!, undefined, `line ${match[2]}: ${match[3]}`)),
  };
};

/** Gradle's text. It names failures only; on success nothing is printed and the JUnit files tell. */
export const parseGradle: Parser = (output) => {
  const totals = [...output.matchAll(/^(\d+) tests? completed, (\d+) failed(?:, (\d+) skipped)?$/gm)];
  if (totals.length === 0) return undefined;
  const sum = (group: number) => totals.reduce((total, match) => total + Number(match[group] ?? 0), 0);
  const named = output.matchAll(/^(\S.* > .*) FAILED\n(?:\s+(.*))?/gm);
  return {
    counts: { passed: Math.max(0, sum(1) - sum(2) - sum(3)), failed: sum(2), skipped: sum(3) },
    failures: [...named].map((match) => failure(match[1]!, undefined, match[2])),
  };
};
