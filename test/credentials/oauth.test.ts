import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Clock } from "../../src/contracts/kit.ts";
import { tokensOf } from "../../src/credentials/auth-file.ts";
import { pollErrorOf } from "../../src/credentials/oauth/device.ts";
import { createSession, type LoginRow, logIn, type ShownCode } from "../../src/credentials/oauth/session.ts";
import { ACCOUNT, type Issuer, type IssuerScript, startIssuer, USER_CODE } from "../fakes/issuer.ts";
import { failure } from "../providers/support.ts";
import { describeSpecs } from "../specs.ts";
import { withoutRoot } from "../without-root.ts";

const issuers: Issuer[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(issuers.splice(0).map((issuer) => issuer.stop()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** The real time, plus what was slept, plus how much this machine's clock is ahead. */
function clockOf(aheadMs = 0): Clock & { slept: number[] } {
  const slept: number[] = [];
  const total = () => slept.reduce((sum, ms) => sum + ms, 0);
  return {
    slept,
    now: () => Date.now() + aheadMs + total(),
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
    },
  };
}

async function stage(kind: "copilot" | "chatgpt", script: IssuerScript = {}, clock = clockOf()) {
  const issuer = startIssuer(script);
  issuers.push(issuer);
  const folder = await mkdtemp(join(tmpdir(), "openkoi-oauth-"));
  folders.push(folder);
  const file = join(folder, "auth.json");
  const login = { kind, url: issuer.url, apiUrl: issuer.url, clientId: "our-id", clientIdEnv: "X_CLIENT_ID" };
  const row: LoginRow = { id: kind, displayName: kind === "copilot" ? "GitHub Copilot" : "ChatGPT", login };
  const shown: ShownCode[] = [];
  const signal = new AbortController().signal;
  const saved = async () => tokensOf(JSON.parse(await readFile(file, "utf8")).providers[kind]);
  return {
    issuer,
    file,
    row,
    clock,
    shown,
    saved,
    enter: (at = row) => logIn(at, { clock, signal, file, show: (code) => void shown.push(code) }),
    session: async () => createSession(row, (await saved())!, clock, file),
    polls: () => issuer.to(kind === "copilot" ? "/login/oauth/access_token" : "/api/accounts/deviceauth/token").length,
  };
}

const never = new AbortController().signal;

for (const kind of ["copilot", "chatgpt"] as const) {
  describe(`logging in to ${kind}`, () => {
    test("shows the code, waits for the user and saves the tokens for this user alone", async () => {
      const at = await stage(kind, { polls: ["authorization_pending", "authorization_pending", "granted"] });
      await at.enter();
      expect(at.shown[0]?.userCode).toBe(USER_CODE);
      expect(at.clock.slept).toEqual([5000, 5000, 5000]);
      expect((await stat(at.file)).mode & 0o777).toBe(0o600);
      const entry = JSON.parse(await readFile(at.file, "utf8")).providers[kind];
      expect(Object.keys(entry).sort()).toEqual(["access_token", "expires_at", "extra", "refresh_token", "type"]);
      expect(entry.type).toBe("oauth");
      expect(Math.abs(entry.expires_at - Date.now() / 1000 - 1800)).toBeLessThan(60);
    });

    test("keeps what else auth.json holds", async () => {
      const at = await stage(kind);
      await writeFile(at.file, JSON.stringify({ providers: { groq: { type: "api_key", key: "k" } }, other: 1 }));
      await at.enter();
      const whole = JSON.parse(await readFile(at.file, "utf8"));
      expect(whole).toMatchObject({ providers: { groq: { type: "api_key", key: "k" } }, other: 1 });
    });

    test("asks five seconds slower from each slow_down on", async () => {
      const at = await stage(kind, { polls: ["slow_down", "authorization_pending", "slow_down", "granted"] });
      await at.enter();
      expect(at.clock.slept).toEqual([5000, 10_000, 10_000, 15_000]);
    });

    test("backs off where the server is not the one that answers, or is busy, and goes on", async () => {
      const at = await stage(kind, { polls: ["portal", "busy", "authorization_pending", "granted"] });
      await at.enter();
      expect(at.clock.slept).toEqual([5000, 10_000, 20_000, 5000]);
      expect(await at.saved()).toBeDefined();
    });

    test("ends where the user refuses", async () => {
      const at = await stage(kind, { polls: ["authorization_pending", "access_denied"] });
      expect(await failure(at.enter())).toMatchObject({ message: expect.stringContaining("refused") });
      expect(at.polls()).toBe(2);
      expect(await Bun.file(at.file).exists()).toBe(false);
    });

    test("ends where the code ran out, by the server's word or by the time that was waited", async () => {
      const told = await stage(kind, { polls: ["expired_token"] });
      expect(await failure(told.enter())).toMatchObject({ message: expect.stringContaining("ran out") });
      const waited = await stage(kind, { polls: Array(1000).fill("authorization_pending"), expiresIn: 900 });
      expect(await failure(waited.enter())).toMatchObject({ message: expect.stringContaining("ran out") });
      expect(waited.polls()).toBe(180);
    });

    test("works whatever this machine's clock says", async () => {
      for (const aheadMs of [-86_400_000 * 400, 86_400_000 * 400]) {
        const at = await stage(kind, {}, clockOf(aheadMs));
        await at.enter();
        const { expiresAt } = (await at.saved())!;
        expect(Math.abs(expiresAt! - at.clock.now() - 1_800_000)).toBeLessThan(60_000);
        const token = await (await at.session())(never);
        expect(token.value).toBe((await at.saved())!.access);
      }
    });

    test("is not possible under another program's registration", async () => {
      const at = await stage(kind);
      const row = { ...at.row, login: { ...at.row.login, clientId: "" } };
      const error = await failure(at.enter(row));
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ remedy: expect.stringContaining("X_CLIENT_ID") });
      expect(at.issuer.seen).toEqual([]);
    });

    test("never says that it is another program", async () => {
      const at = await stage(kind);
      await at.enter();
      for (const { headers } of at.issuer.seen) {
        expect(headers["user-agent"]).toStartWith("openkoi/");
        expect(JSON.stringify(headers)).not.toMatch(/vscode|codex|githubcopilot|claude/i);
      }
    });

    test("shows no token when the server refuses", async () => {
      const at = await stage(kind, { polls: ["nonsense" as never] });
      const error = (await failure(at.enter())) as unknown as UserError;
      expect(error.message).toContain("HTTP 400");
      expect(`${error.message} ${error.remedy}`).not.toMatch(/GmRhmh|gho_/);
    });
  });
}

