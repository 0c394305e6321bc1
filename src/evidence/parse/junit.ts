import type { Failure } from "../../contracts/evidence.ts";
import { failure, type Parser } from "./report.ts";

/** JUnit XML, the dialects of Maven, Gradle, pytest, node and jest-junit: test cases, whatever they are wrapped in. */
export const parseJunit: Parser = (output) => {
  if (!/<testsuites?[\s>/]/.test(output)) return undefined;
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: Failure[] = [];
  const passed: string[] = [];
  for (const part of output.split(/<testcase\b/).slice(1)) {
    const { attributes, rest, closed } = readTag(part);
    const name = [attributes["classname"], attributes["name"]].filter(Boolean).join(".");
    const body = closed ? "" : rest.split("</testcase>")[0]!;
    const bad = /<(?:failure|error)\b/.exec(body);
    if (bad) {
      const tag = readTag(body.slice(bad.index + bad[0].length));
      const text = tag.closed ? "" : decode(tag.rest.split(/<\/(?:failure|error)>/)[0]!);
      counts.failed++;
      failures.push(failure(name, placeOf(attributes, text), tag.attributes["message"] ?? text));
    } else if (/<skipped\b/.test(body)) counts.skipped++;
    else {
      counts.passed++;
      passed.push(name);
    }
  }
  return { counts, failures, passed };
};

/** Attributes from behind a tag's name to its `>`, and what follows. `closed`: the tag ended with `/>`. */
function readTag(text: string): { attributes: Record<string, string>; rest: string; closed: boolean } {
  const attributes: Record<string, string> = {};
  const token = /\s*(?:([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')|(\/?>))/y;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (match[4]) return { attributes, rest: text.slice(token.lastIndex), closed: match[4] === "/>" };
    attributes[match[1]!] = decode(match[2] ?? match[3] ?? "");
  }
  return { attributes, rest: "", closed: true };
}

/** The case's own file and line, else the Java frame of its class: `at com.x.AppTest.adds(AppTest.java:12)`. */
function placeOf(attributes: Record<string, string>, trace: string): string | undefined {
  if (attributes["file"] && attributes["line"]) return `${attributes["file"]}:${attributes["line"]}`;
  const owner = attributes["classname"] ?? "";
  const frame = trace
    .split("\n")
    .map((line) => /^\s*at (?:[\w.]+\/\/?)?([\w.$]+)\.[\w$<>]+\(([\w$]+\.\w+):(\d+)\)/.exec(line))
    .find((match) => match && match[1]!.split("$")[0] === owner.split("$")[0]);
  if (!frame) return undefined;
  const folder = owner.split(".").slice(0, -1).join("/");
  return `${folder ? `${folder}/` : ""}${frame[2]}:${frame[3]}`;
}

function decode(text: string): string {
  const named = new Map([
    ["lt", "<"],
    ["gt", ">"],
    ["amp", "&"],
    ["quot", '"'],
    ["apos", "'"],
  ]);
  return text
    .split(/<!\[CDATA\[|\]\]>/)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, entity)))
    .join("");

  function entity(whole: string, name: string): string {
    if (!name.startsWith("#")) return named.get(name) ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  }
}
