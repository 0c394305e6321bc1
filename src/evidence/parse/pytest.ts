import type { Failure } from "../../contracts/evidence.ts";
import { failure, numberIn, type Parser } from "./report.ts";

const TOTALS = /^=* ?((?:\d+ [a-z ]+(?:, )?)+|no tests ran) in [\d.]+s.*$/gm;

/** pytest's own text, with the short summary that `-rfEsp` asks for (environment.ts). */
export const parsePytest: Parser = (output) => {
  const totals = [...output.matchAll(TOTALS)].map((match) => match[1]!);
  if (totals.length === 0) return undefined;
  const count = (pattern: RegExp) => totals.reduce((sum, line) => sum + numberIn(line, pattern), 0);
  const sections = readSections(output);
  const failures: Failure[] = [];
  const passed: string[] = [];
  for (const line of output.split("\n")) {
    const entry = /^(FAILED|ERROR|PASSED) (\S+\.py\b.*)$/.exec(line);
    if (!entry) continue;
    if (entry[1] === "PASSED") {
      passed.push(entry[2]!);
      continue;
    }
    const { id, message } = splitSummary(entry[2]!, sections);
    const section = sections.get(titleOf(id));
    failures.push(
      failure(id, section && placeIn(section, id.split("::")[0]!), message ?? (section && errorIn(section))),
    );
  }
  return {
    counts: {
      passed: count(/\b(\d+) passed/) + count(/\b(\d+) xpassed/),
      failed: count(/\b(\d+) failed/) + count(/\b(\d+) errors?\b/),
      skipped: count(/\b(\d+) skipped/) + count(/\b(\d+) xfailed/),
    },
    failures,
    ...(passed.length > 0 ? { passed } : {}),
  };
};

/** `____ TestC.test_p[a] ____` → the lines below it, under the title `TestC.test_p[a]`. */
function readSections(output: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of output.split("\n")) {
    const heading = /^_{3,} (?:ERROR (?:at \w+ of|collecting) )?(.+?) _{3,}$/.exec(line);
    if (heading) {
      current = [];
      sections.set(heading[1]!, current);
    } else if (/^={5,} /.test(line)) current = undefined;
    else current?.push(line);
  }
  return sections;
}

/** The title under which pytest details a node id: `tests/a.py::TestC::test_p[x]` → `TestC.test_p[x]`. */
function titleOf(id: string): string {
  const [file, ...names] = id.split("::");
  return names.length === 0 ? file! : names.join(".");
}

/** Parameters may hold ` - ` too, so the headings decide where the id ends; else the first ` - ` does. */
function splitSummary(text: string, sections: ReadonlyMap<string, string[]>): { id: string; message?: string } {
  for (let at = text.indexOf(" - "); at >= 0; at = text.indexOf(" - ", at + 1)) {
    if (sections.has(titleOf(text.slice(0, at)))) return { id: text.slice(0, at), message: text.slice(at + 3) };
  }
  const at = sections.has(titleOf(text)) ? -1 : text.indexOf(" - ");
  return at < 0 ? { id: text } : { id: text.slice(0, at), message: text.slice(at + 3) };
}

/** The deepest line in the test's own file, else the deepest of all. */
function placeIn(section: readonly string[], file: string): string | undefined {
  const places = section.flatMap((line) => /^(\S+\.py):(\d+): /.exec(line)?.slice(1) ?? []);
  const own = places.lastIndexOf(file);
  const at = own >= 0 ? own : places.length - 2;
  return at >= 0 ? `${places[at]}:${places[at + 1]}` : undefined;
}

function errorIn(section: readonly string[]): string | undefined {
  return section.find((line) => line.startsWith("E  "))?.slice(1);
}
