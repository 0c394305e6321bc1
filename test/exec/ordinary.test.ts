import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { becoming, type Held, startHeld, users } from "./held.ts";

const linux = process.platform === "linux";

for (const user of users()) {
  describe.skipIf(!linux)(`ordinary work of ${user} passes`, () => {
    let held: Held;
    /**
     * Not every machine has every program, and those in another user's home folder cannot be run by everybody: then the
     * skipped test says why. `.ci/run` installs what Debian has.
     */
    const needs = (asked: string, what: string, body: () => Promise<void>, timeoutMs?: number) => {
      if (Bun.spawnSync([...becoming(user), "sh", "-c", asked], { cwd: "/" }).success)
        return test(what, body, timeoutMs);
      test.skip(`${what}: not tried, because ${user} cannot run \`${asked}\` on this machine`, body);
    };
    beforeAll(async () => {
      held = await startHeld(user, {
        // Rust's toolchains lie in the home folder, which is another one here.
        env: { BUN: process.execPath, RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup") },
        before: ({ workspace, home }) => {
          Bun.spawnSync(["git", "init", "-q", "-b", "main", workspace]);
          writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Test\n\temail = test@example.com\n");
          for (const [path, text] of Object.entries(FILES)) {
            const file = join(workspace, path);
            mkdirSync(dirname(file), { recursive: true });
            writeFileSync(file, text);
          }
        },
      });
    });
    afterAll(() => held.close());

    /** The command's output, after it has succeeded. */
    const works = async (line: string, timeoutMs = 60_000) => {
      const { output, code } = await held.run(line, { timeoutMs });
      expect({ line, code, output }).toEqual({ line, code: 0, output });
      return output;
    };

    test("git: commit, branch, merge, stash, gc", async () => {
      await works("git add -A && git commit -qm one && git checkout -qb side && echo 2 >> file && git commit -qam two");
      await works("git checkout -q main && git merge -q side && echo 3 >> file && git stash -q && git stash pop -q");
      await works("git tag v1 && git gc -q && git fsck && git commit -qam three && git clone -q . ../temp/clone");
      expect(await works("git log --oneline | wc -l")).toMatch(/3/);
    });

    test("make, shell, pipes, here-documents, /dev/stderr", async () => {
      expect(await works("make -s")).toBe("made\n");
      expect(await works("cat <<X | tr a-z A-Z > /dev/stderr\nabc\nX")).toBe("ABC\n");
      expect(await works("diff <(echo a) <(echo a) && echo same")).toBe("same\n");
      await works("echo $$ > /dev/null; mktemp; mktemp -d; touch /tmp/a /var/tmp/b /dev/shm/c");
      await works("set -m; sleep 0.01 & wait; timeout 5 true; nice true; ps -p $$; pgrep bash; true");
    });

    needs("python3 --version", "python: unittest, multiprocessing, sockets", async () => {
      await works("python3 -m unittest -q 2>&1");
    });

    needs("npm --version", "node: npm test, HTTP on loopback, workers, child processes", async () => {
      expect(await works("npm test 2>&1")).toContain("pass 3");
    });

    needs("npm --version", "npm install from files, with its cache", async () => {
      await works("cd app && npm install --offline --no-audit 2>&1 && node -e 'require(\"lib\")'");
    });

    needs("npm --version", "npm install from a registry, and again from the cache alone", async () => {
      await works("cd lib && npm pack --silent");
      await held.run("cd lib && exec node ../registry.mjs", { background: true });
      const install = "cd client && npm install --no-audit --registry http://127.0.0.1:4712";
      await works(`${install} && rm -rf node_modules`);
      await works(`${install} --offline && node -e 'if (require("lib") !== 1) process.exit(1)'`);
    });

    test("bun: test with HTTP and unix sockets", async () => {
      await works("$BUN test ./server.test.ts 2>&1");
    });

    needs(
      "go version",
      "go build",
      async () => {
        expect(await works("cd go && go build -o t . && ./t 2>&1", 100_000)).toBe("2\n");
      },
      120_000,
    );

    needs(
      "cargo --version",
      "cargo test",
      async () => {
        expect(await works("cd rust && cargo test --offline 2>&1", 100_000)).toContain("1 passed");
      },
      120_000,
    );

    // Its tests run in a process of their own, which it speaks with by a socket.
    needs(
      "gradle --version && test -e /usr/share/java/junit4.jar",
      "gradle test",
      async () => {
        expect(await works("cd gradle && gradle --offline --no-daemon --console=plain test 2>&1", 150_000)).toContain(
          "BUILD SUCCESSFUL",
        );
        expect(await works("cat gradle/build/test-results/test/*.xml")).toContain('tests="1" skipped="0" failures="0"');
      },
      180_000,
    );

    test("a server in the background answers the next command", async () => {
      await held.run(
        "exec $BUN -e 'const s = Bun.serve({ port: 4711, fetch: () => new Response(\"hi\") }); console.log(s.port)'",
        {
          background: true,
        },
      );
      expect(await works("$BUN -e 'console.log(await (await fetch(\"http://127.0.0.1:4711\")).text())'")).toBe("hi\n");
    });
  });
}

const FILES: Record<string, string> = {
  Makefile: "all:\n\t@echo made\n",
  "test_it.py": `
import asyncio, multiprocessing, os, socket, tempfile, unittest
def double(x): return 2 * x
class T(unittest.TestCase):
    def test_pool(self):
        with multiprocessing.Pool(2) as pool: self.assertEqual(pool.map(double, [1, 2]), [2, 4])
    def test_tcp(self):
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname()); client.close(); server.close()
    def test_unix(self):
        path = os.path.join(tempfile.mkdtemp(), "s")
        server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
        socket.socket(socket.AF_UNIX).connect(path)
if __name__ == "__main__": unittest.main()
`,
  "package.json": JSON.stringify({ name: "t", version: "1.0.0", scripts: { test: "node --test unit.test.mjs" } }),
  "unit.test.mjs": `
import test from "node:test";
import assert from "node:assert";
import http from "node:http";
import { execFileSync } from "node:child_process";
import { networkInterfaces, cpus } from "node:os";
import { Worker } from "node:worker_threads";
test("http", async () => {
  const server = http.createServer((_, answer) => answer.end("ok")).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const answer = await fetch("http://localhost:" + server.address().port);
  assert.equal(await answer.text(), "ok");
  server.close();
});
test("children", () => assert.equal(execFileSync("sh", ["-c", "echo x"]).toString(), "x\\n"));
test("system", async () => {
  assert.ok(networkInterfaces().lo && cpus().length > 0);
  await new Promise((done) => new Worker("1", { eval: true }).on("exit", done));
});
`,
  "server.test.ts": `
import { expect, test } from "bun:test";
test("http", async () => {
  using server = Bun.serve({ port: 0, fetch: () => new Response("ok") });
  expect(await (await fetch(server.url)).text()).toBe("ok");
});
test("unix", async () => {
  using server = Bun.serve({ unix: process.env.TMPDIR + "/s.sock", fetch: () => new Response("ok") });
  expect(await (await fetch("http://x/", { unix: process.env.TMPDIR + "/s.sock" })).text()).toBe("ok");
});
`,
  "app/package.json": JSON.stringify({ name: "app", version: "1.0.0", dependencies: { lib: "file:../lib" } }),
  "client/package.json": JSON.stringify({ name: "client", version: "1.0.0", dependencies: { lib: "^1.0.0" } }),
  "registry.mjs": `
import http from "node:http";
import { readFileSync } from "node:fs";
const at = "http://127.0.0.1:4712";
const version = { name: "lib", version: "1.0.0", main: "index.js", dist: { tarball: at + "/lib-1.0.0.tgz" } };
const list = { name: "lib", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
http.createServer((request, answer) =>
  answer.end(request.url === "/lib" ? JSON.stringify(list) : readFileSync("lib-1.0.0.tgz")),
).listen(4712, "127.0.0.1", () => console.log("ready"));
`,
  "lib/package.json": JSON.stringify({ name: "lib", version: "1.0.0", main: "index.js" }),
  "lib/index.js": "module.exports = 1;\n",
  "go/go.mod": "module example.com/t\n\ngo 1.20\n",
  "go/main.go": "package main\n\nfunc main() { println(1 + 1) }\n",
  "rust/Cargo.toml": '[package]\nname = "t"\nversion = "0.1.0"\nedition = "2021"\n',
  "gradle/build.gradle": `
apply plugin: "java"
dependencies { testCompile files("/usr/share/java/junit4.jar", "/usr/share/java/hamcrest-core.jar") }
`,
  "gradle/src/main/java/Main.java": "public class Main { public static int one() { return 1; } }\n",
  "gradle/src/test/java/MainTest.java": `
public class MainTest {
  @org.junit.Test public void one() throws Exception {
    new java.net.ServerSocket(0).close();
    org.junit.Assert.assertEquals(1, Main.one());
  }
}
`,
  "rust/src/lib.rs": '#[test]\nfn works() { std::net::TcpListener::bind("127.0.0.1:0").unwrap(); }\n',
};
