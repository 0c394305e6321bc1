import { messageOf } from "../base/errors.ts";
import type { Check, CheckResult, CheckStatus, Failure } from "../contracts/evidence.ts";
import type { Exec, SpawnResult } from "../contracts/exec.ts";
import { checkEnvironment } from "./environment.ts";
import { locate, locateTest } from "./locate.ts";
import { parseDiagnostics } from "./parse/diagnostics.ts";
import { plainText, readReport } from "./parse/index.ts";
import type { Report } from "./parse/report.ts";
import { watchReportFiles } from "./report-files.ts";
import { unavailableReason } from "./unavailable.ts";

/** Output kept for reading, bytes: the JSON lines of a large Go project are long. */
const READ_LIMIT = 16 * 1024 * 1024;
/** Output kept in the result, bytes. */
const TAIL_LIMIT = 4096;
/** More names than this are not kept: the result goes into the transcript. */
const NAME_LIMIT = 5000;
/** Messages are kept of the first failures only. */
const MESSAGES = 50;

export interface RunInput {
  /** Absolute, real. */
  workspace: string;
  exec: Exec;
  /** Added to what every check gets. */
  env: Readonly<Record<string, string>>;
}

/**
 * Runs a check and reads what it says. Throws only when aborted; whatever else goes wrong is the result. `output` is
 * plain text; a check that could not be measured says why in its first line.
 */
export async function runCheck(
  check: Check,
  input: RunInput,
  signal: AbortSignal,
  emit: (chunk: string) => void,
): Promise<CheckResult> {
  const reportFiles = watchReportFiles(check.cwd);
  let spawned: SpawnResult;
  try {
    spawned = await input.exec.run(
      {
        argv: input.exec.shell(check.command),
        cwd: check.cwd,
        env: { ...checkEnvironment(), ...input.env },
        timeoutMs: check.timeoutMs,
        maxOutput: READ_LIMIT,
        onOutput: emit,
      },
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    return {
      check,
      status: "unavailable",
      exitCode: null,
      failures: [],
      output: `not measured: ${messageOf(error)}`,
      ms: 0,
    };
  }
  const text = plainText(spawned.output);
  const report = reportFiles() ?? readReport(text);
  const verdict = verdictOf(check, spawned, report, text);
  const failures =
    verdict.status === "failed" ? (report?.failures.length ? report.failures : parseDiagnostics(text)) : [];
  const passed = report?.passed && report.passed.length <= NAME_LIMIT ? report.passed : undefined;
  return {
    check,
    status: verdict.status,
    exitCode: spawned.code,
    ...(report?.counts ? { counts: report.counts } : {}),
    failures: tidy(failures, check.cwd, input.workspace),
    ...(passed ? { passed: passed.map((name) => withoutRoot(name, input.workspace)) } : {}),
    output: tail(verdict.note === undefined ? text : `${verdict.note}\n${lastBytes(text, TAIL_LIMIT - 200)}`),
    ms: Math.round(spawned.ms),
  };
}

function verdictOf(
  check: Check,
  spawned: SpawnResult,
  report: Report | undefined,
  text: string,
): { status: CheckStatus; note?: string } {
  if (spawned.timedOut) {
    return { status: "timeout", note: `did not end within ${Math.round(check.timeoutMs / 1000)} s` };
  }
  if (spawned.signal !== null) return { status: "failed", note: `ended by ${spawned.signal}` };
  const counts = report?.counts;
  if (report === undefined) {
    const reason = unavailableReason(spawned.code, text);
    if (reason !== undefined) return { status: "unavailable", note: `not measured: ${reason}` };
  }
  // A runner that says so has failed, whatever a script around it made of its exit code.
  if (counts ? counts.failed > 0 : (report?.failures.length ?? 0) > 0) return { status: "failed" };
  const nothingRan = counts !== undefined && counts.passed === 0 && check.kind !== "static";
  if (nothingRan && (spawned.code === 0 || parseDiagnostics(text).length === 0)) {
    return { status: "empty", note: "no test ran" };
  }
  return { status: spawned.code === 0 ? "passed" : "failed" };
}

/** Names that are unique and places that are the workspace's own, whatever folder the runner counted from. */
function tidy(failures: readonly Failure[], cwd: string, workspace: string): Failure[] {
  const seen = new Map<string, number>();
  return failures.slice(0, NAME_LIMIT).map((failure, at) => {
    const plain = withoutRoot(failure.name, workspace);
    const nth = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, nth);
    const location = failure.location
      ? locate(failure.location, cwd, workspace)
      : at < MESSAGES && locateTest(failure.name, cwd, workspace);
    return {
      name: nth === 1 ? plain : `${plain} (${nth})`,
      ...(location ? { location } : {}),
      ...(failure.message && at < MESSAGES ? { message: withoutRoot(failure.message, workspace) } : {}),
    };
  });
}

function withoutRoot(text: string, workspace: string): string {
  return text.replaceAll(`${workspace}/`, "");
}

function tail(text: string): string {
  return lastBytes(text.trimEnd(), TAIL_LIMIT);
}

/** The end of a text, at most `limit` bytes, not cut inside a character, and from a line's start where there is one. */
function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let start = bytes.length - limit + 4;
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
  const cut = bytes.subarray(start).toString();
  const line = cut.indexOf("\n");
  return `…${line >= 0 && line < cut.length - 1 ? cut.slice(line + 1) : cut}`;
}
