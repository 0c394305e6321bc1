import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Issuer, type IssuerScript, startIssuer, USER_CODE } from "../fakes/issuer.ts";
import { startOllamaFake } from "../fakes/ollama-server.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import { makePlace, onTerminal, openkoi, type Place, type RunOptions } from "./openkoi.ts";

const places: Place[] = [];
const servers: { stop(force?: boolean): unknown }[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop(true)));
});

/** A machine without any key; a real Ollama on it must not count. */
function place(): Place {
  const made = makePlace();
  made.env["OLLAMA_HOST"] = "127.0.0.1:1";
  places.push(made);
  return made;
}

const home = (at: Place, path: string) => join(at.home, path);
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

function have(at: Place, path: string, content: unknown): void {
  mkdirSync(dirname(home(at, path)), { recursive: true });
  writeFileSync(home(at, path), typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
}

function serve(fetch: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

function issuer(script?: IssuerScript): Issuer {
  const started = startIssuer(script);
  servers.push(started);
  return started;
}

test("with no credential at all, connect status and doctor say how to get one", async () => {
  const at = place();
  const shown = await openkoi(at, ["connect", "status"]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).not.toMatch(/\[[+!]\]/);
  expect(shown.stderr).toContain("openkoi connect saves a key or logs in");
  const doctor = await openkoi(at, ["doctor"]);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain("no provider is ready");
});

test("what ran out or lies open is shown, and doctor --fix mends what it can", async () => {
  const at = place();
  const login = { type: "oauth", access_token: "gone", refresh_token: "", expires_at: 1000, extra: {} };
  have(at, ".openkoi/auth.json", { providers: { chatgpt: login } });
  have(at, ".openkoi/credentials/groq.key", "gsk-0123456789\n");
  const files = [".openkoi/auth.json", ".openkoi/credentials/groq.key", ".openkoi/credentials"];
  for (const file of files) chmodSync(home(at, file), 0o755);
  const shown = await openkoi(at, ["connect", "status"]);
  expect(shown.stdout).toMatch(/^\[!\] chatgpt +expired: auth\.json$/m);
  expect(shown.stderr).toContain("openkoi doctor");

  const doctor = await openkoi(at, ["doctor"]);
  expect([doctor.code, doctor.stdout.match(/can be read by others/g)?.length]).toEqual([1, 3]);
  expect(doctor.stdout).toContain("! chatgpt: expired: auth.json\n    Log in again: openkoi connect chatgpt.");
  const mended = await openkoi(at, ["doctor", "--fix"]);
  expect([mended.code, mended.stdout.match(/mended/g)?.length]).toEqual([0, 3]);
  expect(files.map((file) => mode(home(at, file)))).toEqual(["600", "600", "700"]);

  const used = await openkoi(at, ["-m", "chatgpt", "Do it."]);
  expect(used).toMatchObject({ code: 1, stderr: expect.stringContaining("Log in again: openkoi connect chatgpt.") });
}, 60_000);

describe("connect", () => {
  const GROQ = { GROQ_BASE_URL: "http://127.0.0.1:1" };
  const connect = (at: Place, args: string[], options: RunOptions = {}) => openkoi(at, ["connect", ...args], options);

  test("saves a piped key for this user alone, and disconnect removes it", async () => {
    const at = place();
    const saved = await connect(at, ["groq"], { stdin: "gsk-0123456789\n", env: GROQ });
    expect(saved).toMatchObject({ code: 0, stdout: expect.stringContaining("groq: saved in credentials/groq.key") });
    const path = home(at, ".openkoi/credentials/groq.key");
    expect(readFileSync(path, "utf8")).toBe("gsk-0123456789\n");
    expect([mode(path), mode(dirname(path))]).toEqual(["600", "700"]);
    expect((await connect(at, ["status"])).stdout).toContain("[+] groq        credentials/groq.key\n");

    const asked = await openkoi(at, ["disconnect", "groq"]);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining("openkoi disconnect groq --yes") });
    const removed = await openkoi(at, ["disconnect", "groq", "--yes"]);
    expect(removed).toMatchObject({ code: 0, stdout: "groq: removed from credentials/groq.key\n" });
    expect(existsSync(path)).toBe(false);
    expect((await openkoi(at, ["disconnect", "groq", "--yes"])).stdout).toBe("groq: nothing is saved\n");
  });

  test("asks the provider first, and does not save what it refuses", async () => {
    const at = place();
    const url = serve((request) => {
      const good = request.headers.get("authorization") === "Bearer gsk-good";
      return good ? Response.json({ data: [{ id: "a" }, { id: "b" }] }) : Response.json({}, { status: 401 });
    });
    const env = { GROQ_BASE_URL: url };
    const bad = await connect(at, ["groq"], { stdin: "gsk-bad", env });
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining("was not saved") });
    expect(existsSync(home(at, ".openkoi/credentials/groq.key"))).toBe(false);
    const good = await connect(at, ["groq"], { stdin: "gsk-good", env });
    expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining("and works (2 models)") });
    const listed = await openkoi(at, ["models", "--json"], { env });
    expect(JSON.parse(listed.stdout).map((model: { id: string }) => model.id)).toContain("groq/b");
  });

  test("says which credential is used where another one comes first", async () => {
    const at = place();
    const { stderr } = await connect(at, ["groq"], { stdin: "gsk-1", env: { ...GROQ, GROQ_API_KEY: "other" } });
    expect(stderr).toContain("environment GROQ_API_KEY comes before it");
  });

  test("takes no key from the command line, and repeats none", async () => {
    const at = place();
    for (const args of [["groq", "gsk-0123456789abcdef"], ["gsk-0123456789abcdef"]]) {
      const { code, stdout, stderr } = await connect(at, args, { stdin: "x" });
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain("0123456789");
    }
    const { code, stderr } = await connect(at, ["groqq"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean groq?")]);
  });

  test("without a name and without a terminal is a plain error; so are the other pickers", async () => {
    const at = place();
    for (const args of [["connect"], ["disconnect"], ["init"], ["-m", "?", "task"], ["--select-model", "task"]]) {
      const { code, stdout, stderr } = await openkoi(at, args, {
        env: args[0]!.startsWith("-") ? { GROQ_API_KEY: "k" } : {},
      });
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
      expect(stdout).not.toContain("\x1b");
    }
  });

  test("disconnect all removes everything that is saved", async () => {
    const at = place();
    await connect(at, ["groq"], { stdin: "gsk-1", env: GROQ });
    have(at, ".openkoi/auth.json", { providers: { copilot: { type: "oauth", access_token: "t" } } });
    have(at, ".openkoi/credentials/integrations.json", {});
    expect((await openkoi(at, ["disconnect", "all"])).code).toBe(2);
    const { code, stdout } = await openkoi(at, ["disconnect", "all", "--yes"]);
    expect([code, stdout]).toEqual([0, "removed: copilot, groq, those of integrations\n"]);
    for (const path of ["auth.json", "credentials/groq.key", "credentials/integrations.json"]) {
      expect(existsSync(home(at, `.openkoi/${path}`))).toBe(false);
    }
    // Where nothing is left there is nothing to confirm.
    expect(await openkoi(at, ["disconnect", "all"])).toMatchObject({ code: 0, stdout: "nothing is saved\n" });
  });

  test("knows what was meant by a misspelt word", async () => {
    const at = place();
    for (const [command, word, meant] of [
      ["connect", "statsu", "status"],
      ["connect", "antropic", "anthropic"],
      ["disconnect", "al", "all"],
    ] as const) {
      const { code, stderr } = await openkoi(at, [command, word]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`Did you mean ${meant}?`)]);
    }
  }, 60_000);

  test("init sets up, connects, and may be repeated", async () => {
    const at = place();
    const first = await openkoi(at, ["init", "--connect", "groq"], { stdin: "gsk-1", env: GROQ });
    expect(first.code).toBe(0);
    expect(first.stdout).toContain("config.toml (made)");
    expect(first.stdout).toContain("model: groq/");
    expect(mode(home(at, ".openkoi"))).toBe("700");
    const config = readFileSync(home(at, ".openkoi/config.toml"), "utf8");
    const second = await openkoi(at, ["setup"]);
    expect(second.code).toBe(0);
    expect(readFileSync(home(at, ".openkoi/config.toml"), "utf8")).toBe(config);
    expect((await openkoi(at, ["doctor"])).stdout).not.toContain("unknown key");
  });
});