describe("a login's token", () => {
  const old = (access: string, refresh: string, expires_at: number, extra = {}) => ({
    type: "oauth",
    access_token: access,
    refresh_token: refresh,
    expires_at,
    extra,
  });

  async function withEntry(kind: "copilot" | "chatgpt", entry: unknown, script: IssuerScript = {}) {
    const at = await stage(kind, script);
    await writeFile(at.file, JSON.stringify({ providers: { [kind]: entry } }));
    return at;
  }

  test("is used as long as it lasts, and renewed before it runs out", async () => {
    const soon = Math.floor(Date.now() / 1000) + 3600;
    const at = await withEntry("chatgpt", old("access", "refresh-0", soon, { client_id: "our-id", account_id: "a" }));
    const token = await at.session();
    expect(await token(never)).toEqual({
      value: "access",
      headers: { originator: "openkoi", "chatgpt-account-id": "a" },
    });
    expect(at.issuer.seen).toEqual([]);
    at.clock.slept.push(3_590_000);
    const renewed = await token(never);
    expect(renewed.headers?.["chatgpt-account-id"]).toBe(ACCOUNT);
    expect(await at.saved()).toMatchObject({ access: renewed.value, refresh: "refresh-1" });
  });

  test("is renewed at once where the provider refused it, whatever the clock says", async () => {
    const later = Math.floor(Date.now() / 1000) + 36_000;
    const at = await withEntry("chatgpt", old("access", "refresh-0", later, { client_id: "our-id" }));
    const token = await at.session();
    const renewed = await token(never, "access");
    expect(renewed.value).not.toBe("access");
    // Another one that was refused before it was renewed takes what is there now.
    expect((await token(never, "access")).value).toBe(renewed.value);
    expect(at.issuer.to("/oauth/token").length).toBe(1);
  });

  test("is renewed once by many that need it at the same time", async () => {
    const at = await withEntry("chatgpt", old("access", "refresh-0", 1, { client_id: "our-id" }));
    const sessions = await Promise.all(Array.from({ length: 5 }, () => at.session()));
    const tokens = await Promise.all(sessions.flatMap((token) => [token(never), token(never)]));
    expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
    expect(at.issuer.to("/oauth/token").length).toBe(1);
  });

  test("is not destroyed by a renewal that fails", async () => {
    const entry = old("access", "refresh-0", 1, { client_id: "our-id", mine: 1 });
    for (const renewal of ["broken", "portal"] as const) {
      const at = await withEntry("chatgpt", entry, { renewal });
      const before = await readFile(at.file, "utf8");
      expect(await failure((await at.session())(never))).toMatchObject({ name: "HttpError" });
      expect(await readFile(at.file, "utf8")).toBe(before);
    }
    const over = await withEntry("chatgpt", entry, { renewal: "invalid_grant" });
    expect(await failure((await over.session())(never))).toMatchObject({ remedy: "openkoi connect chatgpt" });
    expect(await over.saved()).toMatchObject({
      access: "access",
      refresh: "refresh-0",
      extra: { mine: 1, refused: true },
    });
  });

  test("does for the moment where it cannot be renewed early", async () => {
    const soon = Math.floor(Date.now() / 1000) + 60;
    const at = await withEntry("chatgpt", old("access", "refresh-0", soon, { client_id: "our-id" }), {
      renewal: "broken",
    });
    expect((await (await at.session())(never)).value).toBe("access");
  });

  test("is waited for no longer than the caller wants to", async () => {
    const at = await withEntry("chatgpt", old("access", "refresh-0", 1, { client_id: "our-id" }));
    const { signal } = new AbortController();
    const aborted = AbortSignal.abort(new Error("enough"));
    const token = await at.session();
    expect(await failure(token(aborted))).toMatchObject({ message: "enough" });
    expect((await token(signal)).value).toContain(".");
  });

  test("says so where the login was removed meanwhile", async () => {
    const at = await withEntry("chatgpt", old("access", "refresh-0", 1, { client_id: "our-id" }));
    const token = await at.session();
    await writeFile(at.file, "{}");
    expect(await failure(token(never))).toMatchObject({ message: "ChatGPT: the login was removed" });
  });

  test("of Copilot names the plan's server, and only one of GitHub's", async () => {
    const at = await stage("copilot");
    await at.enter();
    expect(await (await at.session())(never)).toMatchObject({ baseUrl: "https://api.business.githubcopilot.com" });
    const evil = old("access", "gho_x", 99_999_999_999, { base_url: "https://githubcopilot.com.evil.test" });
    const other = await withEntry("copilot", evil);
    expect((await (await other.session())(never)).baseUrl).toBeUndefined();
  });

  test("of Copilot is GitHub's own where GitHub gives no other", async () => {
    const at = await stage("copilot", { exchangeStatus: 404 });
    await at.enter();
    expect(await at.saved()).toMatchObject({ access: "gho_github", refresh: "gho_github", expiresAt: undefined });
  });

  test("of Copilot is not there for an account without it", async () => {
    const at = await stage("copilot", { exchangeStatus: 403 });
    expect(await failure(at.enter())).toMatchObject({
      message: "GitHub gives no Copilot access (HTTP 403: No Copilot here)",
    });
  });

  test("of an older file, which holds GitHub's alone, is exchanged", async () => {
    const at = await withEntry("copilot", { type: "oauth", access_token: "ghu_old", expires_at: 5 });
    expect((await (await at.session())(never)).value).toContain("proxy-ep");
    expect(at.issuer.to("/copilot_internal/v2/token")[0]?.headers["authorization"]).toBe("token ghu_old");
  });

  test("cannot be renewed where auth.json cannot be written, and the issuer is not even asked", async () => {
    const at = await withEntry("chatgpt", old("access", "refresh-0", 1, { client_id: "our-id" }));
    const folder = join(at.file, "..");
    await chmod(folder, 0o500);
    const error = await withoutRoot(folder, async () => failure((await at.session())(never)));
    await chmod(folder, 0o700);
    expect(error).toMatchObject({ name: "UserError", message: expect.stringContaining("auth.json cannot be written") });
    expect(at.issuer.to("/oauth/token")).toHaveLength(0);
    // With the lock already there, and a folder where the file's successor would be written.
    await writeFile(`${at.file}.lock`, "");
    await chmod(folder, 0o500);
    const again = await withoutRoot(folder, async () => failure((await at.session())(never)));
    await chmod(folder, 0o700);
    expect(again.message).toContain("auth.json cannot be written");
    expect(at.issuer.to("/oauth/token")).toHaveLength(0);
    expect(await at.saved()).toMatchObject({ access: "access", refresh: "refresh-0" });
  });
});

describeSpecs("crypto-auth", (dir) => {
  const rfc = JSON.parse(readFileSync(join(dir, "oauth-device-rfc8628.json"), "utf8"));

  test("every error that RFC 8628 names has its treatment", () => {
    const states = {
      authorization_pending: "pending",
      slow_down: "slow_down",
      access_denied: "denied",
      expired_token: "expired",
    };
    for (const { error } of rfc.poll_errors) {
      expect(pollErrorOf(error)?.state as string).toBe(states[error as keyof typeof states]);
    }
    expect(rfc.poll_errors.length).toBe(4);
  });

  test("the requests are those of RFC 8628", async () => {
    const at = await stage("copilot");
    await at.enter();
    const [code, token] = at.issuer.seen;
    expect(Object.keys(code!.form).sort()).toEqual(Object.keys(rfc.device_authorization_request.form).sort());
    expect(token!.form).toEqual({ ...rfc.token_request.form, client_id: "our-id" });
    expect(code!.headers["content-type"]).toBe(rfc.token_request.content_type);
  });
});
