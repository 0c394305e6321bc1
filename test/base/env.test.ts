import { describe, expect, test } from "bun:test";
import { childEnv, namesCredential, readEnv } from "../../src/base/env.ts";

describe("the environment of a child", () => {
  test("keeps what ordinary work needs", () => {
    const env = {
      PATH: "/bin",
      HOME: "/h",
      LANG: "C.UTF-8",
      TERM: "xterm",
      CI: "true",
      PWD: "/p",
      NODE_ENV: "test",
      GOPATH: "/go",
      JAVA_HOME: "/j",
      HTTP_PROXY: "http://proxy:3128",
      LD_LIBRARY_PATH: "/lib",
      NODE_OPTIONS: "--max-old-space-size=4096",
      MAX_TOKENS: "5",
      KEYBOARD: "de",
      AWS_REGION: "eu-west-1",
    };
    expect(childEnv(env)).toEqual(env);
  });

  const secrets = [
    "ANTHROPIC_API_KEY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "CI_JOB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PGPASSWORD",
    "MYSQL_PWD",
    "DB_PASS",
    "SECRET_KEY_BASE",
    "RAILS_MASTER_KEY",
    "SLACK_WEBHOOK_URL",
    "SENTRY_DSN",
    "npm_config_//registry.npmjs.org/:_authToken",
    "DOCKER_AUTH_CONFIG",
    "AZURE_STORAGE_CONNECTION_STRING",
    "SSH_AUTH_SOCK",
    "GPG_AGENT_INFO",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
  ];
  for (const name of secrets) {
    test(`leaves ${name} out`, () => {
      expect(childEnv({ [name]: "x" })).toEqual({});
    });
  }

  const injectors = ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BUN_OPTIONS", "BUN_BE_BUN", "BASH_ENV", "ENV"];
  for (const name of injectors) {
    test(`leaves ${name} out, which would run code in every program`, () => {
      expect(childEnv({ [name]: "x" })).toEqual({});
    });
  }

  test("leaves NODE_OPTIONS out where it loads code or opens a debugger", () => {
    for (const value of [
      "--require /x.js",
      "-r /x.js",
      "--import=./x.js",
      '"--loader" x',
      "--inspect-brk",
      "--a --require=x",
    ]) {
      expect(childEnv({ NODE_OPTIONS: value })).toEqual({});
    }
  });

  test("leaves values out that hold a credential whatever they are called", () => {
    expect(
      childEnv({
        DATABASE_URL: "postgres://user:pass@host/db",
        MY_SETTING: `sk-${"aB3".repeat(10)}`,
        HTTPS_PROXY: "http://me:pw@proxy:3128",
        DEPLOY: "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
      }),
    ).toEqual({});
    expect(childEnv({ DATABASE_URL: "postgres://localhost/db" })).toEqual({ DATABASE_URL: "postgres://localhost/db" });
  });

  test("leaves everything of OpenKoi out", () => {
    expect(childEnv({ OPENKOI_HOME: "/x", OPENKOI_MODEL: "a/b" })).toEqual({});
  });

  test("adds what it is told to add, whatever it is called", () => {
    expect(childEnv({ A: undefined, B: "1" }, { BUN_BE_BUN: "1" })).toEqual({ B: "1", BUN_BE_BUN: "1" });
  });
});

test("names of credentials are known in any case", () => {
  expect(namesCredential("my_api_key")).toBe(true);
  expect(namesCredential("token")).toBe(true);
  expect(namesCredential("PWD")).toBe(false);
  expect(namesCredential("OLDPWD")).toBe(false);
  expect(namesCredential("monkey")).toBe(false);
});

test("the environment is a copy", () => {
  const env = readEnv() as Record<string, string | undefined>;
  env["OPENKOI_TEST_ONLY"] = "1";
  expect(readEnv()["OPENKOI_TEST_ONLY"]).toBeUndefined();
});