describe("on a terminal", () => {
  test("init that is left says what it did, not that it did nothing", async () => {
    const at = place();
    const { code, seen } = await onTerminal(at, '"$OPENKOI" init', [{ when: "Connect (type to filter", type: "\x03" }]);
    expect(code).toBe(130);
    expect(seen).toContain("config.toml (made)");
    expect(seen).not.toContain("Nothing was changed");
    expect(seen).toContain("openkoi init goes on from there");
  });

  test("a server that needs no key is not asked one for: whether it answers is said, and how to start it", async () => {
    const at = place();
    const steps = [
      { when: "Connect (type to filter", type: "ollama" },
      { when: "): ollama", type: "\r" },
    ];
    const { code, seen } = await onTerminal(at, '"$OPENKOI" init', steps, { cols: 200, rows: 24 });
    expect(code).toBe(1);
    expect(seen).not.toContain("Key for");
    expect(seen).toContain("ollama needs no key, but is not ready at http://127.0.0.1:1");
    expect(seen).toContain("Start it (ollama serve)");

    const server = startOllamaFake([]);
    servers.push(server);
    at.env["OLLAMA_HOST"] = server.baseUrl;
    const there = await onTerminal(at, '"$OPENKOI" init --connect ollama', [], { cols: 200, rows: 24 });
    expect(there.code).toBe(0);
    expect(there.seen).toContain(`ollama: needs no key, and answers at ${server.baseUrl}`);
    expect(there.seen).toContain("model: ollama/");
  });

  test("the key is picked for, typed and never shown", async () => {
    const at = place();
    at.env["GROQ_BASE_URL"] = "http://127.0.0.1:1";
    const { code, seen } = await onTerminal(at, '"$OPENKOI" connect', [
      { when: "Connect (type to filter", type: "groq" },
      { when: "): groq", type: "\r" },
      { when: "(not shown): ", type: "gsk-secret-012\r" },
    ]);
    expect(code).toBe(0);
    expect(seen).not.toContain("gsk-secret");
    expect(readFileSync(home(at, ".openkoi/credentials/groq.key"), "utf8")).toBe("gsk-secret-012\n");
  });

  test("-m ? offers the model that the config names, also where its server lists none", async () => {
    const at = place();
    mkdirSync(home(at, ".openkoi"), { recursive: true });
    const server = `[providers.home]\nbase_url = "http://127.0.0.1:1/v1"\n`;
    writeFileSync(home(at, ".openkoi/config.toml"), `[models]\nexecutor = "home/coder"\n${server}`);
    const { seen } = await onTerminal(at, '"$OPENKOI" -m "?" -i 0 hi', [
      { when: "home/coder", type: "\r" },
      { when: "Model: home/coder", type: "\x03" },
    ]);
    expect(seen).toContain("Model: home/coder");
  });

  for (const [what, command, when] of [
    ["the picker", '"$OPENKOI" connect', "type to filter"],
    ["the hidden prompt", '"$OPENKOI" connect groq', "(not shown)"],
  ] as const) {
    test(`${what} puts the terminal back after Ctrl-C`, async () => {
      const before = `stty -a > before`;
      const after = `code=$?; stty -a > after; cmp before after && echo "same, exit $code"`;
      const { seen } = await onTerminal(place(), `${before}; ${command}; ${after}`, [{ when, type: "\x03" }]);
      expect(seen).toContain("same, exit 130");
    });
  }
});

