import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function place(config?: string): Place {
  const made = makePlace({ "a.txt": "one\n" });
  places.push(made);
  mkdirSync(join(made.home, ".openkoi"));
  if (config !== undefined) writeFileSync(join(made.home, ".openkoi", "config.toml"), config);
  return made;
}

describe("a mistake in the config", () => {
  test("is told with the error that comes of it", async () => {
    const at = place('[modls]\nexecutor = "local/x"\n[providers.local]\nbaseurl = "http://127.0.0.1:1/v1"\n');
    const { code, stderr } = await openkoi(at, ["-i", "0", "hello"]);
    expect(code).toBe(1);
    const file = join(at.home, ".openkoi", "config.toml");
    expect(stderr).toStartWith(
      [
        "openkoi: no model provider is set up",
        `  ${file}, line 4: unknown key providers.local.baseurl is ignored (did you mean "providers.local.base_url"?)`,
        `  ${file}, line 1: unknown key modls is ignored (did you mean "models"?)`,
        "  Connect one",
      ].join("\n"),
    );
  });

  test("in an address is named, with what was probably meant", async () => {
    const at = place('[providers.local]\nbase_url = "127.0.0.1:18555"\n');
    for (const args of [[], ["-m", "local/x"]]) {
      const { code, stderr } = await openkoi(at, ["-i", "0", ...args, "hello"]);
      expect(code).toBe(1);
      expect(stderr).toBe(
        [
          'openkoi: provider local: "127.0.0.1:18555" is not an http address',
          `  Set base_url under [providers.local] in ${join(at.home, ".openkoi", "config.toml")}, e.g. base_url = "http://127.0.0.1:18555".`,
          "",
        ].join("\n"),
      );
    }
  });

  test("is looked for in the file that was used", async () => {
    const at = place();
    at.write({ "c.toml": "[iteration]\nmax_iterations = 1\n" });
    const named = await openkoi(at, ["--config", "c.toml", "-i", "0", "hello"]);
    expect(named.stderr).toContain(`in [providers.NAME] of ${join(at.project, "c.toml")} with its base_url`);
    at.write({ "c.toml": "[providers.local]\nmodels = []\n" });
    const unaddressed = await openkoi(at, ["--config", "c.toml", "-m", "local/x", "-i", "0", "hello"]);
    expect(unaddressed.stderr).toContain(`under [providers.local] in ${join(at.project, "c.toml")}.`);
  });
});

describe("a mistake on the command line", () => {
  test("in the name of a model or a recording is wrong usage, and in the config it is not", async () => {
    const at = place();
    expect((await openkoi(at, ["-m", "foo/bar", "hello"])).code).toBe(2);
    expect((await openkoi(at, ["--replay", "nofile.jsonl", "hello"])).code).toBe(2);
    expect((await openkoi(at, ["hello"], { env: { OPENKOI_MODEL: "foo/bar" } })).code).toBe(1);
  });

  test("in a command is refused before anything is paid", async () => {
    const at = place();
    const server = startOpenAiFake(["unreachable"]);
    servers.push(server);
    useServer(at, server.baseUrl);
    const { code, stderr } = await openkoi(at, ["lern", "list"]);
    expect(code).toBe(2);
    expect(stderr).toContain('unknown command "lern": did you mean learn?');
    expect(server.requests).toHaveLength(0);
  });
});

describe("the outcome as JSON", () => {
  test("names the task, so that a script can undo it", async () => {
    const at = place();
    const server = startOpenAiFake([
      { calls: [{ name: "write", arguments: { path: "b.txt", content: "two\n" } }] },
      "Written.",
    ]);
    servers.push(server);
    useServer(at, server.baseUrl);
    const { stdout } = await openkoi(at, ["-i", "0", "--yes", "--format", "json", "write b"]);
    const { task } = JSON.parse(stdout);
    const undone = await openkoi(at, ["undo", task]);
    expect(undone.stderr + undone.stdout).toContain("b.txt");
    expect(undone.code).toBe(0);
  });

  test("is there where no task could begin, too", async () => {
    const at = place();
    const { stdout } = await openkoi(at, ["-m", "nosuch/x", "--format", "json", "hello"]);
    expect(JSON.parse(stdout)).toMatchObject({
      task: null,
      status: "failed",
      reason: 'there is no provider "nosuch"',
      spent: { calls: 0 },
    });
  });
});
