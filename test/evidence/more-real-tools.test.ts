import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { readEnv } from "../../src/base/env.ts";
import type { CheckResult } from "../../src/contracts/evidence.ts";
import { has, openPlace, type Place } from "./workspace.ts";

/** Tools that a machine often lacks (Debian has them all): one test passes, one fails, one is skipped. */

let place: Place | undefined;
afterEach(() => place?.remove());

/** A runner of the JVM takes its time. */
const PATIENCE = 120_000;

async function runFirst(files: Record<string, string>, command: string): Promise<CheckResult> {
  place = await openPlace(files);
  const [check] = await place.discover();
  expect(check?.command).toBe(command);
  return place.run(check!);
}

function summary({ status, counts, failures }: CheckResult) {
  return { status, counts, failures: failures.map(({ name, location }) => `${name} @ ${location}`) };
}

const mixed = { passed: 1, failed: 1, skipped: 1 };

describe.skipIf(!has("rspec"))("rspec", () => {
  test("is found by its settings, counted and located", async () => {
    const result = await runFirst(
      {
        ".rspec": "--require ./spec/spec_helper\n",
        "spec/spec_helper.rb": "",
        "spec/math_spec.rb": `RSpec.describe "math" do
  it("adds") { expect(1 + 1).to eq(2) }
  it "adds negative" do
    expect(1 - 1).to eq(2)
  end
  xit("later") { }
end
`,
      },
      "rspec",
    );
    expect(summary(result)).toEqual({
      status: "failed",
      counts: mixed,
      failures: ["math adds negative @ spec/math_spec.rb:3"],
    });
  });
});

describe.skipIf(!has("phpunit"))("phpunit", () => {
  test("is the system's own where the project has none", async () => {
    const result = await runFirst(
      {
        "phpunit.xml":
          '<phpunit><testsuites><testsuite name="all"><directory>tests</directory></testsuite></testsuites></phpunit>\n',
        "tests/MathTest.php": `<?php
use PHPUnit\\Framework\\TestCase;
final class MathTest extends TestCase {
  public function testAdds(): void { $this->assertSame(2, 1 + 1); }
  public function testNegative(): void {
    $this->assertSame(2, 1 - 1);
  }
  public function testLater(): void { $this->markTestSkipped(); }
}
`,
      },
      "phpunit",
    );
    expect(summary(result)).toEqual({
      status: "failed",
      counts: mixed,
      failures: ["MathTest::testNegative @ tests/MathTest.php:6"],
    });
  });
});

describe.skipIf(!has("mix"))("mix test", () => {
  test(
    "is compiled, counted and located",
    async () => {
      const result = await runFirst(
        {
          "mix.exs": `defmodule Math.MixProject do
  use Mix.Project
  def project, do: [app: :math, version: "0.1.0"]
end
`,
          "lib/math.ex": "defmodule Math do\n  def add(a, b), do: a + b\nend\n",
          "test/test_helper.exs": "ExUnit.start()\n",
          "test/math_test.exs": `defmodule MathTest do
  use ExUnit.Case
  test "adds", do: assert Math.add(1, 1) == 2
  test "adds negative" do
    assert Math.add(1, -1) == 2
  end
  @tag :skip
  test "later", do: :ok
end
`,
        },
        "mix test",
      );
      expect(summary(result)).toEqual({
        status: "failed",
        counts: mixed,
        failures: ["test adds negative (MathTest) @ test/math_test.exs:4"],
      });
    },
    PATIENCE,
  );
});

const JAVA_TEST = `package shop;
import org.junit.*;
public class MathTest {
  @Test public void adds() { Assert.assertEquals(2, 1 + 1); }
  @Test public void negative() {
    Assert.assertEquals(2, 1 - 1);
  }
  @Ignore @Test public void later() { }
}
`;
const javaSummary: ReturnType<typeof summary> = {
  status: "failed",
  counts: mixed,
  failures: ["shop.MathTest.negative @ src/test/java/shop/MathTest.java:6"],
};
/** What every Maven build needs; it comes from the network once. */
const SUREFIRE = join(homedir(), ".m2/repository/org/apache/maven/plugins/maven-surefire-plugin");
const JUNIT = ["/usr/share/java/junit4.jar", "/usr/share/java/hamcrest-core.jar"];

describe.skipIf(!has("gradle") || !JUNIT.every((jar) => existsSync(jar)))("gradle test", () => {
  test(
    "is read from the JUnit files that it leaves",
    async () => {
      const result = await runFirst(
        {
          "build.gradle": `apply plugin: "java"
dependencies { testCompile files(${JUNIT.map((jar) => `"${jar}"`).join(", ")}) }
`,
          "src/test/java/shop/MathTest.java": JAVA_TEST,
        },
        "gradle --no-daemon --console=plain test",
      );
      expect(summary(result)).toEqual(javaSummary);
    },
    PATIENCE,
  );
});

