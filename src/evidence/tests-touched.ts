import { isTestFile } from "../base/file-kinds.ts";
import type { TestTouch } from "../contracts/evidence.ts";
import type { Diff, FileChange } from "../contracts/workspace.ts";

/** Whether the task laid hands on the tests that judge it: told to the judge and to the user. Pure. */

/** Judges by names and by the unified diff; a file that the diff does not show (too long) is named as changed. */
export function testsTouched({ changes, text }: Pick<Diff, "changes" | "text">): TestTouch[] {
  const files = readDiff(text);
  return changes.flatMap((change) => {
    if (change.kind === "mode") return [];
    const lines = files.get(change.path) ?? [];
    if (isTestFile(change.path)) return touchesOf(change, lines);
    return change.kind === "created" ? [] : settingsTouch(change, lines);
  });
}

interface DiffLine {
  sign: "+" | "-";
  text: string;
  /** In the new file: of the line itself, or of what follows a removed one. */
  line: number;
}

/** Added and removed lines of each file, under its path. */
function readDiff(diff: string): Map<string, DiffLine[]> {
  const files = new Map<string, DiffLine[]>();
  let current: DiffLine[] = [];
  let old = "";
  let line = 0;
  /** Lines that the hunk still has: until then `--- x` is a removed line and no heading. */
  let left = { old: 0, new: 0 };
  for (const text of diff.split("\n")) {
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (hunk) {
      left = { old: Number(hunk[1] ?? 1), new: Number(hunk[3] ?? 1) };
      line = Number(hunk[2]);
    } else if (left.old > 0 || left.new > 0) {
      const sign = text[0];
      if (sign === "+" || sign === "-") current.push({ sign, text: text.slice(1), line });
      if (sign === "\\") continue;
      if (sign !== "+") left.old--;
      if (sign !== "-") {
        left.new--;
        line++;
      }
    } else if (text.startsWith("--- ")) old = pathOf(text);
    else if (text.startsWith("+++ ")) {
      const path = pathOf(text);
      current = [];
      files.set(path === "/dev/null" ? old : path, current);
    }
  }
  return files;
}

function pathOf(heading: string): string {
  const path = heading
    .slice(4)
    .split("\t")[0]!
    .replace(/^"(.*)"$/, "$1");
  return path.replace(/^[ab]\//, "");
}

const SKIP =
  /\b(?:it|test|describe|suite|context)\.(?:skip|todo|fixme|failing)\b|\b(?:xit|xtest|xdescribe|xcontext)\s*\(|\{\s*skip:\s*(?:true|['"])|@(?:unittest|pytest\.mark)\.(?:skip|xfail|expectedFailure)|\b(?:pytest\.skip|self\.skipTest|t\.Skip(?:f|Now)?|markTestSkipped|markTestIncomplete)\(|#\[ignore\b|@(?:Disabled|Ignore)\b|\[(?:Fact|Theory)\(Skip|@tag :skip|\bpending\b\s*(?:['"(]|$)|\bskip_test\b/;
const ONLY = /\b(?:it|test|describe|suite|context)\.only\b|\b(?:fit|fdescribe)\s*\(|\{\s*only:\s*true/;
const TEST =
  /^\s*(?:(?:it|test|specify|scenario)(?:\.each\b.*)?\s*[(`]|(?:async )?def test\w*\s*\(|func (?:Test|Fuzz|Example)\w*\(|#\[(?:\w+::)*test\b|@(?:Test|ParameterizedTest)\b|\[(?:Fact|Theory|Test|TestMethod)\b|test ['"]|it ['"]|(?:public )?function test\w*\s*\(|@test ['"])/;
const ASSERTION =
  /\bexpect\s*[(.{]|\bassert\w*[\s!(.]|\bself\.(?:assert|fail)\w*\(|\bt\.(?:Error|Fatal|Fail|is|deepEqual|truthy|ok|equal)\w*\(|\brequire\.\w+\(t\b|\bshould\b|\$this->assert|\bAssert\.\w+/;

function touchesOf(change: FileChange, lines: readonly DiffLine[]): TestTouch[] {
  const { path } = change;
  if (change.kind === "deleted") return [{ path, kind: "deleted", detail: `${path} was deleted` }];
  const touches: TestTouch[] = [];
  const switched = (kind: TestTouch["kind"], pattern: RegExp, words: string) => {
    const before = count(lines, "-", pattern);
    const added = lines.filter((entry) => entry.sign === "+" && pattern.test(entry.text));
    const first = added[before] ?? added[0];
    if (added.length <= before || !first) return;
    const detail = `${path}:${first.line} ${words}: ${first.text.trim().slice(0, 100)}`;
    touches.push({ path, kind, detail, location: `${path}:${first.line}` });
  };
  switched("skipped", SKIP, "switches tests off");
  switched("focused", ONLY, "lets only some tests run");
  if (change.kind === "created") return touches;
  const tests = count(lines, "-", TEST) - count(lines, "+", TEST);
  if (tests > 0) touches.push({ path, kind: "removed", detail: `${path} has ${tests} fewer ${plural(tests, "test")}` });
  const assertions = count(lines, "-", ASSERTION) - count(lines, "+", ASSERTION);
  if (assertions > 0) {
    const detail = `${path} has ${assertions} fewer ${plural(assertions, "assertion")}`;
    touches.push({ path, kind: "weakened", detail });
  }
  return touches.length > 0 ? touches : [{ path, kind: "changed", detail: `${path} was changed` }];
}

function count(lines: readonly DiffLine[], sign: DiffLine["sign"], pattern: RegExp): number {
  return lines.filter((entry) => entry.sign === sign && pattern.test(entry.text)).length;
}

function plural(number: number, word: string): string {
  return number === 1 ? word : `${word}s`;
}

/** Files that decide which tests run, and the lines that decide it in files that hold other things too. */
function settingsTouch({ path, kind }: FileChange, lines: readonly DiffLine[]): TestTouch[] {
  const name = path.split("/").at(-1)!;
  const own =
    /^(?:(?:jest|vitest|karma|playwright|cypress)\.config\.\w+|\.mocharc\.\w+|pytest\.ini|tox\.ini|phpunit\.xml(?:\.dist)?|bunfig\.toml|\.rspec)$/;
  const shared: readonly [RegExp, RegExp][] = [
    [/^package\.json$/, /"(?:pre|post)?test[\w:-]*"\s*:|"(?:jest|vitest|mocha|ava)"\s*:/],
    [/^(?:pyproject\.toml|setup\.cfg)$/, /pytest|addopts|testpaths|python_files|\bdeselect\b/],
    [
      /^(?:GNUm|m|M)akefile$/,
      /^(?:test|tests|check)\s*:|\b(?:pytest|jest|vitest|mocha|ctest|(?:npm|go|cargo|bun) (?:run )?test)\b/,
    ],
    [
      /^(?:Cargo\.toml|pom\.xml|build\.gradle(?:\.kts)?)$/,
      /\btest\s*=\s*false|skipTests|exclude(?:s|TestsMatching)?\b/,
    ],
  ];
  const pattern = own.test(name) ? /./ : shared.find(([file]) => file.test(name))?.[1];
  const line = pattern && lines.find((entry) => pattern.test(entry.text));
  if (kind === "deleted" && own.test(name)) return [{ path, kind: "settings", detail: `${path} was deleted` }];
  if (!line) return [];
  const detail = `${path}:${line.line} changes which tests run: ${line.text.trim().slice(0, 100)}`;
  return [{ path, kind: "settings", detail, location: `${path}:${line.line}` }];
}
