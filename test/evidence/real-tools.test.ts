import { afterEach, describe, expect, test } from "bun:test";
import type { CheckResult } from "../../src/contracts/evidence.ts";
import { BUN, has, openPlace, type Place } from "./workspace.ts";

/** Small projects with one test that passes, one that fails and one that is skipped, run by their own tools. */

let place: Place | undefined;
afterEach(() => place?.remove());

async function runFirst(files: Record<string, string>, options = {}): Promise<CheckResult> {
  place = await openPlace(files, options);
  const [check] = await place.discover();
  expect(check).toBeDefined();
  return place.run(check!);
}

/** True where python3 has a module. */
function hasModule(name: string): boolean {
  return has("python3") && Bun.spawnSync(["python3", "-c", `import ${name}`]).success;
}

function summary(result: CheckResult) {
  const { status, counts, failures, passed } = result;
  return { status, counts, failures: failures.map(({ name, location }) => `${name} @ ${location}`), passed };
}

const bunTest = `import { expect, test } from "bun:test";
test("adds", () => expect(1 + 1).toBe(2));
test("adds negative", () => {
  expect(1 - 1).toBe(2);
});
test.skip("later", () => {});
`;

describe("bun test", () => {
  test("is found by what the test files import, counted and located", async () => {
    const result = await runFirst({ "math.test.ts": bunTest }, { bunPath: BUN });
    expect(result.check.command).toBe(`'${BUN}' test`);
    expect(summary(result)).toEqual({
      status: "failed",
      counts: { passed: 1, failed: 1, skipped: 1 },
      failures: ["math.test.ts > adds negative @ math.test.ts:4"],
      passed: ["math.test.ts > adds"],
    });
    expect(result.failures[0]!.message).toContain("Expected: 2");
    expect(Buffer.byteLength(result.output)).toBeLessThanOrEqual(4096);
  });

  test("a test file without a test is no pass", async () => {
    const result = await runFirst({ "a.test.ts": 'import "bun:test";\n' }, { bunPath: BUN });
    expect(result.status).toBe("empty");
    expect(result.output).toStartWith("no test ran");
  });

  test("a test file that cannot be loaded is a failure", async () => {
    const files = { "a.test.ts": 'import { test } from "bun:test";\nimport "./missing.ts";\ntest("a", () => {});\n' };
    const result = await runFirst(files, { bunPath: BUN });
    expect(summary(result)).toMatchObject({ status: "failed", counts: { passed: 0, failed: 1, skipped: 0 } });
    expect(result.failures[0]!.name).toBe("a.test.ts > unhandled error");
  });
});

const nodeTest = `const test = require("node:test");
const assert = require("node:assert");
test("adds", () => assert.equal(1 + 1, 2));
test.describe("numbers", () => {
  test.it("adds negative", () => assert.equal(1 - 1, 2));
});
test("later", { skip: true }, () => {});
`;
const nodeSummary = {
  status: "failed",
  counts: { passed: 1, failed: 1, skipped: 1 },
  failures: ["numbers > adds negative @ test/math.test.js:5"],
  passed: ["adds"],
};

describe.skipIf(!has("node"))("node --test", () => {
  test("is found by what the test files import", async () => {
    const result = await runFirst({ "test/math.test.js": nodeTest });
    expect(result.check.command).toBe("node --test");
    expect(summary(result) as object).toEqual(nodeSummary);
  });

  test.skipIf(!has("npm"))("is read through npm, in its other reporter too", async () => {
    const scripts = { test: "node --test --test-reporter=spec" };
    const result = await runFirst({ "test/math.test.js": nodeTest, "package.json": JSON.stringify({ scripts }) });
    expect(result.check).toMatchObject({ id: "test:npm test", source: "package.json scripts.test" });
    expect(summary(result) as object).toEqual(nodeSummary);
  });

  test.skipIf(!has("npm"))("a script whose program is not installed is not measured, and no failure", async () => {
    const result = await runFirst({ "package.json": JSON.stringify({ scripts: { test: "no-such-runner" } }) });
    expect(result).toMatchObject({ status: "unavailable", exitCode: 127, failures: [] });
    expect(result.output).toStartWith("not measured: no-such-runner is not installed");
  });

  test.skipIf(!has("npm"))("a script that hides the runner's failure is a failure all the same", async () => {
    const scripts = { test: "node --test; node clean.js" };
    const files = { "test/math.test.js": nodeTest, "clean.js": "", "package.json": JSON.stringify({ scripts }) };
    const result = await runFirst(files);
    expect(result).toMatchObject({ status: "failed", exitCode: 0, counts: { failed: 1 } });
  });
});

