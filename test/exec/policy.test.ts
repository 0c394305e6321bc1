import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Guards } from "../../src/exec/guards.ts";
import { policyOf } from "../../src/exec/policy.ts";
import { repositoryOf } from "../../src/exec/repository.ts";
import { seatbeltProfile } from "../../src/exec/seatbelt.ts";

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-policy-")));
});
afterEach(() => rmSync(base, { recursive: true }));

const at = (path: string) => join(base, path);
function file(path: string, text = ""): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
  return at(path);
}
function folder(path: string): string {
  mkdirSync(at(path), { recursive: true });
  return at(path);
}
function policy(visible: string[] = []) {
  const workspace = folder("work/app");
  const [privateTemp, caches] = [folder("temp"), at("caches")];
  return policyOf({ workspace, addDirs: [], env: { HOME: folder("home") }, privateTemp, caches, hidden: [], visible });
}

describe("what a task may touch", () => {
  test("its workspace, temporary folder and caches are writable", () => {
    expect(policy().writable).toEqual([at("work/app"), at("temp"), at("caches")]);
  });

  test("secrets that exist are hidden, the rest of the home folder is not", () => {
    file("home/.ssh/id");
    file("home/.netrc");
    file("home/.profile");
    const { hidden } = policy();
    expect(hidden.folders).toContain(at("home/.ssh"));
    expect(hidden.files).toContain(at("home/.netrc"));
    expect([...hidden.folders, ...hidden.files]).not.toContain(at("home/.profile"));
  });

  test("folders of skills stay seen inside of what is hidden, unless they lie in the workspace or are links", () => {
    const skill = folder("home/.openkoi/skills/user/a");
    const own = folder("work/app/.agents/skills/b");
    symlinkSync(skill, at("home/link"));
    const { visible, hidden } = policy([skill, own, at("home/link"), at("home/missing")]);
    expect(visible.filter((path) => path.startsWith(base) && path !== at("home"))).toEqual([skill]);
    expect(hidden.folders).toContain(at("home/.openkoi"));
  });

  test("a workspace that is itself on the list is not hidden", () => {
    folder("home/.claude");
    const found = policyOf({
      workspace: at("home/.claude"),
      addDirs: [],
      env: { HOME: at("home") },
      privateTemp: folder("temp"),
      caches: at("caches"),
      hidden: [],
    });
    expect(found.hidden.folders).not.toContain(at("home/.claude"));
    expect(found.writable).toContain(at("home/.claude"));
  });

  test("what makes git or OpenKoi run something is guarded, missing or linked paths are watched", () => {
    file("work/app/.git/HEAD");
    file("work/app/.git/config");
    folder("work/app/.git/hooks");
    symlinkSync("elsewhere", at("work/app/.openkoi"));
    const { guarded, watched, writable } = policy();
    expect(guarded.toSorted()).toEqual([at("work/app/.git/config"), at("work/app/.git/hooks")]);
    expect(watched).toContain(at("work/app/.openkoi"));
    expect(watched).toContain(at("work/app/.git/commondir"));
    expect(writable).toContain(at("work/app/.git"));
  });

  test("a cache of the user gets a layer of its own, a missing one a variable", () => {
    folder("home/.npm");
    const { cached, env } = policy();
    expect(cached).toEqual([{ folder: at("home/.npm"), upper: at("caches/npm"), work: at("caches/.npm.work") }]);
    expect(env["XDG_CACHE_HOME"]).toBe(at("caches/cache"));
  });
});

