import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CredentialRow } from "../../src/contracts/credential.ts";
import { createDiscovery, type Places } from "../../src/credentials/discover.ts";
import { jwt } from "../fakes/issuer.ts";
import { failure, fakeClock } from "../providers/support.ts";

const home = await mkdtemp(join(tmpdir(), "openkoi-credentials-"));
afterAll(() => rm(home, { recursive: true }));
beforeEach(async () => {
  await rm(home, { recursive: true });
  await mkdir(home);
});
const paths = { auth: join(home, "auth.json"), credentials: join(home, "credentials"), userHome: join(home, "user") };
const clock = fakeClock();
const LATER = clock.now() + 3_600_000;

const groq: CredentialRow = {
  id: "groq",
  displayName: "Groq",
  keyEnv: ["GROQ_API_KEY", "GROQ_KEY"],
  needsKey: true,
};
const rowOf = (id: string, keyUrl = ""): CredentialRow => ({
  id,
  displayName: id,
  keyEnv: [`${id.toUpperCase()}_API_KEY`],
  needsKey: true,
  ...(keyUrl ? { keyUrl } : {}),
});
const anthropic = rowOf("anthropic", "https://keys.test");
const login = { url: "http://127.0.0.1:9", apiUrl: "http://127.0.0.1:9", clientId: "", clientIdEnv: "X" };
const chatgpt: CredentialRow = { ...rowOf("chatgpt"), keyEnv: [], login: { kind: "chatgpt", ...login } };
const copilot: CredentialRow = { ...rowOf("copilot"), keyEnv: ["GH"], login: { kind: "copilot", ...login } };

/** Files below the home folder, by path; what is no text becomes JSON. */
async function have(files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  }
}

const found = (row: CredentialRow, env: Record<string, string> = {}, more: Partial<Places> = {}) =>
  createDiscovery({ env, paths, clock, ...more })(row);

const auth = (entry: unknown, id = "groq") => ({ "auth.json": { providers: { [id]: entry } } });
const apiKey = auth({ type: "api_key", key: "from-auth" });
const claude = (expiresAt: unknown = LATER) => ({
  "user/.claude/.credentials.json": {
    claudeAiOauth: { accessToken: "sk-ant-oat01-secret", refreshToken: "r", expiresAt },
  },
});
const codex = (value: unknown) => ({ "user/.codex/auth.json": value });

describe("a provider's credential", () => {
  test("comes from the environment first, then auth.json, then the saved key", async () => {
    await have({ ...apiKey, "credentials/groq.key": "from-file\n" });
    expect(await found(groq, { GROQ_API_KEY: " from-env\n" })).toMatchObject({
      value: "from-env",
      source: "environment GROQ_API_KEY",
    });
    expect(await found(groq, { GROQ_KEY: "second" })).toMatchObject({ source: "environment GROQ_KEY" });
    expect(await found(groq, { GROQ_API_KEY: "" })).toMatchObject({ value: "from-auth", source: "auth.json" });
    await rm(paths.auth);
    expect(await found(groq)).toMatchObject({ value: "from-file", source: "credentials/groq.key", state: "ready" });
    await rm(paths.credentials, { recursive: true });
    expect(await found(groq)).toEqual({
      kind: "none",
      source: undefined,
      value: undefined,
      state: "missing",
      remedy: "Set GROQ_API_KEY, or save it: openkoi connect groq.",
    });
  });

  test("is not looked for further where a source is broken", async () => {
    await have({ "credentials/groq.key": "from-file" });
    expect(await found(groq, { GROQ_API_KEY: "a\u0000b" })).toMatchObject({ state: "broken", value: undefined });
    for (const broken of [{ type: "api_key", key: 5 }, { type: "api_key", key: "" }, "text", { type: "oauth" }]) {
      await have(auth(broken));
      expect(await found(groq)).toMatchObject({ state: "broken", source: "auth.json", value: undefined });
    }
    for (const text of ["{not json", "[1]", '{"providers":{"groq":{"key":"sk-secret']) {
      await have({ "auth.json": text });
      const { state, remedy } = await found(groq);
      expect(state).toBe("broken");
      expect(remedy).not.toContain("secret");
    }
    await have({ "auth.json": {}, "credentials/groq.key": "" });
    expect(await found(groq)).toMatchObject({ state: "broken", source: "credentials/groq.key" });
    await have({ "credentials/groq.key": "one\ntwo" });
    expect(await found(groq)).toMatchObject({ state: "broken" });
  });

  test("is not that of another provider", async () => {
    await have({ ...auth({ type: "api_key", key: "x" }, "openai"), "credentials/groq.key": "mine", "stray.key": "s" });
    expect((await found(groq)).value).toBe("mine");
    expect((await found(rowOf("../stray"))).state).toBe("missing");
  });

  test("is not needed by a server that asks for none, but used where there is one", async () => {
    const local = { ...groq, needsKey: false };
    expect(await found(local)).toMatchObject({ state: "ready", source: "no key needed", value: undefined });
    expect((await found(local, { GROQ_API_KEY: "k" })).value).toBe("k");
  });
});