describe("logging in by device code", () => {
  const env = (at: Issuer, id: string) => ({
    [`${id.toUpperCase()}_AUTH_URL`]: at.url,
    [`${id.toUpperCase()}_CLIENT_ID`]: "our-id",
  });

  test("understands every answer that RFC 8628 names", async () => {
    const cases: [NonNullable<IssuerScript["polls"]>, number, string][] = [
      [["authorization_pending", "granted"], 0, ""],
      [["access_denied"], 1, "the login was refused"],
      [["expired_token"], 1, "the code ran out"],
      [["slow_down", "granted"], 0, ""],
    ];
    const check = async (id: string, [polls, code, message]: (typeof cases)[number]) => {
      const at = place();
      const result = await openkoi(at, ["connect", id], { env: env(issuer({ polls, interval: 1 }), id) });
      expect(result.stderr).toContain(USER_CODE);
      expect(result.stderr).toContain(message);
      expect(result.code).toBe(code);
      const file = home(at, ".openkoi/auth.json");
      expect(existsSync(file)).toBe(code === 0);
      if (code !== 0) return;
      expect(mode(file)).toBe("600");
      const shown = await openkoi(at, ["connect", "status"]);
      expect(shown.stdout).toMatch(new RegExp(`^\\[\\+\\] ${id} +auth.json$`, "m"));
    };
    // Together, because the answers take the seconds that the RFC prescribes.
    await Promise.all(["copilot", "chatgpt"].flatMap((id) => cases.map((each) => check(id, each))));
  }, 30_000);

  test("without a registration of OpenKoi's own says so, and borrows none", async () => {
    for (const id of ["copilot", "chatgpt"]) {
      const { code, stderr } = await openkoi(place(), ["connect", id]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${id.toUpperCase()}_CLIENT_ID`)]);
    }
  });

  test("twenty processes that need a new token at once get it once", async () => {
    const at = place();
    const server = issuer();
    const login = {
      type: "oauth",
      access_token: "old",
      refresh_token: "refresh-0",
      expires_at: 1,
      extra: { client_id: "our-id" },
    };
    have(at, ".openkoi/auth.json", { providers: { chatgpt: login } });
    let served = 0;
    const url = serve((request) => {
      const saved = JSON.parse(readFileSync(home(at, ".openkoi/auth.json"), "utf8")).providers.chatgpt.access_token;
      if (request.headers.get("authorization") !== `Bearer ${saved}`) return new Response("", { status: 401 });
      served++;
      return Response.json({ models: [{ slug: "gpt-x" }] });
    });
    const runs = await Promise.all(
      Array.from({ length: 20 }, () =>
        openkoi(at, ["models", "--refresh"], { env: { ...env(server, "chatgpt"), CHATGPT_BASE_URL: url } }),
      ),
    );
    for (const { code, stderr } of runs) expect([code, stderr]).toEqual([0, "openkoi: chatgpt: 1 models\n"]);
    expect(served).toBe(20);
    expect(server.to("/oauth/token")).toHaveLength(1);
  }, 60_000);

  test("copilot's token is exchanged, used, and renewed when the service refuses it", async () => {
    const at = place();
    const server = issuer();
    const later = Math.floor(Date.now() / 1000) + 36_000;
    const login = { type: "oauth", access_token: "stale", refresh_token: "gho_x", expires_at: later, extra: {} };
    have(at, ".openkoi/auth.json", { providers: { copilot: login } });
    const plan = JSON.stringify({ kind: "question", category: "general", steps: [], checks: [] });
    const fake = startOpenAiFake([plan, "It is forty-two."], {
      key: "tid=1;exp=2;proxy-ep=proxy.business.githubcopilot.com;n=1",
    });
    servers.push(fake);
    const result = await openkoi(at, ["what is the answer?"], {
      env: { ...env(server, "copilot"), COPILOT_BASE_URL: fake.baseUrl },
    });
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("forty-two") });
    expect(server.to("/copilot_internal/v2/token")).toHaveLength(1);
    expect(fake.requests.at(-1)?.headers["editor-version"]).toStartWith("openkoi/");
  });
});

describe("Claude Code's login", () => {
  const LOGIN = { claudeAiOauth: { accessToken: "sk-ant-oat01-secret", expiresAt: Date.now() + 3_600_000 } };

  function machine() {
    const at = place();
    have(at, ".claude/.credentials.json", LOGIN);
    const seen: Record<string, string>[] = [];
    const url = serve((request) => {
      seen.push(Object.fromEntries(request.headers));
      const message =
        "This credential is only authorized for use with Claude Code and cannot be used for other API requests.";
      return Response.json({ type: "error", error: { type: "invalid_request_error", message } }, { status: 400 });
    });
    return { at, seen, env: { ANTHROPIC_BASE_URL: url } };
  }

  test("is listed as restricted and chosen for nothing", async () => {
    const { at, seen, env } = machine();
    const shown = await openkoi(at, ["connect", "status"], { env });
    expect(shown.stdout).toContain("[!] anthropic   restricted: Claude Code's login\n");
    const { code, stderr } = await openkoi(at, ["do something"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("openkoi connect anthropic");
    const status = await openkoi(at, ["status", "--json"], { env: { ...env, GROQ_API_KEY: "k" } });
    expect(JSON.parse(status.stdout).models.executor).toStartWith("groq/");
    expect(seen).toEqual([]);
  });

  test("is used where the user names it, as what it is; refused, it says how to get a key", async () => {
    const { at, seen, env } = machine();
    const { code, stdout, stderr } = await openkoi(at, ["-m", "anthropic/claude-sonnet-5", "do something"], { env });
    expect(code).toBe(1);
    expect(seen[0]?.["authorization"]).toBe("Bearer sk-ant-oat01-secret");
    expect(seen[0]?.["x-api-key"]).toBeUndefined();
    expect(JSON.stringify(seen)).not.toMatch(/claude-cli|claude-code/i);
    expect(stderr).toContain("get a key at https://");
    expect(stdout + stderr).not.toContain("sk-ant-oat01-secret");
  });
});

describe("a misspelt model", () => {
  test("is looked for in the provider's own list too", async () => {
    const at = place();
    const url = serve(() => Response.json({ data: [{ id: "zebra-9000" }] }));
    const env = { GROQ_API_KEY: "k", GROQ_BASE_URL: url };
    expect((await openkoi(at, ["models", "--refresh"], { env })).stderr).toBe("openkoi: groq: 1 models\n");
    const { code, stderr } = await openkoi(at, ["-m", "zebra-900", "task"], { env });
    expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean zebra-9000?")]);
  });
});
