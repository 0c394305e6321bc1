import { failure, type Parser } from "./report.ts";

/** CTest's summary. */
export const parseCtest: Parser = (output) => {
  if (/^No tests were found!!!$/m.test(output)) return { counts: { passed: 0, failed: 0, skipped: 0 }, failures: [] };
  const total = /^\d+% tests passed, (\d+) tests? failed out of (\d+)$/m.exec(output);
  if (!total) return undefined;
  const failed = Number(total[1]);
  const results = [...output.matchAll(/^ *\d+\/\d+ Test +#\d+: (.+?) \.*( +Passed|\*\*\*.*)/gm)];
  const list = output.split(/^The following tests FAILED:$/m)[1] ?? "";
  const skipped = results.filter((result) => /\*\*\*(?:Skipped|Not Run \(Disabled\))/.test(result[2]!));
  // Disabled tests are not part of the total, skipped ones are.
  const counted = skipped.filter((result) => /Skipped/.test(result[2]!)).length;
  return {
    counts: { passed: Math.max(0, Number(total[2]) - failed - counted), failed, skipped: skipped.length },
    failures: [...list.matchAll(/^\s+\d+ - (.+) \((.+)\)/gm)].map((match) => failure(match[1]!, undefined, match[2])),
    passed: results.filter((result) => result[2]!.includes("Passed")).map((result) => result[1]!),
  };
};