describe("the repository of a folder", () => {
  test("is the one above it", () => {
    file("repo/.git/HEAD");
    expect(repositoryOf(folder("repo/packages/a")).writable).toEqual([at("repo/.git")]);
  });

  test("is that of its worktree, and the common one", () => {
    file("repo/.git/HEAD");
    file("tree/.git", `gitdir: ${at("repo/.git/worktrees/tree")}\n`);
    file("repo/.git/worktrees/tree/commondir", "../..\n");
    file("repo/.git/worktrees/tree/gitdir", `${at("tree/.git")}\n`);
    const { writable, guarded } = repositoryOf(at("tree"));
    expect(writable).toEqual([at("repo/.git"), at("repo/.git/worktrees/tree")]);
    expect(guarded).toContain(at("tree/.git"));
    expect(guarded).toContain(at("repo/.git/hooks"));
    expect(guarded).toContain(at("repo/.git/worktrees/tree/commondir"));
  });

  test("is not one that knows nothing of the file that names it", () => {
    file("victim/commondir", "../..\n");
    file("victim/gitdir", `${at("other/.git")}\n`);
    file("work/.git", `gitdir: ${at("victim")}\n`);
    expect(repositoryOf(at("work")).writable).toEqual([]);
  });

  test("has the settings of its submodules guarded too", () => {
    file("repo/.git/HEAD");
    file("repo/.git/modules/group/a/HEAD");
    file("repo/.git/modules/group/a/modules/b/HEAD");
    const { guarded } = repositoryOf(at("repo"));
    expect(guarded).toContain(at("repo/.git/modules/group/a/hooks"));
    expect(guarded).toContain(at("repo/.git/modules/group/a/modules/b/config"));
  });
});

describe("guards", () => {
  test("put back what was changed, removed, made or turned into a link", () => {
    const paths = [
      file("changed", "1"),
      file("folder/inner/x", "1"),
      file("removed", "1"),
      at("made"),
      file("linked", "1"),
    ];
    const guards = new Guards([at("changed"), at("folder"), at("removed"), at("made"), at("linked")]);
    expect(paths).toHaveLength(5);
    guards.enter();
    writeFileSync(at("changed"), "2");
    writeFileSync(at("folder/inner/y"), "2");
    rmSync(at("removed"));
    mkdirSync(at("made"));
    rmSync(at("linked"));
    symlinkSync("/etc/passwd", at("linked"));
    expect(guards.leave()).toHaveLength(5);
    expect(readFileSync(at("changed"), "utf8")).toBe("1");
    expect(readFileSync(at("changed.refused"), "utf8")).toBe("2");
    expect(existsSync(at("folder/inner/y"))).toBe(false);
    expect(readFileSync(at("removed"), "utf8")).toBe("1");
    expect(existsSync(at("made"))).toBe(false);
    expect(readFileSync(at("linked"), "utf8")).toBe("1");
    expect(readFileSync("/etc/passwd", "utf8")).not.toBe("1");
  });

  test("never write through a link that a command has put above them", () => {
    file("repo/config", "1");
    file("victim/config", "of somebody else");
    const guards = new Guards([at("repo/config")]);
    guards.enter();
    renameSync(at("repo"), at("old"));
    symlinkSync(at("victim"), at("repo"));
    expect(guards.leave().join("\n")).toContain("repo.refused");
    expect(readFileSync(at("victim/config"), "utf8")).toBe("of somebody else");
    expect(readFileSync(at("repo/config"), "utf8")).toBe("1");
  });

  test("put back what lay in a folder that a command has replaced by a file", () => {
    file("repo/config", "1");
    const guards = new Guards([at("repo/config"), at("repo/missing")]);
    guards.enter();
    renameSync(at("repo"), at("old"));
    file("repo", "no folder");
    expect(guards.leave().join("\n")).toContain("repo.refused");
    expect(readFileSync(at("repo/config"), "utf8")).toBe("1");
  });

  test("leave alone what is too large to be copied, and never make it empty", () => {
    const large = "x".repeat(9 * 1024 * 1024);
    file("folder/large", large);
    file("folder/small", "1");
    file("alone", large);
    const guards = new Guards([at("folder"), at("alone")]);
    guards.enter();
    expect(guards.leave()).toEqual([]);
    guards.enter();
    writeFileSync(at("folder/small"), "2");
    expect(guards.leave()).toEqual([expect.stringContaining("folder may not be changed")]);
    expect(readFileSync(at("folder/small"), "utf8")).toBe("1");
    expect(statSync(at("folder/large")).size).toBe(large.length);
    expect(statSync(at("alone")).size).toBe(large.length);
  });

  test("say of what was changed and cannot be put back where it is now", () => {
    file("large", "x".repeat(9 * 1024 * 1024));
    const guards = new Guards([at("large")]);
    guards.enter();
    writeFileSync(at("large"), "changed");
    const [said] = guards.leave();
    expect(said).toContain("was not put back");
    expect(said).toContain("large.refused");
    expect(readFileSync(at("large.refused"), "utf8")).toBe("changed");
  });

  test("never overwrite what an earlier command had put aside", () => {
    file("config", "1");
    const guards = new Guards([at("config")]);
    for (const text of ["2", "3"]) {
      guards.enter();
      writeFileSync(at("config"), text);
      guards.leave();
    }
    const aside = readdirSync(at(".")).filter((name) => name.startsWith("config.refused"));
    expect(aside.map((name) => readFileSync(at(name), "utf8")).sort()).toEqual(["2", "3"]);
  });

  test("do not stumble over pipes", () => {
    folder("folder");
    Bun.spawnSync(["mkfifo", at("folder/pipe")]);
    const guards = new Guards([at("folder")]);
    guards.enter();
    expect(guards.leave()).toEqual([]);
  });

  test("say nothing where nothing has changed", () => {
    file("folder/inner/x", "1");
    const guards = new Guards([at("folder"), at("missing")]);
    guards.enter();
    expect(guards.leave()).toEqual([]);
  });
});

