import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { explainFailure, type Held } from "../../src/exec/explain.ts";

const held: Held = {
  cwd: "/work/app",
  writable: ["/work/app", "/tmp"],
  hidden: ["/home/me/.ssh"],
  network: "loopback",
};

describe("a command that failed in the sandbox", () => {
  test("is told which path is outside, and how to allow it", () => {
    const [note] = explainFailure("touch: cannot touch '/etc/motd': Read-only file system\n", held);
    expect(note).toContain("/etc/motd");
    expect(note).toContain("--add-dir");
    expect(explainFailure("Error: EROFS: read-only file system, open '../other/x.txt'", held)[0]).toContain(
      "/work/other/x.txt",
    );
  });

  test("is not told of the shell that says it, but of the path that it says it about", () => {
    for (const shell of ["/usr/bin/bash: line 1:", "/bin/sh: 1: cannot create"]) {
      const notes = explainFailure(`${shell} /root/.bashrc: Read-only file system\n`, held);
      expect(notes).toEqual([expect.stringContaining("/root/.bashrc is outside the workspace")]);
    }
  });

  test("is told what is hidden and what is protected", () => {
    expect(explainFailure("cat: /home/me/.ssh/id_rsa: Permission denied", held)[0]).toContain("hidden");
    expect(explainFailure("cat: /home/me/.ssh/id_rsa: No such file or directory", held)[0]).toContain("hidden");
    expect(explainFailure("cat: /work/app/nothing: No such file or directory", held)).toEqual([]);
    const git = "error: could not lock config file /work/app/.git/config: Read-only file system";
    expect(explainFailure(git, held)[0]).toContain("protected");
  });

  test("is told why the network is not there", () => {
    expect(explainFailure("curl: (6) Could not resolve host: example.com", held)[0]).toContain('network = "loopback"');
    expect(explainFailure("curl: (6) Could not resolve host: example.com", { ...held, network: "all" })).toEqual([]);
  });

  test("is left alone where nothing points at the sandbox", () => {
    expect(explainFailure("cat: /proc/1/environ: Permission denied", held)).toEqual([]);
    expect(explainFailure("AssertionError: expected 1 to be 2\n    at /work/app/x.js:3", held)).toEqual([]);
    expect(explainFailure("chmod: /work/app/run.sh: Permission denied", held)).toEqual([]);
  });

  test("gets at most three notes, whatever was printed", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const output = lines.map((line) => `x: '/${line}': Permission denied`).join("\n");
        expect(explainFailure(output, held).length).toBeLessThanOrEqual(3);
      }),
    );
  });
});
