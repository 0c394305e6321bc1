import { describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { checkStillThere, openPlace, resolvePath } from "../../src/tools/paths.ts";
import { hashOf } from "../../src/tools/pieces.ts";
import { replaceFile } from "../../src/tools/replace.ts";
import { createSeenFiles } from "../../src/tools/seen.ts";
import { openTask, type TestTask } from "./task.ts";

/** A task with a secret outside and every way to it that can be made beforehand. */
async function attacked(): Promise<TestTask> {
  const task = await openTask();
  writeFileSync(join(task.outside, "secret"), "top secret\n");
  symlinkSync(join(task.outside, "secret"), join(task.workspace, "file-link"));
  symlinkSync(task.outside, join(task.workspace, "folder-link"));
  symlinkSync("../outside", join(task.workspace, "relative-link"));
  symlinkSync("folder-link", join(task.workspace, "link-to-link"));
  symlinkSync(join(task.outside, "new"), join(task.workspace, "dangling"));
  symlinkSync("/", join(task.workspace, "root-link"));
  symlinkSync("circle-b", join(task.workspace, "circle-a"));
  symlinkSync("circle-a", join(task.workspace, "circle-b"));
  mkdirSync(`${task.workspace}-sibling`);
  writeFileSync(`${task.workspace}-sibling/secret`, "top secret\n");
  return task;
}

describe("a path that leads out of the workspace", () => {
  const ways = (task: TestTask) => [
    "../outside/secret",
    "a/../../outside/secret",
    "./../outside/secret",
    `${task.outside}/secret`,
    `${task.workspace}/../outside/secret`,
    `${task.workspace}-sibling/secret`,
    "file-link",
    "folder-link/secret",
    "relative-link/secret",
    "link-to-link/secret",
    `root-link${task.outside}/secret`,
    `/proc/self/root${task.outside}/secret`,
    `/proc/self/cwd/../../../../../../../../${task.outside}/secret`,
    `//${task.outside}/secret`,
    "/etc/passwd",
    "/dev/null",
    "~/secret",
    "~",
  ];

  test("is refused for reading, by name and through links", async () => {
    await using task = await attacked();
    for (const path of ways(task)) {
      const text = await task.fails("read", { path });
      expect(text).toContain("outside the workspace");
      expect(text).not.toContain("top secret");
    }
  });

  test("is refused for searching", async () => {
    await using task = await attacked();
    for (const path of [...ways(task), task.outside, "folder-link", "..", "/"]) {
      expect(await task.fails("grep", { pattern: "secret", path })).toContain("outside the workspace");
      expect(await task.fails("glob", { pattern: "**", path })).toContain("outside the workspace");
    }
    expect(await task.fails("glob", { pattern: "../**" })).toContain("..");
    expect(await task.fails("glob", { pattern: `${task.outside}/*` })).toContain("outside");
    expect(await task.fails("grep", { pattern: "top secret" })).toContain("No file was searched");
  });

  test("is refused for writing, and nothing changes there", async () => {
    await using task = await attacked();
    for (const path of [...ways(task), "folder-link/new", "../outside/new", "root-link/tmp/new"]) {
      expect(await task.fails("write", { path, content: "changed" })).toContain("outside the workspace");
      expect(await task.fails("edit", { path, old: "top", new: "no" })).toContain("outside the workspace");
    }
    expect(readFileSync(join(task.outside, "secret"), "utf8")).toBe("top secret\n");
    expect(existsSync(join(task.outside, "new"))).toBe(false);
  });

  test("a link that leads nowhere is not written through", async () => {
    await using task = await attacked();
    expect(await task.fails("write", { path: "dangling", content: "x" })).toContain("does not exist");
    expect(await task.fails("write", { path: "dangling/a", content: "x" })).toContain("does not exist");
    expect(existsSync(join(task.outside, "new"))).toBe(false);
  });

  test("links in a circle, zero bytes and files used as folders are said", async () => {
    await using task = await attacked();
    task.put("file", "x");
    expect(await task.fails("read", { path: "circle-a" })).toContain("circle");
    expect(await task.fails("read", { path: "a\0b" })).toContain("zero byte");
    expect(await task.fails("write", { path: "file/below", content: "x" })).toContain("is not a folder");
    expect(await task.fails("read", { path: "" })).toContain("empty");
  });

  test("a link inside the workspace to a file inside it works, and stays a link", async () => {
    await using task = await openTask();
    task.put("real", "one\n");
    symlinkSync("real", join(task.workspace, "link"));
    await task.ok("edit", { path: "link", old: "one", new: "two" });
    expect(task.get("real")).toBe("two\n");
    expect(task.get("link")).toBe("two\n");
  });

  test("replacing a hard link does not change the file outside", async () => {
    await using task = await attacked();
    linkSync(join(task.outside, "secret"), join(task.workspace, "hard"));
    await task.ok("edit", { path: "hard", old: "top", new: "no" });
    expect(task.get("hard")).toBe("no secret\n");
    expect(readFileSync(join(task.outside, "secret"), "utf8")).toBe("top secret\n");
  });

  test("an added folder may be used by its whole path", async () => {
    await using first = await openTask();
    await using task = await openTask({ addDirs: [first.outside] });
    await task.ok("write", { path: join(first.outside, "x/y"), content: "1\n" });
    expect(await task.ok("read", { path: join(first.outside, "x/y") })).toBe("1\t1");
  });

  test("what steers git and this program is not written, however its name is spelled", async () => {
    await using task = await openTask();
    task.put(".git/config", "[core]\n");
    for (const path of [".git/hooks/pre-commit", ".git/config", ".GIT/config", "sub/.git", ".openkoi/config.toml"]) {
      expect(await task.fails("write", { path, content: "x" })).toContain("not written by file tools");
    }
    expect(await task.fails("edit", { path: ".git/config", old: "core", new: "x" })).toEndWith("Use git commands.");
    expect(await task.fails("write", { path: ".openkoi/a", content: "" })).toContain("The user alone changes it");
    await task.ok("write", { path: ".github/x.yml", content: "a: 1\n" });
    expect(await task.ok("read", { path: ".git/config" })).toContain("[core]");
  });
});

describe("a folder that is exchanged for a link between the check and the use", () => {
  test("is noticed when a file is opened", async () => {
    await using task = await openTask();
    task.put("folder/secret", "mine");
    writeFileSync(join(task.outside, "secret"), "top secret");
    const place = resolvePath("folder/secret", { workspace: task.workspace, addDirs: [] }, "read");
    renameSync(join(task.workspace, "folder"), join(task.workspace, "away"));
    symlinkSync(task.outside, join(task.workspace, "folder"));
    expect(() => openPlace(place)).toThrow("was moved");
  });

  test("is noticed when a file is written, new or old, and nothing comes to lie outside", async () => {
    await using task = await openTask();
    mkdirSync(join(task.workspace, "folder"));
    const roots = { workspace: task.workspace, addDirs: [] };
    const place = resolvePath("folder/file", roots, "write");
    const deeper = resolvePath("folder/a/b/file", roots, "write");
    renameSync(join(task.workspace, "folder"), join(task.workspace, "away"));
    symlinkSync(task.outside, join(task.workspace, "folder"));
    expect(() => replaceFile(place, Buffer.from("x"))).toThrow();
    expect(() => replaceFile(deeper, Buffer.from("x"))).toThrow();
    expect(existsSync(join(task.outside, "file"))).toBe(false);
    expect(existsSync(join(task.outside, "a"))).toBe(false);
  });

  test("checkStillThere accepts what did not move", async () => {
    await using task = await openTask();
    task.put("a", "x");
    const place = resolvePath("a", { workspace: task.workspace, addDirs: [] }, "read");
    const { fd } = openPlace(place);
    expect(() => checkStillThere(fd, place.path)).not.toThrow();
  });
});

describe("seen files", () => {
  /** What a tool does that reads a file. */
  function openSeen(now: () => number) {
    const seen = createSeenFiles({ now });
    const look = (path: string) => {
      const bytes = readFileSync(path);
      return { sight: seen.look(statSync(path, { bigint: true })), hash: () => hashOf(bytes) };
    };
    return {
      note(path: string) {
        const { sight, hash } = look(path);
        seen.note(path, sight, hash());
      },
      state(path: string) {
        const { sight, hash } = look(path);
        return seen.state(path, sight, hash);
      },
    };
  }

  test("a file that was touched, or written again with the same bytes, has not changed", async () => {
    await using task = await openTask();
    const seen = openSeen(() => Date.now());
    const path = task.put("a", "one");
    expect(seen.state(path)).toBe("unseen");
    seen.note(path);
    task.put("a", "one");
    expect(seen.state(path)).toBe("same");
    task.put("a", "two");
    expect(seen.state(path)).toBe("changed");
  });

  test("a change of the same length at the same moment is noticed", async () => {
    await using task = await openTask();
    const seen = openSeen(() => Date.now());
    const path = join(task.workspace, "a");
    for (let i = 0; i < 50; i++) {
      task.put("a", "x");
      seen.note(path);
      task.put("a", "y");
      expect(seen.state(path)).toBe("changed");
    }
  });

  test("a file that changed after it was looked at is what was read in it", async () => {
    await using task = await openTask();
    const path = task.put("a", "one");
    const seen = createSeenFiles({ now: () => Date.now() + 60_000 });
    const look = () => seen.look(statSync(path, { bigint: true }));
    const sight = look();
    task.put("a", "two");
    seen.note(path, sight, hashOf(Buffer.from("one")));
    expect(seen.state(path, look(), () => hashOf(readFileSync(path)))).toBe("changed");
    seen.note(path, sight, hashOf(Buffer.from("two")));
    expect(seen.state(path, look(), () => hashOf(readFileSync(path)))).toBe("same");
  });

  test("large files are compared by time and size", async () => {
    await using task = await openTask();
    const seen = openSeen(() => Date.now() + 60_000);
    const path = task.put("big", Buffer.alloc(3 * 1024 * 1024, 97));
    seen.note(path);
    expect(seen.state(path)).toBe("same");
    task.put("big", Buffer.alloc(3 * 1024 * 1024 + 1, 97));
    expect(seen.state(path)).toBe("changed");
  });
});