describe("a login that its issuer keeps to another program", () => {
  test("is shown as restricted, with the way to a key of one's own", async () => {
    await have(claude());
    const credential = await found(anthropic);
    expect(credential).toMatchObject({
      kind: "oauth",
      state: "restricted",
      source: "Claude Code's login",
      value: "sk-ant-oat01-secret",
    });
    expect(credential.remedy).toContain("get a key at https://keys.test and save it with openkoi connect anthropic");
    expect(JSON.stringify(credential.headers)).not.toMatch(/claude-code|claude-cli/i);
  });

  test("does not stand before a key", async () => {
    await have({ ...claude(), "credentials/anthropic.key": "mine" });
    expect(await found(anthropic)).toMatchObject({ state: "ready", value: "mine" });
    await have(auth({ type: "api_key", key: "from-auth" }, "anthropic"));
    expect(await found(anthropic)).toMatchObject({ state: "ready", source: "auth.json" });
    await have(auth({ type: "oauth", access_token: "token", refresh_token: "r" }, "anthropic"));
    expect(await found(anthropic)).toMatchObject({ state: "ready", value: "mine" });
    await rm(paths.credentials, { recursive: true });
    expect(await found(anthropic)).toMatchObject({ state: "restricted", source: "auth.json", value: "token" });
  });

  test("whose time is over is expired, and does not stand before a key either", async () => {
    await have(claude(clock.now() - 1));
    expect(await found(anthropic)).toMatchObject({ state: "expired", value: undefined });
    await have({ "credentials/anthropic.key": "mine" });
    expect(await found(anthropic)).toMatchObject({ state: "ready", value: "mine" });
  });

  test("is found in the macOS Keychain, whose secret is asked for only when it is used", async () => {
    let asked = 0;
    const keychain = {
      has: async (service: string) => service === "Claude Code-credentials",
      secret: async () => {
        asked++;
        return JSON.stringify(claude()["user/.claude/.credentials.json"]);
      },
    };
    const credential = await found(anthropic, {}, { keychain });
    expect(credential).toMatchObject({ state: "restricted", source: "macOS Keychain (Claude Code)", value: undefined });
    expect(asked).toBe(0);
    expect((await credential.token!(new AbortController().signal)).value).toBe("sk-ant-oat01-secret");
    expect((await found(groq, {}, { keychain })).state).toBe("missing");
    const bad = { has: async () => true, secret: async () => "{}" };
    const other = await found(anthropic, {}, { keychain: bad });
    expect(await failure(other.token!(new AbortController().signal))).toMatchObject({ name: "UserError" });
  });
});

describe("what other programs saved", () => {
  test("is Codex's key for openai and Codex's login for chatgpt", async () => {
    const access = jwt({ exp: LATER / 1000 });
    await have(codex({ OPENAI_API_KEY: "sk-codex", tokens: { access_token: access, account_id: "acc" } }));
    expect(await found(rowOf("openai"))).toMatchObject({ state: "ready", value: "sk-codex", source: "Codex's login" });
    expect(await found(chatgpt)).toMatchObject({
      state: "ready",
      kind: "oauth",
      value: access,
      headers: { "chatgpt-account-id": "acc", originator: "openkoi" },
    });
    await have(codex({ OPENAI_API_KEY: null, tokens: { access_token: jwt({ exp: 5 }), account_id: "acc" } }));
    expect((await found(rowOf("openai"))).state).toBe("missing");
    expect(await found(chatgpt)).toMatchObject({ state: "expired", value: undefined });
  });

  test("is Qwen Code's login, for Qwen's own servers alone", async () => {
    const file = (resource_url: string, expiry_date = LATER) => ({
      "user/.qwen/oauth_creds.json": { access_token: "qwen-token", resource_url, expiry_date },
    });
    await have(file("portal.qwen.ai"));
    expect(await found(rowOf("qwen"))).toMatchObject({ state: "ready", baseUrl: "https://portal.qwen.ai/v1" });
    for (const evil of ["evil.test", "https://qwen.ai.evil.test/v1", "http://portal.qwen.ai"]) {
      await have(file(evil));
      expect(await found(rowOf("qwen"))).toMatchObject({ state: "broken", value: undefined });
    }
    await have(file("portal.qwen.ai", 1000));
    expect(await found(rowOf("qwen"))).toMatchObject({ state: "expired" });
  });

  test("is not passed over where it is broken, and not repeated", async () => {
    await have({ ...codex('{"OPENAI_API_KEY": "sk-sec'), "credentials/openai.key": "mine" });
    const { state, remedy } = await found(rowOf("openai"));
    expect(state).toBe("broken");
    expect(remedy).not.toContain("sk-sec");
  });
});

describe("a login of one's own", () => {
  const entry = (access_token: string, refresh_token: string, expires_at: number, extra = {}) =>
    auth({ type: "oauth", access_token, refresh_token, expires_at, extra }, "copilot");

  test("is ready while it lasts or can be renewed", async () => {
    await have(entry("token", "gho", LATER / 1000));
    const { state, source, secrets, token } = await found(copilot);
    expect({ state, source, secrets }).toEqual({ state: "ready", source: "auth.json", secrets: ["token", "gho"] });
    expect((await token!(new AbortController().signal)).value).toBe("token");
    await have(entry("token", "gho", 5));
    expect((await found(copilot)).state).toBe("ready");
  });

  test("is expired where it cannot be renewed, or the issuer said so", async () => {
    await have(entry("token", "", 5));
    expect(await found(copilot)).toMatchObject({ state: "expired", remedy: "Log in again: openkoi connect copilot." });
    await have(entry("token", "gho", 5, { refused: true }));
    expect((await found(copilot)).state).toBe("expired");
  });

  test("may also stand in the environment, and is then kept out of auth.json", async () => {
    const credential = await found(copilot, { GH: "gho_env" });
    expect(credential).toMatchObject({ state: "ready", kind: "oauth", source: "environment GH" });
    expect(await Bun.file(paths.auth).exists()).toBe(false);
  });

  test("is asked for where there is none", async () => {
    expect(await found(chatgpt)).toMatchObject({ state: "missing", remedy: "Log in: openkoi connect chatgpt." });
  });
});
