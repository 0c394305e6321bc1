import { afterEach, describe, expect, test } from "bun:test";
import type { Exec } from "../../src/contracts/exec.ts";
import { createEvidence } from "../../src/evidence/index.ts";
import { openPlace, type Place, proof } from "./workspace.ts";

let place: Place | undefined;
afterEach(() => place?.remove());

async function runProof(command: string, files: Record<string, string> = {}, timeoutMs?: number) {
  place = await openPlace(files);
  return place.run(proof(place.dir, command, timeoutMs));
}

describe("running a check", () => {
  test("the exit code decides where the output is unknown", async () => {
    expect(await runProof("test -f a", { a: "" })).toMatchObject({ status: "passed", exitCode: 0, failures: [] });
    expect(await place!.run(proof(place!.dir, "test -f b"))).toMatchObject({
      status: "failed",
      exitCode: 1,
      failures: [],
    });
  });

  test("a program that does not exist is not measured, a file of the project that does not exist is a failure", async () => {
    const missing = await runProof("no-such-program --x");
    expect(missing).toMatchObject({ status: "unavailable", exitCode: 127 });
    expect(missing.output).toStartWith("not measured: no-such-program is not installed");
    expect(await place!.run(proof(place!.dir, "./no-such-file"))).toMatchObject({ status: "failed", exitCode: 127 });
  });

  test("what hangs is ended and says so", async () => {
    const result = await runProof("echo begun; sleep 600", {}, 300);
    expect(result.status).toBe("timeout");
    expect(result.output).toContain("begun");
  });

  test("a crash names the signal", async () => {
    const result = await runProof("kill -SEGV $$");
    expect(result).toMatchObject({ status: "failed", exitCode: null });
    expect(result.output).toStartWith("ended by SIGSEGV");
  });

  test("a folder that is gone is not measured", async () => {
    place = await openPlace({});
    const result = await place.run({ ...proof(place.dir, "true"), cwd: `${place.dir}/gone` });
    expect(result).toMatchObject({ status: "unavailable", exitCode: null });
  });

  test("of long output the end is kept, in whole characters and lines", async () => {
    const result = await runProof('for i in $(seq 5000); do echo "ä€😀 line $i"; done; exit 1');
    expect(Buffer.byteLength(result.output)).toBeLessThanOrEqual(4096);
    expect(result.output).toEndWith("line 5000");
    expect(result.output).toMatch(/^…ä€😀 line \d+\n/);
  });

  test("colours are left out", async () => {
    expect((await runProof("printf '\\033[31mred\\033[0m\\n'")).output).toBe("red");
  });

  test("the output is handed on as it comes", async () => {
    place = await openPlace({});
    let seen = "";
    await place.evidence.run(proof(place.dir, "echo a; echo b"), new AbortController().signal, (chunk) => {
      seen += chunk;
    });
    expect(seen).toBe("a\nb\n");
  });

  test("an abort is thrown on", async () => {
    place = await openPlace({});
    const controller = new AbortController();
    const running = place.evidence.run(proof(place.dir, "echo ready; sleep 600"), controller.signal, () =>
      controller.abort(new Error("stopped by the user")),
    );
    expect(running).rejects.toThrow("stopped by the user");
    await running.catch(() => {});
  });

  test("checks find CI and what they were given in their environment", async () => {
    place = await openPlace({}, { env: { OPENKOI_BUN: "/x/bun" } });
    expect((await place.run(proof(place.dir, 'echo "$CI $NO_COLOR $OPENKOI_BUN"'))).output).toBe("true 1 /x/bun");
  });

  test("a static check without tests is no empty suite", async () => {
    place = await openPlace({});
    const check = { ...proof(place.dir, "echo 'TAP version 13'; echo 1..0"), kind: "static" as const };
    expect((await place.run(check)).status).toBe("passed");
    expect((await place.run({ ...check, kind: "test" })).status).toBe("empty");
  });

  test("names are unique, relative to the workspace, and without line numbers", async () => {
    place = await openPlace({ "src/a.py": "" });
    const line = (number: number) => `echo "${place!.dir}/src/a.py:${number}:1: E711 comparison to None"`;
    const result = await place.run(proof(place.dir, `${line(3)}; ${line(9)}; exit 1`));
    expect(result.failures.map(({ name, location }) => [name, location])).toEqual([
      ["src/a.py E711 comparison to None", "src/a.py:3"],
      ["src/a.py E711 comparison to None (2)", "src/a.py:9"],
    ]);
  });

  test("missing packages are not the project's failure", async () => {
    for (const output of [
      'npm error Missing script: "test"',
      "make: *** No rule to make target 'test'.  Stop.",
      "/usr/bin/python3: No module named pytest",
      "error: no such command: `nextest`",
      'go: example.com/x@v1.0.0: Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org: no such host',
      "[ERROR] Non-resolvable parent POM for a:b:1",
    ]) {
      const result = await runProof(`cat log; exit 1`, { log: `${output}\n` });
      expect(result.status).toBe("unavailable");
      place!.remove();
    }
  });

  test("JUnit files that the run has written are read, old ones are not", async () => {
    const suite = (name: string) =>
      `<testsuite><testcase classname="com.x.AppTest" name="${name}"><failure message="m">at com.x.AppTest.${name}(AppTest.java:7)</failure></testcase></testsuite>`;
    place = await openPlace({
      "pom.xml": "",
      "src/test/java/com/x/AppTest.java": "",
      "target/surefire-reports/TEST-old.xml": suite("old"),
      "new.xml": suite("fresh"),
    });
    const result = await place.run(proof(place.dir, "cp new.xml target/surefire-reports/TEST-new.xml; exit 1"));
    expect(result.counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(result.failures).toEqual([
      { name: "com.x.AppTest.fresh", location: "src/test/java/com/x/AppTest.java:7", message: "m" },
    ]);
  });
});

test("a proof equal to a discovered check is that check, whatever was asked first", async () => {
  place = await openPlace({ Makefile: "test:\n\t./run\n" });
  expect(place.evidence.proofs(["make test"]).checks[0]!.id).toBe("proof:make test");
  await place.discover();
  expect(place.evidence.proofs(["make test"]).checks[0]!.id).toBe("test:make test");
});

test("a shell that cannot be started measures nothing", async () => {
  const exec = {
    shell: (line: string) => ["sh", "-c", line],
    run: () => Promise.reject(new Error("no processes left")),
  } as unknown as Exec;
  const evidence = createEvidence({ workspace: "/", exec, config: { checks: [] } });
  const result = await evidence.run(proof("/", "true"), new AbortController().signal, () => {});
  expect(result).toMatchObject({ status: "unavailable", output: "not measured: no processes left" });
});
