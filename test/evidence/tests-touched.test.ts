import { describe, expect, test } from "bun:test";
import { isTestFile } from "../../src/base/file-kinds.ts";
import type { FileChange } from "../../src/contracts/workspace.ts";
import { testsTouched } from "../../src/evidence/tests-touched.ts";

/** A diff of one hunk that begins at line 10. */
function diff(path: string, ...lines: string[]): string {
  const removed = lines.filter((line) => !line.startsWith("+")).length;
  const added = lines.filter((line) => !line.startsWith("-")).length;
  return [`--- a/${path}`, `+++ b/${path}`, `@@ -10,${removed} +10,${added} @@`, ...lines, ""].join("\n");
}

function touched(path: string, kind: FileChange["kind"], ...lines: string[]) {
  return testsTouched({ changes: [{ path, kind }], text: lines.length > 0 ? diff(path, ...lines) : "" }).map(
    (touch) => `${touch.kind} ${touch.location ?? touch.path}`,
  );
}

describe("tests that the task touched", () => {
  test("a deleted test file is told", () => {
    expect(touched("test/a.test.ts", "deleted")).toEqual(["deleted test/a.test.ts"]);
  });

  test("a new test file is nothing to tell, unless it is switched off", () => {
    expect(touched("a.test.ts", "created", "+test('a', () => {});")).toEqual([]);
    expect(touched("a.test.ts", "created", "+test.skip('a', () => {});")).toEqual(["skipped a.test.ts:10"]);
  });

  test("an edited one is told as changed", () => {
    expect(touched("a.test.ts", "changed", "-  expect(a).toBe(1);", "+  expect(a).toBe(2);")).toEqual([
      "changed a.test.ts",
    ]);
    expect(touched("a.test.ts", "changed")).toEqual(["changed a.test.ts"]);
  });

  const skips: [path: string, line: string][] = [
    ["a.test.ts", "  it.skip('x', () => {"],
    ["a.test.ts", "xdescribe('x', () => {"],
    ["a.test.js", "test('x', { skip: true }, () => {"],
    ["test_a.py", "    @unittest.skip('later')"],
    ["test_a.py", "@pytest.mark.xfail"],
    ["a_test.go", '\tt.Skip("later")'],
    ["tests/a.rs", "    #[ignore]"],
    ["src/test/java/ATest.java", "    @Disabled"],
    ["ATests.cs", '    [Fact(Skip = "later")]'],
    ["tests/ATest.php", "        $this->markTestSkipped('later');"],
    ["test/a_test.exs", "  @tag :skip"],
  ];
  for (const [path, line] of skips) {
    test(`switched off in ${path}: ${line.trim()}`, () => {
      expect(touched(path, "changed", " context", `+${line}`)).toEqual([`skipped ${path}:11`]);
    });
  }

  test("a skip that only moved is not told", () => {
    expect(touched("a.test.ts", "changed", "-it.skip('x');", " a", "+it.skip('x');")).toEqual(["changed a.test.ts"]);
  });

  test("`.only` switches off all the others", () => {
    expect(touched("a.test.ts", "changed", "-it('x');", "+it.only('x');")).toContain("focused a.test.ts:10");
  });

  test("fewer tests and fewer assertions are told with their number", () => {
    const path = "test_a.py";
    const text = diff(
      path,
      "-    def test_one(self):",
      "-        self.assertEqual(1, 1)",
      "-        assert x",
      "+        pass",
    );
    expect(testsTouched({ changes: [{ path, kind: "changed" }], text }).map((touch) => touch.detail)).toEqual([
      "test_a.py has 1 fewer test",
      "test_a.py has 2 fewer assertions",
    ]);
  });

  test("settings that say which tests run are told, other lines of the same file are not", () => {
    expect(touched("package.json", "changed", '-    "test": "mocha",', '+    "test": "true",')).toEqual([
      "settings package.json:10",
    ]);
    expect(touched("package.json", "changed", '+    "version": "2.0.0",')).toEqual([]);
    expect(touched("pytest.ini", "changed", "+addopts = --deselect a")).toEqual(["settings pytest.ini:10"]);
    expect(touched("jest.config.js", "deleted")).toEqual(["settings jest.config.js"]);
    expect(touched("src/a.ts", "changed", "+assert(true)")).toEqual([]);
  });

  test("lines that look like headings of a diff do not confuse it", () => {
    const path = "a.test.ts";
    const text = diff(path, "--- a/b.test.ts", "+++ b/b.test.ts", "+it.skip('x');");
    expect(testsTouched({ changes: [{ path, kind: "changed" }], text }).map((touch) => touch.location)).toEqual([
      "a.test.ts:11",
    ]);
  });

  test("several files in one diff are told apart", () => {
    const text = diff("a.test.ts", "+it.skip('x');") + diff("b.test.ts", "+it('y');");
    const changes = ["a.test.ts", "b.test.ts"].map((path) => ({ path, kind: "changed" as const }));
    expect(testsTouched({ changes, text }).map((touch) => `${touch.kind} ${touch.path}`)).toEqual([
      "skipped a.test.ts",
      "changed b.test.ts",
    ]);
  });

  test("what is a test file is known by the language's conventions", () => {
    const yes = [
      "a.spec.tsx",
      "src/__tests__/a.js",
      "tests/helper.py",
      "conftest.py",
      "x_test.go",
      "FooTest.java",
      "t/a.t",
    ];
    const no = ["src/a.ts", "contest.py", "latest.js", "tests/README.md", "src/testing.ts", "attest_py.py"];
    for (const path of yes) expect([path, isTestFile(path)]).toEqual([path, true]);
    for (const path of no) expect([path, isTestFile(path)]).toEqual([path, false]);
  });
});