describe("the profile for macOS", () => {
  test("refuses by default, opens the writable folders and closes the holes in them", () => {
    file("work/app/.git/config");
    file("home/.ssh/id");
    const profile = seatbeltProfile(policy(), "loopback");
    expect(profile.startsWith("(version 1)\n(deny default)")).toBe(true);
    const index = (text: string) => {
      expect(profile).toContain(text);
      return profile.indexOf(text);
    };
    expect(index(`(subpath "${at("work/app")}")`)).toBeLessThan(index(`(subpath "${at("work/app/.git/config")}")`));
    expect(index("(deny file-read* file-write*")).toBeLessThan(index(`(subpath "${at("home/.ssh")}")`));
    expect(index("(deny file-write-unlink")).toBeLessThan(index(`(literal "${at("work/app/.git")}")`));
    expect(balance(profile)).toBe(0);
  });

  test("opens the folder of a skill again inside of what is hidden, for reading", () => {
    const skill = folder("home/.openkoi/skills/user/a");
    const profile = seatbeltProfile(policy([skill]), "none");
    const opened = profile.indexOf(`(allow file-read*\n  (subpath "${skill}")\n)`);
    expect(opened).toBeGreaterThan(profile.indexOf(`(subpath "${at("home/.openkoi")}")`));
  });

  test("opens the network by its mode", () => {
    expect(seatbeltProfile(policy(), "none")).not.toContain("(allow network");
    expect(seatbeltProfile(policy(), "loopback")).toContain('(allow network-outbound (remote ip "localhost:*"))');
    const all = seatbeltProfile(policy(), "all");
    const order = [
      "(allow network*)",
      "(deny network-outbound (remote unix-socket))",
      `(allow network*\n  (subpath "${at("work/app")}")`,
    ];
    const places = [...order, '(allow network-outbound (literal "/private/var/run/mDNSResponder"))'].map((text) =>
      all.indexOf(text),
    );
    expect(places.every((place, index) => place > (places[index - 1] ?? 0))).toBe(true);
  });

  test("does not show other processes or their environment", () => {
    const profile = seatbeltProfile(policy(), "loopback");
    expect(profile).toContain("(deny process-info*)\n(allow process-info* (target same-sandbox))");
    expect(profile).toContain('(deny sysctl-read (sysctl-name "kern.procargs") (sysctl-name "kern.procargs2"))');
  });

  test("quotes what a folder's name could smuggle in", () => {
    const workspace = folder('work/a")(allow default)');
    const found = policyOf({
      workspace,
      addDirs: [],
      env: { HOME: folder("home") },
      privateTemp: folder("temp"),
      caches: at("caches"),
      hidden: [],
    });
    expect(seatbeltProfile(found, "none")).toContain('/a\\")(allow default)")');
  });
});

/** Parentheses outside of strings. */
function balance(profile: string): number {
  const bare = profile.replace(/#?"(?:[^"\\]|\\.)*"/g, "");
  return (bare.match(/\(/g) ?? []).length - (bare.match(/\)/g) ?? []).length;
}