describe.skipIf(!has("python3"))("python", () => {
  const unittestFile = `import unittest

class MathTest(unittest.TestCase):
    def test_adds(self):
        """Adds."""
        self.assertEqual(1 + 1, 2)

    def test_negative(self):
        self.assertEqual(1 - 1, 2)

    @unittest.skip("later")
    def test_later(self):
        pass
`;

  test("unittest in a plain folder of tests", async () => {
    const result = await runFirst({ "tests/test_math.py": unittestFile, "math_lib.py": "" });
    expect(result.check.command).toBe("python3 -m unittest discover -v -s tests");
    expect(summary(result)).toEqual({
      status: "failed",
      counts: { passed: 1, failed: 1, skipped: 1 },
      failures: ["test_math.MathTest.test_negative @ tests/test_math.py:9"],
      passed: ["test_math.MathTest.test_adds"],
    });
  });

  test("unittest in a package of tests, and nothing compiled is left behind", async () => {
    const files = { "tests/__init__.py": "", "tests/unit/__init__.py": "", "tests/unit/test_math.py": unittestFile };
    const result = await runFirst(files);
    expect(result.check.command).toBe("python3 -m unittest discover -v -s tests/unit -t .");
    expect(result.failures.map((failure) => failure.name)).toEqual(["tests.unit.test_math.MathTest.test_negative"]);
    expect([...new Bun.Glob("**/__pycache__").scanSync({ cwd: place!.dir, onlyFiles: false })]).toEqual([]);
  });

  test.skipIf(!hasModule("pytest"))(
    "pytest, with parameters, fixtures and a file that cannot be imported",
    async () => {
      const result = await runFirst({
        "test_math.py": `import pytest

def test_adds():
    assert 1 + 1 == 2

class TestNumbers:
    @pytest.mark.parametrize("value", ["a - b", "a"])
    def test_value(self, value):
        assert value == "a"

@pytest.mark.skip
def test_later():
    pass
`,
        "test_broken.py": "import no_such_module\n",
      });
      expect(result.check.command).toBe("python3 -m pytest");
      expect(summary(result)).toEqual({
        status: "failed",
        counts: { passed: 2, failed: 2, skipped: 1 },
        failures: [
          "test_math.py::TestNumbers::test_value[a - b] @ test_math.py:9",
          "test_broken.py @ test_broken.py:1",
        ],
        passed: ["test_math.py::test_adds", "test_math.py::TestNumbers::test_value[a]"],
      });
    },
  );

  test("a checker that is configured but not installed is not measured", async () => {
    place = await openPlace({ "mypy.ini": "[mypy]\n", "a.py": "", "no_such_checker.py": "" });
    const check = { ...(await place.discover())[0]!, command: "python3 -m openkoi_no_such_checker ." };
    expect(await place.run(check)).toMatchObject({ status: "unavailable", failures: [] });
  });
});

describe.skipIf(!has("go"))("go test", () => {
  const files = {
    "go.mod": "module example.com/math\n\ngo 1.20\n",
    "sub/math_test.go": `package sub

import "testing"

func TestAdds(t *testing.T) {}
func TestNegative(t *testing.T) {
	t.Run("of one", func(t *testing.T) { t.Errorf("got %d", 0) })
	t.Run("of two", func(t *testing.T) {})
}
func TestLater(t *testing.T) { t.Skip("later") }
`,
  };
  const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" };

  test("is read as JSON, and places are found below the module's path", async () => {
    const result = await runFirst(files, { env });
    expect(summary(result)).toEqual({
      status: "failed",
      counts: { passed: 2, failed: 1, skipped: 1 },
      failures: ["example.com/math/sub TestNegative/of_one @ sub/math_test.go:7"],
      passed: ["example.com/math/sub TestAdds", "example.com/math/sub TestNegative/of_two"],
    });
  });

  test("a package that does not build is a failure with its place", async () => {
    const result = await runFirst({ ...files, "sub/math.go": "package sub\n\nvar x int = nothing\n" }, { env });
    expect(summary(result)).toMatchObject({ status: "failed", failures: ["example.com/math/sub @ sub/math.go:3"] });
  });

  test("a module without tests is no pass", async () => {
    const result = await runFirst({ "go.mod": files["go.mod"], "math.go": "package math\n" }, { env });
    expect(result.status).toBe("empty");
  });
});

