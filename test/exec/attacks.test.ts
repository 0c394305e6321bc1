import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alive, type Held, startHeld, users } from "./held.ts";

const linux = process.platform === "linux";

for (const user of users()) {
  describe.skipIf(!linux)(`what a command of ${user} cannot do`, () => {
    let held: Held;
    let server: { stop(force: boolean): void } | undefined;
    beforeAll(async () => {
      held = await startHeld(user, {
        limits: { processes: 512, memory: 2 * 1024 ** 3 },
        env: { BUN_OPTIONS: "--print 1", LD_PRELOAD: "/nowhere.so", NODE_OPTIONS: "--require /nowhere.js" },
        before: ({ workspace, home }) => {
          Bun.spawnSync(["git", "init", "-q", workspace]);
          mkdirSync(join(workspace, ".git/modules/sub/hooks"), { recursive: true });
          writeFileSync(join(workspace, ".git/modules/sub/HEAD"), "ref: refs/heads/main\n");
          server = Bun.listen({ unix: join(home, "agent.sock"), socket: { data() {} } });
        },
      });
    });
    afterAll(async () => {
      await held.close();
      server?.stop(true);
    });
    const untouched = () => expect(readFileSync(join(held.outside, "file"), "utf8")).toBe("untouched\n");

    test("all three layers are in force", () => {
      expect(held.posture.layers).toEqual(["namespaces", "landlock", "seccomp"]);
    });

    test.each([
      ["an absolute path", "echo x > $OUT/file; echo x > $OUT/new"],
      ["..", "echo x > ../outside/file; echo x > ../outside/new"],
      ["a symbolic link made first", "ln -s $OUT link; echo x > link/file; echo x > link/new"],
      ["a hard link", "ln $OUT/file hard && echo x > hard"],
      ["moving out", "cp file new; mv new $OUT/new"],
      ["moving in", "mv $OUT/file in"],
      ["/proc/self/cwd", "echo x > /proc/self/cwd/../outside/file"],
      ["/proc/self/root", "echo x > /proc/self/root$OUT/file"],
      ["a make target", "printf 'all:\\n\\techo x > %s/file\\n' $OUT > Makefile; make"],
      ["truncation", "truncate -s 0 $OUT/file; : > $OUT/file"],
      ["removal", "rm -rf $OUT"],
    ])("write outside by %s", async (_, line) => {
      await held.run(`OUT=${held.outside}; ${line}`);
      untouched();
      expect(existsSync(join(held.outside, "new"))).toBe(false);
    });

    test("move the workspace away", async () => {
      const { output } = await held.run("cd .. && mv workspace elsewhere");
      expect(output).toContain("mv:");
      expect(existsSync(join(held.workspace, "file"))).toBe(true);
    });

    test("change mode, owner or time of what lies outside", async () => {
      const before = statSync(join(held.outside, "file"));
      await held.run(`chmod 777 ${held.outside}/file; chown 1:1 ${held.outside}/file; touch ${held.outside}/file`);
      const { mode, uid, mtimeMs } = statSync(join(held.outside, "file"));
      expect({ mode, uid, mtimeMs }).toEqual({ mode: before.mode, uid: before.uid, mtimeMs: before.mtimeMs });
    });

    test("change start-up files of the shell", async () => {
      await held.run("echo evil >> ~/.bashrc; echo evil > ~/.profile");
      expect(readFileSync(join(held.home, ".bashrc"), "utf8")).toBe("# start-up file\n");
      expect(existsSync(join(held.home, ".profile"))).toBe(false);
    });

    test("see keys of the user and of the program", async () => {
      const { output } = await held.run("cat ~/.ssh/id_ed25519 ~/.openkoi/auth.json; ls -A ~/.ssh ~/.openkoi");
      expect(output).not.toContain("KEY OF THE TEST");
      expect(output).not.toContain("\nid_ed25519");
    });

    test("see the agent's key in its environment or its process", async () => {
      const { output } = await held.run(`env; cat /proc/${held.pid}/environ /proc/*/environ | tr '\\0' '\\n'`);
      expect(output).not.toContain("sk-the-key");
      expect(output).not.toMatch(/^(BUN_OPTIONS|LD_PRELOAD|NODE_OPTIONS)=/m);
    });

    test("signal the agent", async () => {
      const { output } = await held.run(`kill -9 ${held.pid}`);
      expect(output).toContain("No such process");
      expect((await held.run("echo still here")).output).toBe("still here\n");
    });

    test.each([
      ["in the background", "sleep 54321.1 & echo $!"],
      ["with nohup", "nohup sleep 54321.2 > /dev/null 2>&1 & echo $!"],
      ["in a session of its own", "setsid -f sleep 54321.3; echo $!"],
      ["twice forked", "(setsid sh -c 'sleep 54321.4 &' &) ; sleep 0.1"],
      ["deaf for signals", "setsid -f sh -c 'trap \"\" TERM HUP INT; sleep 54321.5'; echo $!"],
    ])("leave a process behind %s", async (_, line) => {
      const { leftovers } = await held.run(line);
      expect(leftovers).toBe(true);
      expect(alive("sleep 54321")).toBe(false);
    });

    test("outlive its time limit", async () => {
      const { timedOut } = await held.run("trap '' TERM; setsid -f sleep 54322; while :; do :; done", {
        timeoutMs: 200,
      });
      expect(timedOut).toBe(true);
      expect(alive("sleep 54322")).toBe(false);
    });

    test("fill the machine with processes", async () => {
      const { timedOut } = await held.run("bomb() { bomb | bomb & }; bomb; sleep 54323", { timeoutMs: 700 });
      expect(timedOut).toBe(true);
      expect(alive("sleep 54323")).toBe(false);
      expect((await held.run("echo still here")).output).toBe("still here\n");
    }, 20_000);

    test("make a file of ten gigabytes", async () => {
      await held.run("truncate -s 10G big || dd if=/dev/zero of=big bs=1 count=1 seek=10G");
      expect(existsSync(join(held.workspace, "big")) ? statSync(join(held.workspace, "big")).size : 0).toBeLessThan(
        5e9,
      );
    });

    test.skipIf(!Bun.which("python3"))("take all memory", async () => {
      const { output, code } = await held.run("python3 -c 'print(len(bytearray(4 * 1024**3)))'");
      expect(output).toContain("MemoryError");
      expect(code).not.toBe(0);
    });

    test("dump core", async () => {
      const { output, signal } = await held.run("ulimit -c; ulimit -Hc; kill -SEGV $$");
      expect(output).toBe("0\n0\n");
      expect(signal).toBe("SIGSEGV");
      expect(existsSync(join(held.workspace, "core"))).toBe(false);
    });

    test.each([
      ["plant a git hook", "echo evil > .git/hooks/pre-commit"],
      ["change a git hook", "echo evil >> .git/hooks/pre-commit.sample; rm .git/hooks/*"],
      ["change git's settings", "git config core.fsmonitor evil; echo evil >> .git/config"],
      ["replace git's settings", "echo evil > c && mv -f c .git/config; rm -f .git/config"],
      ["swap the repository", "mv .git old && cp -r old .git && echo evil > .git/hooks/pre-commit"],
      ["swap the folder of hooks", "mv .git/hooks .git/old; mkdir .git/hooks && echo evil > .git/hooks/pre-commit"],
      ["point git to another folder", "mkdir evil; echo ../evil > .git/commondir"],
      ["give the worktree settings of its own", "echo evil > .git/config.worktree"],
    ])("%s", async (_, line) => {
      const git = join(held.workspace, ".git");
      const config = readFileSync(join(git, "config"), "utf8");
      const hooks = readdirSync(join(git, "hooks"));
      const sample = readFileSync(join(git, "hooks/pre-commit.sample"), "utf8");
      await held.run(line);
      expect(readFileSync(join(git, "config"), "utf8")).toBe(config);
      expect(readdirSync(join(git, "hooks"))).toEqual(hooks);
      expect(readFileSync(join(git, "hooks/pre-commit.sample"), "utf8")).toBe(sample);
      expect(existsSync(join(git, "commondir"))).toBe(false);
      expect(existsSync(join(git, "config.worktree"))).toBe(false);
    });

    test("swap the repository of a submodule", async () => {
      await held.run(
        "cd .git && mv modules/sub s; mv modules m; mkdir -p modules/sub/hooks; echo evil > modules/sub/hooks/x",
      );
      expect(readdirSync(join(held.workspace, ".git/modules/sub/hooks"))).toEqual([]);
    });

    test("reach a server of this machine", async () => {
      using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("outside") });
      const { output } = await held.run(`exec 3<>/dev/tcp/127.0.0.1/${server.port} && echo connected`);
      expect(output).not.toContain("connected\n");
      expect(output).toContain("refused");
    });

    test("reach a unix socket outside", async () => {
      const { output } = await held.run(connectTo(join(held.home, "agent.sock")));
      expect(output).not.toContain("connected");
    });

    test("write settings of the kernel", async () => {
      // The same value: where this test fails, the machine shall not suffer.
      const { output } = await held.run('cd /proc/sys/kernel; echo "$(cat core_pattern)" > core_pattern && echo done');
      expect(output).toContain("Read-only file system");
      expect(output).not.toContain("done");
    });

    test("see disks and other devices", async () => {
      const { output } = await held.run("find /dev -type b; ls /dev; mknod x b 254 0");
      expect(output).not.toMatch(/^(\/dev\/|kmsg|mem|kvm)/m);
      expect(existsSync(join(held.workspace, "x")) && lstatSync(join(held.workspace, "x")).isBlockDevice()).toBe(false);
    });

    test("mount, unmount, or make namespaces", async () => {
      const { output } = await held.run("mount -t tmpfs t file; umount $HOME/.ssh; unshare -Ur id; unshare -m id");
      expect(output).not.toContain("uid=");
      expect((await held.run("ls -A ~/.ssh")).output).toBe("");
    });

    test("use the system's temporary folder", async () => {
      const name = `openkoi-private-${held.pid}`;
      const { output } = await held.run(`echo mine > /tmp/${name}; cat /var/tmp/${name}`);
      expect(output).toBe("mine\n");
      expect(existsSync(`/tmp/${name}`)).toBe(false);
      expect(existsSync(`/var/tmp/${name}`)).toBe(false);
    });

    test("poison the user's caches", async () => {
      const { output } = await held.run("echo poison > ~/.npm/x && cat ~/.npm/x");
      expect(output).toBe("poison\n");
      expect(existsSync(join(held.home, ".npm/x"))).toBe(false);
    });

    test("change OpenKoi's settings in the project, also where there are none yet", async () => {
      const { output } = await held.run("mkdir .openkoi && echo 'mode = \"auto\"' > .openkoi/config.toml");
      expect(output).toContain("[sandbox]");
      expect(existsSync(join(held.workspace, ".openkoi"))).toBe(false);
    });

    test("go on when the agent is killed", async () => {
      const other = await startHeld(user);
      await other.run("echo ready; sleep 54324", { background: true });
      expect(alive("sleep 54324")).toBe(true);
      other.kill();
      await other.close();
      const deadline = Date.now() + 5000;
      while (alive("sleep 54324") && Date.now() < deadline) await Bun.sleep(5);
      expect(alive("sleep 54324")).toBe(false);
    });
  });
}

function connectTo(path: string): string {
  return `python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("${path}"); print("connected")'`;
}
