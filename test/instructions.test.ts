import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { instructions } from "../src/instructions.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-instructions-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

let warnings: string[];
const read = (folder: string) => {
  warnings = [];
  return instructions(join(root, folder), { home: join(root, "home") }, (message) => void warnings.push(message));
};

describe("project instructions", () => {
  test("go from the global file down to the folder, nearest last", async () => {
    write({
      "home/AGENTS.md": "global",
      "repo/.git/HEAD": "",
      "repo/AGENTS.md": "root",
      "repo/pkg/AGENTS.md": "package",
      "AGENTS.md": "outside the repository",
    });
    const text = (await read("repo/pkg"))!;
    expect(text).not.toContain("outside");
    expect([..."global root package".split(" ")].map((word) => text.indexOf(word))).toEqual(
      [..."global root package".split(" ")].map((word) => text.indexOf(word)).sort((a, b) => a - b),
    );
    expect(text).toContain("# pkg/AGENTS.md\npackage");
  });

  test("AGENTS.override.md replaces AGENTS.md, and CLAUDE.md counts where there is neither", async () => {
    write({
      "repo/.git/HEAD": "",
      "repo/AGENTS.override.md": "mine",
      "repo/AGENTS.md": "theirs",
      "repo/a/CLAUDE.md": "claude",
    });
    expect(await read("repo/a")).toBe("# AGENTS.override.md\nmine\n\n# a/CLAUDE.md\nclaude");
  });

  test("are cut at 32 KiB in all, never inside a character, and say so", async () => {
    write({ "repo/AGENTS.md": "é".repeat(20_000) });
    const text = (await read("repo"))!;
    expect(text).toContain("32 KiB");
    expect(text).not.toContain("\uFFFD");
    expect(Buffer.byteLength(text)).toBeLessThan(33_000);
  });

  test("are not followed out of the repository, where a link could name any file of the user's", async () => {
    write({ "repo/.git/HEAD": "", "secret/key": "of the user", "repo/CONTRIBUTING.md": "inside", "home/x": "" });
    symlinkSync(join(root, "secret/key"), join(root, "repo/AGENTS.md"));
    symlinkSync(join(root, "secret/key"), join(root, "home/AGENTS.md"));
    expect(await read("repo")).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("leads out of"), expect.stringContaining("leads out of")]);
    rmSync(join(root, "repo/AGENTS.md"));
    symlinkSync("CONTRIBUTING.md", join(root, "repo/AGENTS.md"));
    expect(await read("repo")).toContain("inside");
  });

  test("are no folder of that name: a warning, and the task goes on", async () => {
    write({ "repo/.git/HEAD": "", "repo/AGENTS.md/x": "" });
    expect(await read("repo")).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("AGENTS.md is not read")]);
  });

  test("are nothing where there are none", async () => {
    write({ "repo/x": "" });
    expect(await read("repo")).toBeUndefined();
  });
});