describe.skipIf(!has("cargo"))("cargo test", () => {
  const manifest = '[package]\nname = "math"\nversion = "0.1.0"\nedition = "2021"\n';

  test("is counted over all targets", async () => {
    const result = await runFirst({
      "Cargo.toml": manifest,
      "src/lib.rs": `#[test]
fn adds() { assert_eq!(1 + 1, 2); }
#[test]
fn negative() {
    assert_eq!(1 - 1, 2);
}
#[test]
#[ignore]
fn later() {}
`,
    });
    expect(summary(result)).toEqual({
      status: "failed",
      counts: { passed: 1, failed: 1, skipped: 1 },
      failures: ["math::negative @ src/lib.rs:5"],
      passed: ["math::adds"],
    });
  });

  test("code that does not compile fails with the compiler's places", async () => {
    const result = await runFirst({ "Cargo.toml": manifest, "src/lib.rs": '\npub fn f() -> i32 { "a" }\n' });
    expect(summary(result)).toMatchObject({
      status: "failed",
      failures: ["src/lib.rs E0308 mismatched types @ src/lib.rs:2"],
    });
  });
});

describe.skipIf(!has("make"))("make test", () => {
  test("passes and fails by its exit code", async () => {
    const result = await runFirst({ Makefile: "test:\n\ttest -f done\n" });
    expect(result).toMatchObject({ status: "failed", failures: [], check: { command: "make test" } });
    place!.write({ done: "" });
    expect(await place!.run(result.check)).toMatchObject({ status: "passed", exitCode: 0 });
  });

  test("a recipe whose program is missing is not measured", async () => {
    const result = await runFirst({ Makefile: "test:\n\tno-such-runner --all\n" });
    expect(result.status).toBe("unavailable");
    expect(result.output).toContain("no-such-runner is not installed");
  });

  test("a compiler's complaints become failures with places", async () => {
    const files = { Makefile: "test:\n\t@echo 'main.c:4:11: error: expected something'; exit 1\n", "main.c": "" };
    const result = await runFirst(files);
    expect(result.failures).toEqual([
      { name: "main.c expected something", location: "main.c:4", message: "expected something" },
    ]);
  });
});

describe.skipIf(!has("ctest") || !has("cmake"))("ctest", () => {
  test("is built outside of the workspace and read by name", async () => {
    const result = await runFirst({
      "CMakeLists.txt": `cmake_minimum_required(VERSION 3.20)
project(math NONE)
enable_testing()
add_test(NAME adds COMMAND true)
add_test(NAME "adds negative" COMMAND false)
`,
    });
    expect(summary(result)).toMatchObject({
      status: "failed",
      counts: { passed: 1, failed: 1, skipped: 0 },
      failures: ["adds negative @ undefined"],
      passed: ["adds"],
    });
    expect([...new Bun.Glob("*").scanSync({ cwd: place!.dir, onlyFiles: false })]).toEqual(["CMakeLists.txt"]);
  });
});

describe.skipIf(!has("perl"))("a program that speaks TAP", () => {
  test("is read whatever started it", async () => {
    place = await openPlace(
      { "a.pl": 'print "1..3\\nok 1 - adds\\nnot ok 2 - negative\\nok 3 - later # SKIP\\n"; exit 1;' },
      { checks: ["perl a.pl"] },
    );
    const [check] = await place.discover();
    expect(summary(await place.run(check!))).toMatchObject({
      status: "failed",
      counts: { passed: 1, failed: 1, skipped: 1 },
      passed: ["adds"],
    });
  });
});
