import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, FakeRequest, Turn } from "../fakes/script.ts";
import { evaluatorText, skillText } from "../skills/home.ts";
import { makePlace, onTerminal, openkoi, type Place, useServer } from "./openkoi.ts";

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

type Turns = readonly Turn[];

function setUp(turns: Turns | ((here: Place) => Turns), files: Record<string, string> = { "a.txt": "a\n" }) {
  const here = makePlace(files);
  places.push(here);
  const server = startOpenAiFake(typeof turns === "function" ? turns(here) : turns);
  servers.push(server);
  useServer(here, server.baseUrl);
  const put = (path: string, text: string, mode = 0o644) => {
    const file = join(here.home, ".openkoi", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  return { here, server, put };
}

const call = (name: string, args: Record<string, unknown>): Turn => ({ calls: [{ name, arguments: args }] });
const systemOf = ({ body }: FakeRequest): string => body.messages[0].content;
const lastOf = ({ body }: FakeRequest): string => body.messages.at(-1).content;
const toolsOf = ({ body }: FakeRequest): string[] =>
  body.tools.map((tool: { function: { name: string } }) => tool.function.name);

const ROT = skillText(
  "rot13",
  "Encodes text with ROT13.",
  "",
  "Run {baseDir}/scripts/rot.sh TEXT. See references/why.md.",
);

describe("a skill of the user", () => {
  test("is listed, chosen, and its body, its file and its script can be used, in the sandbox too", async () => {
    const folderOf = ({ home }: Place) => join(home, ".openkoi/skills/user/rot13");
    const { here, server, put } = setUp((place) => {
      const folder = folderOf(place);
      const commands = [
        `${folder}/scripts/rot.sh hello`,
        `cat ${place.home}/.openkoi/config.toml`,
        `echo x > ${folder}/x`,
      ];
      return [
        call("skill", { name: "rot13" }),
        call("read", { path: join(folder, "references/why.md") }),
        call("bash", { command: commands.join("; ") }),
        "uryyb",
      ];
    });
    const folder = folderOf(here);
    put("skills/user/rot13/SKILL.md", ROT);
    put("skills/user/rot13/references/why.md", "Because of Caesar.\n");
    put("skills/user/rot13/scripts/rot.sh", '#!/bin/sh\necho "$1" | tr a-z n-za-m\n', 0o755);
    const result = await openkoi(here, ["--yes", "-i", "0", "Encode hello with ROT13."]);
    expect(result).toMatchObject({ code: 0, stdout: "uryyb\n" });
    const [first, second, third, fourth] = server.requests as [FakeRequest, FakeRequest, FakeRequest, FakeRequest];
    expect(systemOf(first)).toContain("- rot13: Encodes text with ROT13.");
    expect(systemOf(first)).not.toContain("baseDir");
    expect(toolsOf(first)).toContain("skill");
    expect(lastOf(second)).toContain(`Run ${folder}/scripts/rot.sh TEXT.`);
    expect(lastOf(third)).toContain("Because of Caesar.");
    expect(lastOf(fourth)).toContain("uryyb");
    expect(lastOf(fourth)).not.toContain("base_url");
    expect(lastOf(fourth)).toMatch(/Read-only file system|Permission denied/);
  });

  test("costs nothing where there is none: no tool, no list", async () => {
    const { here, server } = setUp(["Hello."]);
    await openkoi(here, ["-i", "0", "Say hello."]);
    expect(toolsOf(server.requests[0]!)).not.toContain("skill");
    expect(systemOf(server.requests[0]!)).not.toContain("Skills");
  });
});

describe("a proposed skill", () => {
  test("is not there before it is approved, and not after it changed", async () => {
    const { here, server, put } = setUp(["One.", "Two.", "Three."]);
    put("skills/proposed/rot13/SKILL.md", ROT);
    const run = () => openkoi(here, ["-i", "0", "Say hello."]);
    await run();
    expect((await openkoi(here, ["learn", "approve", "rot13"])).code).toBe(0);
    await run();
    put("skills/proposed/rot13/SKILL.md", `${ROT}More.\n`);
    await run();
    expect(server.requests.map((request) => toolsOf(request).includes("skill"))).toEqual([false, true, false]);
  });
});

describe("what a project brings", () => {
  const FILES = {
    "a.txt": "a\n",
    ".agents/skills/rot13/SKILL.md": ROT,
    ".openkoi/SOUL.md": "Speak like a pirate.\n",
  };

  test("has no effect before the folder is trusted, and is named", async () => {
    const { here, server } = setUp(["One.", "Two."], FILES);
    const first = await openkoi(here, ["-i", "0", "Say hello."]);
    expect(first.stderr).toContain("rot13, SOUL.md are ignored: this folder is not trusted");
    await openkoi(here, ["-i", "0", "Say hello."], { env: { OPENKOI_TRUST: "1" } });
    const [untrusted, trusted] = server.requests as [FakeRequest, FakeRequest];
    expect(systemOf(untrusted)).not.toMatch(/pirate|rot13/);
    expect(systemOf(trusted)).toMatch(/^<soul>\nSpeak like a pirate\.[\s\S]*- rot13: /);
  });
});

describe("a person who is asked about them", () => {
  test("says yes once, and is asked again only when one of their files changes", async () => {
    const files = { ".agents/skills/rot13/SKILL.md": ROT, ".agents/skills/rot13/run.sh": "one\n" };
    const { here, server } = setUp(["One.", "Two.", "Three."], files);
    const run = (key: string) =>
      onTerminal(here, '"$OPENKOI" -i 0 "Say hello."', [{ when: "its own skills", type: key }]);
    expect((await run("y")).seen).toContain("its own skills (project/.agents: rot13). Use them?");
    expect((await run("n")).seen).not.toContain("Use them?");
    here.write({ ".agents/skills/rot13/run.sh": "two\n" });
    expect((await run("n")).seen).toContain("Use them?");
    expect(server.requests.map((request) => toolsOf(request).includes("skill"))).toEqual([true, true, false]);
  });
});

describe("the soul", () => {
  test("stands first in the executor's prompt and in no other", async () => {
    const turns = [
      JSON.stringify({ kind: "change", category: "strange", steps: ["Write it."], checks: ["test -f b.txt"] }),
      call("write", { path: "b.txt", content: "b\n" }),
      "Written.",
      JSON.stringify({ scores: { quality: 0.95 }, findings: [] }),
    ];
    const { here, server, put } = setUp(turns);
    put("SOUL.md", "Hum while you work.\n");
    put("evaluators/user/odd/SKILL.md", evaluatorText("odd", "strange", "Judge oddly."));
    const result = await openkoi(here, ["--yes", "Write b."]);
    expect(result).toMatchObject({ code: 0 });
    const souls = server.requests.map((request) => request.raw.includes("Hum while you work"));
    expect(souls).toEqual([false, true, true, false]);
    expect(systemOf(server.requests[1]!)).toStartWith("<soul>\nHum while you work.\n</soul>\n");
    // The user's evaluator judged, because the plan's category is its own.
    expect(server.requests[3]!.raw).toContain("Judge oddly.");
    expect(readFileSync(join(here.project, "b.txt"), "utf8")).toBe("b\n");
  });
});

describe("the first request", () => {
  const bytes = (server: Fake) => server.requests[0]!.raw.length / 4;

  test("has at most 1,000 tokens without soul and skills", async () => {
    const { here, server, put } = setUp(["Hello."]);
    put("SOUL.md", "");
    await openkoi(here, ["--yes", "-i", "0", "Say hello."]);
    expect(bytes(server)).toBeLessThanOrEqual(1000);
  });

  test("has at most 1,600 tokens with the bundled soul, and in OpenKoi's own tree with self-iterate and forty others", async () => {
    const { here, server, put } = setUp(["Hello."], {
      "package.json": '{"name": "openkoi"}',
      "src/engine/run.ts": "",
      "embed/prompts/judge.md": "",
    });
    const words = "Says at some length what it is for and when to use it. ".repeat(3);
    for (let at = 0; at < 40; at++) put(`skills/user/skill-${at}/SKILL.md`, skillText(`skill-${at}`, words));
    await openkoi(here, ["--yes", "-i", "0", "Say hello."]);
    expect(systemOf(server.requests[0]!)).toContain("You are changing the program that is running you.");
    expect(bytes(server)).toBeLessThanOrEqual(1600);
  });
});
