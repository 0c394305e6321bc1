import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Held, startHeld, users } from "./held.ts";

for (const user of users()) {
  describe.skipIf(process.platform !== "linux")(`without namespaces, ${user}`, () => {
    let held: Held;
    beforeAll(async () => {
      held = await startHeld(user, {
        namespaces: false,
        before: ({ workspace }) => {
          Bun.spawnSync(["git", "init", "-q", "-b", "main", workspace]);
        },
      });
    });
    afterAll(() => held.close());

    test("says which layers are left and what they do not hold", () => {
      expect(held.posture.layers).toEqual(["landlock", "seccomp"]);
      expect(held.posture.gaps.join("\n")).toContain("setsid");
      expect(held.posture.gaps.join("\n")).toContain("loopback");
    });

    test.each([
      ["an absolute path", "echo x > $OUT/file; echo x > $OUT/new"],
      ["a symbolic link", "ln -s $OUT link; echo x > link/file; echo x > link/new"],
      ["a hard link", "ln $OUT/file hard && echo x > hard"],
      ["renaming", "mv $OUT/file in; cp file new; mv new $OUT/new"],
      ["truncation", "truncate -s 0 $OUT/file"],
      ["removal", "rm -rf $OUT"],
      ["the shell's start-up file", "echo x >> ~/.bashrc; cp ~/.bashrc $OUT/new"],
    ])("nothing outside is written by %s", async (_, line) => {
      await held.run(`OUT=${held.outside}; ${line}`);
      expect(readFileSync(join(held.outside, "file"), "utf8")).toBe("untouched\n");
      expect(existsSync(join(held.outside, "new"))).toBe(false);
      expect(readFileSync(join(held.home, ".bashrc"), "utf8")).toBe("# start-up file\n");
    });

    test("keys are not seen, other files are", async () => {
      const { output } = await held.run(
        "cat ~/.ssh/id_ed25519 ~/.openkoi/auth.json; ls ~/.ssh; cat ~/.bashrc /etc/passwd",
      );
      expect(output).not.toContain("KEY OF THE TEST");
      expect(output).toContain("# start-up file");
      expect(output).toContain("root:");
    });

    test("the agent's environment is not read and the agent not signalled", async () => {
      const { output } = await held.run(`cat /proc/${held.pid}/environ; kill -9 ${held.pid}; kill -9 $PPID; env`);
      expect(output).not.toContain("sk-the-key");
      expect((await held.run("echo still here")).output).toBe("still here\n");
    });

    test("no socket leads anywhere", async () => {
      using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("outside") });
      const { output } = await held.run(
        `exec 3<>/dev/tcp/127.0.0.1/${server.port} && echo connected; python3 -c 'import socket; socket.socket(socket.AF_UNIX)'`,
      );
      expect(output).not.toContain("connected");
      expect(output).toContain("Address family not supported");
    });

    test.each([
      ["a planted hook", "echo evil > .git/hooks/pre-commit", "pre-commit"],
      ["changed settings", "git config core.fsmonitor evil", "config"],
      ["a pointer to another repository", "echo ../evil > .git/commondir", "commondir"],
      ["settings of OpenKoi", "mkdir .openkoi; echo evil > .openkoi/config.toml", ".openkoi"],
    ])("%s is put back after the command", async (_, line, name) => {
      const { output } = await held.run(line);
      expect(output).toContain("[sandbox]");
      expect(output).toContain(name === "pre-commit" ? "hooks" : name);
      expect(readFileSync(join(held.workspace, ".git/config"), "utf8")).not.toContain("evil");
      for (const path of [".git/hooks/pre-commit", ".git/commondir", ".openkoi"]) {
        expect(existsSync(join(held.workspace, path))).toBe(false);
      }
    });

    test("ordinary work without a network passes", async () => {
      const { output, code } = await held.run(
        "git add file && git -c user.name=T -c user.email=t@t commit -qm one && printf 'all:\\n\\techo made' > Makefile && make -s" +
          ' && echo x > $TMPDIR/x && python3 -c "import tempfile; tempfile.mkdtemp(); print(40 + 2)" 2>&1',
      );
      expect({ output, code }).toEqual({ output: "made\n42\n", code: 0 });
    });
  });
}