describe.skipIf(!has("tox"))("tox", () => {
  test(
    "runs what its settings say, here in the system's own Python",
    async () => {
      const result = await runFirst(
        {
          // Its own environments need packages from the network.
          "tox.ini":
            "[tox]\nskipsdist = true\n[testenv:py3]\nskip_install = true\nwhitelist_externals = *\nallowlist_externals = *\ncommands = python3 {toxinidir}/checks.py\n",
          "checks.py": 'print("1..2\\nok 1 - adds\\nnot ok 2 - adds negative")\nraise SystemExit(1)\n',
        },
        "tox",
      );
      expect(result.status).toBe("failed");
      expect(result.output).toContain("not ok 2 - adds negative");
    },
    PATIENCE,
  );
});

describe.skipIf(!has("prove") || !has("make"))("prove", () => {
  test("behind a Makefile tells which file failed", async () => {
    const result = await runFirst(
      {
        Makefile: "test:\n\tprove -v t\n",
        "t/math.t":
          'use Test::More tests => 3;\nis(1 + 1, 2, "adds");\nis(1 - 1, 2, "adds negative");\nSKIP: { skip "later", 1; }\n',
      },
      "make test",
    );
    expect(summary(result)).toMatchObject({ status: "failed", counts: mixed });
    expect(result.failures.map(({ name }) => name)).toEqual(["adds negative"]);
  });
});

describe.skipIf(!has("mvn") || !existsSync(SUREFIRE))("maven, where it has fetched its plugins before", () => {
  test(
    "is read from the JUnit files that it leaves",
    async () => {
      const dependency =
        "<groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope>";
      const java = ["source", "target"].map((what) => `<maven.compiler.${what}>11</maven.compiler.${what}>`).join("");
      const result = await runFirst(
        {
          "pom.xml": `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>shop</groupId><artifactId>math</artifactId><version>1</version>
  <properties>${java}</properties>
  <dependencies><dependency>${dependency}</dependency></dependencies>
</project>
`,
          "src/test/java/shop/MathTest.java": JAVA_TEST,
        },
        "mvn -B test",
      );
      expect(summary(result)).toEqual(javaSummary);
    },
    PATIENCE,
  );
});

/** A folder in which npm has installed jest, vitest, mocha, pnpm and yarn (.ci/run does); without it they are not tried. */
const tools = readEnv()["OPENKOI_JS_TOOLS"] ?? "";
const jsTest = (prelude: string) => `${prelude}
it("adds", () => { if (1 + 1 !== 2) throw new Error("wrong"); });
it("adds negative", () => {
  throw new Error("it is 0");
});
it.skip("later", () => {});
`;

describe.skipIf(tools === "" || !existsSync(join(tools, "node_modules")))(
  "runners that npm supplies (OPENKOI_JS_TOOLS)",
  () => {
    const runners: [name: string, files: Record<string, string>, failure: string][] = [
      ["jest", { "math.test.js": jsTest("") }, "adds negative @ math.test.js:4"],
      ["vitest", { "math.test.js": jsTest('import { it } from "vitest";') }, "adds negative @ math.test.js:4"],
      ["mocha", { "test/math.js": jsTest("") }, "adds negative @ test/math.js:4"],
    ];
    for (const [name, files, place] of runners) {
      test(
        `${name} is counted and located`,
        async () => {
          const command = name === "vitest" ? "vitest run" : name;
          const result = await inTools({ ...files, "package.json": JSON.stringify({ scripts: { test: command } }) });
          const { failures, ...rest } = summary(result);
          expect(rest).toEqual({ status: "failed", counts: mixed });
          expect(failures.map((failure) => failure.replace(/^.*(?=adds negative)/, ""))).toEqual([place]);
        },
        PATIENCE,
      );
    }

    for (const [manager, lock] of [
      ["pnpm", "pnpm-lock.yaml"],
      ["yarn", "yarn.lock"],
    ] as const) {
      test(
        `${manager} runs the script of a project with its lock file`,
        async () => {
          const manifest = JSON.stringify({ scripts: { test: "mocha" } });
          const result = await inTools({ "package.json": manifest, [lock]: "", "test/math.js": jsTest("") });
          expect(result.check.command).toBe(`${manager} test`);
          expect(summary(result)).toMatchObject({ status: "failed", counts: mixed });
        },
        PATIENCE,
      );
    }

    async function inTools(files: Record<string, string>): Promise<CheckResult> {
      place = await openPlace(files, { env: { PATH: `${join(tools, "node_modules/.bin")}:${readEnv()["PATH"]}` } });
      symlinkSync(join(tools, "node_modules"), join(place.dir, "node_modules"));
      const [check] = await place.discover();
      return place.run(check!);
    }
  },
);
