import type { Failure } from "../../contracts/evidence.ts";
import { failure } from "./report.ts";

interface Diagnostic {
  file: string;
  line: string;
  /** The rule's or the error's code, "" where there is none. */
  code: string;
  message: string;
  warning: boolean;
}

/**
 * What type-checkers, compilers and linters complain about, in the formats most of them share. A name is made of file,
 * code and message but not of the line, so that it survives edits above it. Warnings count only where nothing is worse.
 */
export function parseDiagnostics(output: string): Failure[] {
  const all = [
    ...colonStyle(output),
    ...tscStyle(output),
    ...arrowStyle(output),
    ...eslintStyle(output),
    ...biomeStyle(output),
  ];
  const errors = all.filter((entry) => !entry.warning);
  return (errors.length > 0 ? errors : all).map(({ file, line, code, message }) =>
    failure(
      [file.replace(/^\.\//, ""), code, message.split("\n")[0]!.slice(0, 120)].filter(Boolean).join(" "),
      `${file}:${line}`,
      message,
    ),
  );
}

/** gcc, mypy, flake8, ruff, go, golangci-lint, pyright, tsc --pretty: `file:1:2: error: message [code]`. */
function* colonStyle(output: string): Generator<Diagnostic> {
  const pattern =
    /^ {0,2}([^\s:()]+\.\w+|[^\s:()]*Makefile):(\d+):(?:(\d+):?)?(?: -)? (?:(fatal error|error|warning|note|info)\b:? ?)?(.+)$/gm;
  for (const [, file, line, , level, text] of output.matchAll(pattern)) {
    if (level === "note" || level === "info" || /━{5}|^lint\//.test(text!)) continue;
    const lead = /^([A-Z]{1,4}\d{2,5}):? (?:\[\*\] )?(.*)$/.exec(text!);
    const tail = /^(.*?) {1,2}[[(]([\w./-]+)[\])]$/.exec(text!);
    const [code, message] = lead ? [lead[1]!, lead[2]!] : tail ? [tail[2]!, tail[1]!] : ["", text!];
    yield { file: file!, line: line!, code, message, warning: level === "warning" };
  }
}

/** `a.ts(1,7): error TS2322: message` */
function* tscStyle(output: string): Generator<Diagnostic> {
  for (const match of output.matchAll(/^(\S[^()\n]*)\((\d+),\d+\): (error|warning) (\w+): (.*)$/gm)) {
    yield { file: match[1]!, line: match[2]!, code: match[4]!, message: match[5]!, warning: match[3] === "warning" };
  }
}

/** rustc, clippy, ruff: `error[E0308]: message`, then ` --> src/main.rs:1:26`. */
function* arrowStyle(output: string): Generator<Diagnostic> {
  const pattern = /^(?:(error|warning)(?:\[(\w+)\])?: |([A-Z]{1,4}\d{2,5}) (?:\[\*\] )?)(.*)\n *--> (.+?):(\d+):\d+$/gm;
  for (const [, level, code, rule, message, file, line] of output.matchAll(pattern)) {
    yield { file: file!, line: line!, code: code ?? rule ?? "", message: message!, warning: level === "warning" };
  }
}

/** A file's name alone on a line, then `  1:7  error  message  rule`. */
function* eslintStyle(output: string): Generator<Diagnostic> {
  let file = "";
  for (const line of output.split("\n")) {
    if (/^(?:\/|[A-Za-z]:\\|\w).*\.\w+$/.test(line)) file = line;
    const entry = /^ {2,}(\d+):\d+ +(error|warning) +(.+?)(?: {2,}(\S+))?$/.exec(line);
    if (!entry || file === "") continue;
    yield { file, line: entry[1]!, code: entry[4] ?? "", message: entry[3]!, warning: entry[2] === "warning" };
  }
}

/** `a.ts:1:7 lint/rule ━━━`, then the message behind a sign: `×` is an error, `!` a warning. */
function* biomeStyle(output: string): Generator<Diagnostic> {
  for (const match of output.matchAll(/^(\S+?)(?::(\d+):\d+)? (\S+)(?: {2}FIXABLE)? +━{5,}\n\n +([×!i✖]) (.*)$/gm)) {
    if (match[4] === "i" || !/\.\w+$/.test(match[1]!)) continue;
    const warning = match[4] === "!";
    yield { file: match[1]!, line: match[2] ?? "1", code: match[3]!, message: match[5]!, warning };
  }
}
