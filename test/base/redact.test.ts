import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRedactor, type Redactor } from "../../src/base/redact.ts";

/** No text in this file looks like a real credential: they are put together here. */
const made = (prefix: string, length: number, letters = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z") =>
  prefix + letters.repeat(Math.ceil(length / letters.length)).slice(0, length);

const key = made("sk-ant-api03-", 80);
const password = 'p"a\\ss wörd/100%+';
const redactor = createRedactor({ secrets: [key, password] });
const placeholder = /^\[\[secret:[0-9a-f]{8}(-\w+)?\]\]$/;

function streamed(redactor: Redactor, text: string, cuts: readonly number[]): string {
  const stream = redactor.stream();
  let start = 0;
  let result = "";
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    result += stream.push(text.slice(start, cut));
    start = Math.max(start, cut);
  }
  return result + stream.push(text.slice(start)) + stream.end();
}

describe("a given secret", () => {
  test("is replaced by a placeholder and put back", () => {
    const text = `curl -H "x-api-key: ${key}" and ${key}, ${password}`;
    const hidden = redactor.hide(text);
    expect(hidden).not.toContain(key);
    expect(hidden).not.toContain(password);
    expect(redactor.hide(key)).toMatch(placeholder);
    expect(redactor.reveal(hidden)).toBe(text);
  });

  test("has the same placeholder in every run, whatever the other secrets are", () => {
    expect(createRedactor({ secrets: ["another secret", key] }).hide(key)).toBe(redactor.hide(key));
    expect(createRedactor({ secrets: ["another secret"] }).hide("another secret")).not.toBe(redactor.hide(key));
  });

  test("is found JSON-escaped, URL-encoded and as a form field", () => {
    const forms = [
      JSON.stringify({ password }),
      encodeURIComponent(password),
      new URLSearchParams({ password }).toString(),
    ];
    for (const form of forms) {
      const hidden = redactor.hide(form);
      expect(hidden).toContain("[[secret:");
      expect(hidden).not.toContain("100%");
      expect(redactor.reveal(hidden)).toBe(form);
    }
  });

  test("is found within base64, wherever it stands in it", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        (before, after, url) => {
          const bytes = Buffer.concat([before, Buffer.from(key), after]);
          const text = `Basic ${bytes.toString(url ? "base64url" : "base64")}.`;
          const hidden = redactor.hide(text);
          expect(hidden).toContain("[[secret:");
          // Of 93 bytes at most two, next to its borders, are still readable.
          const left = hidden.replace(/\[\[secret:[^\]]+\]\]/, "").length;
          expect(left).toBeLessThanOrEqual("Basic .".length + ((before.length + after.length) * 4) / 3 + 8);
          expect(redactor.reveal(hidden)).toBe(text);
        },
      ),
    );
  });

  test("at the end of a basic-auth header leaves nothing behind", () => {
    const hidden = redactor.hide(`Basic ${btoa(`user:${key}`)}`);
    expect(hidden).toMatch(/^Basic dXNlcj[a-zA-Z0-9+/]?\[\[secret:[0-9a-f]{8}-b2e?\]\]=*$/);
  });

  test("of less than eight characters is left alone, white space around it is not part of it", () => {
    expect(createRedactor({ secrets: ["short"] }).hide("short")).toBe("short");
    expect(createRedactor({ secrets: ["", "   "] }).hide("       x")).toBe("       x");
    expect(createRedactor({ secrets: [`${key}\n`] }).hide(`${key}.`)).toBe(`${redactor.hide(key)}.`);
  });

  test("may be added later, also while a stream is open", () => {
    const late = createRedactor({ secrets: [] });
    const stream = late.stream();
    expect(stream.push("before ")).toBe("before ");
    late.add(key);
    late.add(key);
    expect(stream.push(key.slice(0, 20))).toBe("");
    expect(stream.push(key.slice(20)) + stream.end()).toBe(redactor.hide(key));
  });

  test("that holds another one is replaced as a whole", () => {
    const both = createRedactor({ secrets: ["inner-secret", "outer inner-secret outer"] });
    expect(both.hide("outer inner-secret outer")).toMatch(placeholder);
    expect(both.reveal(both.hide("x inner-secret outer"))).toBe("x inner-secret outer");
  });
});

describe("text", () => {
  test("without secrets is the very same", () => {
    const text = "nothing [[here]] and [[secret:1]] and [[secret:00000000]]";
    expect(redactor.hide(text)).toBe(text);
    expect(redactor.reveal(text)).toBe(text);
    const none = createRedactor({ secrets: [] });
    expect(none.hide(key)).toBe(key);
    expect(none.stream().push(key)).toBe(key);
  });

  const part = fc.oneof(
    fc.constantFrom(key, password, JSON.stringify(password), encodeURIComponent(password), btoa(key), key.slice(0, 30)),
    fc.string({ maxLength: 10 }),
  );
  const texts = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));

  test("hidden and revealed is the same text, hidden twice is like once", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const hidden = redactor.hide(text);
        expect(hidden.includes(key) || hidden.includes(password)).toBe(false);
        expect(redactor.reveal(hidden)).toBe(text);
        expect(redactor.hide(hidden)).toBe(hidden);
      }),
      { numRuns: 500 },
    );
  });

  test("in a stream, however cut, is hidden like the whole", () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(400)), (text, cuts) => {
        expect(streamed(redactor, text, cuts)).toBe(redactor.hide(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("in a stream is held back only where a secret may begin", () => {
    const stream = redactor.stream();
    expect(stream.push("see s")).toBe("see ");
    expect(stream.push("oon, s")).toBe("soon, ");
    expect(stream.push("k-ant")).toBe("");
    expect(stream.push("ics")).toBe("sk-antic");
    expect(stream.end()).toBe("s");
  });
});

const kinds = createRedactor({ secrets: [key], kinds: true });
const pemBody = `${made("", 64)}\n${made("", 64)}\n${made("", 20)}==`;
const pem = `-----BEGIN RSA PRIVATE KEY-----\n${pemBody}\n-----END RSA PRIVATE KEY-----`;
const jwt = `${made("eyJ", 30)}.${made("eyJ", 60)}.${made("", 43)}`;
const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const found: [what: string, text: string, secret: string][] = [
  ["AWS key id", `id ${made("AKIA", 16, upper)}.`, made("AKIA", 16, upper)],
  ["AWS secret", `aws_secret_access_key = ${made("", 40)}\n`, made("", 40)],
  ["AWS secret in JSON", `{"SecretAccessKey": "${made("", 40)}"}`, made("", 40)],
  ["GitHub token", `x=${made("ghp_", 36)};`, made("ghp_", 36)],
  ["GitHub fine-grained token", made("github_pat_", 60), made("github_pat_", 60)],
  ["GitLab token", `"${made("glpat-", 20)}"`, made("glpat-", 20)],
  ["Slack token", made("xoxb-123456789012-", 24), made("xoxb-123456789012-", 24)],
  ["Slack webhook", `https://hooks.slack.com/services/${made("T0", 40)}`, made("T0", 40)],
  ["Discord webhook", `https://discord.com/api/webhooks/123456/${made("", 60)}`, made("", 60)],
  ["Stripe key", made("sk_live_", 24), made("sk_live_", 24)],
  ["OpenAI key", `OPENAI=${made("sk-proj-", 48)}`, made("sk-proj-", 48)],
  ["OpenRouter key", made("sk-or-v1-", 64, "0123456789abcdef"), made("sk-or-v1-", 64, "0123456789abcdef")],
  ["DeepSeek key", made("sk-", 32, "0123456789abcdef"), made("sk-", 32, "0123456789abcdef")],
  ["Anthropic key", made("sk-ant-oat01-", 80), made("sk-ant-oat01-", 80)],
  ["Groq key", made("gsk_", 52), made("gsk_", 52)],
  ["Hugging Face token", made("hf_", 34), made("hf_", 34)],
  ["Google key", `?key=${made("AIza", 35)}&x`, made("AIza", 35)],
  ["Google access token", made("ya29.", 60), made("ya29.", 60)],
  ["JWT", `Cookie: session=${jwt}; a`, jwt],
  ["npm token", `//registry.npmjs.org/:_authToken=${made("npm_", 36)}`, made("npm_", 36)],
  ["PyPI token", made("pypi-AgE", 80), made("pypi-AgE", 80)],
  ["Telegram token", `bot 123456789:AA${made("", 33)} ok`, `123456789:AA${made("", 33)}`],
  ["SendGrid key", `${made("SG.", 22)}.${made("", 43)}`, `${made("SG.", 22)}.${made("", 43)}`],
  ["Notion token", made("ntn_", 46), made("ntn_", 46)],
  ["Linear key", made("lin_api_", 40), made("lin_api_", 40)],
  ["Azure storage key", `AccountKey=${made("", 86)}==;`, `${made("", 86)}==`],
  ["age key", made("AGE-SECRET-KEY-1", 58, upper), made("AGE-SECRET-KEY-1", 58, upper)],
  ["bearer token", `Authorization: Bearer ${made("", 30)}`, made("", 30)],
  ["basic auth", `"authorization": "Basic ${btoa("me:correct horse")}"`, btoa("me:correct horse")],
  ["password in a URL", "postgres://user:hunter2@db:5432/x", "hunter2"],
  ["private key", `key:\n${pem}\nend`, pem],
  ["private key with written line ends", pem.replaceAll("\n", "\\n"), pem.replaceAll("\n", "\\n")],
  ["card number", "card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"],
  ["card number in one piece", "card:5555555555554444", "5555555555554444"],
  ["American Express card", "3782-822463-10005", "3782-822463-10005"],
];

describe("a known kind of credential", () => {
  for (const [what, text, secret] of found) {
    test(`${what} is hidden, alone, and put back`, () => {
      const hidden = kinds.hide(text);
      const mark = /\[\[secret:[0-9a-f]{8}\]\]/.exec(hidden)?.[0] ?? "none";
      expect(hidden).toBe(text.replace(secret, mark));
      expect(kinds.reveal(hidden)).toBe(text);
      expect(kinds.hide(hidden)).toBe(hidden);
    });
  }

  const harmless = [
    "a task-force-with-a-long-name-2024-ABC",
    "sk-cube-grid-container-element-wrapper",
    "https://user@host/path and http://localhost:3000/x@y",
    "postgres://$USER:$PASSWORD@localhost and redis://:<password>@host",
    "4111 1111 1111 1112 and 1732362902123 and 12345678901234567890123",
    "commit 4111111111111111abcdef0123456789abcdef01",
    "git@github.com:owner/repo.git, 10:AAB, price 3.14159265358979",
    "eyJ is how a JWT begins",
    'const marker = "-----BEGIN RSA PRIVATE KEY-----"; if (text.includes(marker)) throw new Error("no");',
    "Authorization: Bearer <token>",
    "npm_config_registry=https://registry.npmjs.org/ npm_package_name=x",
    "secret_name: my-secret, ghp_ is the prefix",
    "sha256-1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c7d8e9f0a",
    "550e8400-e29b-41d4-a716-446655440000",
  ];
  for (const text of harmless) test(`is not seen in: ${text}`, () => expect(kinds.hide(text)).toBe(text));

  test("is only looked for when asked", () => {
    const text = found.map(([, text]) => text).join(" ");
    expect(redactor.hide(text)).toBe(text);
  });

  test("torn by the end of the text is hidden too where it is a private key", () => {
    expect(kinds.hide(`x ${pem.slice(0, 120)}`)).toMatch(/^x \[\[secret:[0-9a-f]{8}\]\]$/);
  });

  const part = fc.oneof(
    fc.constantFrom(...found.map(([, text]) => text), ...harmless, key),
    fc.constantFrom(" ", "\n", "4111 ", "-----BEGIN ", "-----BEGIN RSA PRIVATE KEY-----\n", "Authorization: ", "sk-"),
    fc.string({ maxLength: 10 }),
  );
  const texts = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));

  test("in a stream, however cut, is hidden like in the whole", () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(800), { maxLength: 30 }), (text, cuts) => {
        expect(streamed(kinds, text, cuts)).toBe(kinds.hide(text));
        expect(kinds.reveal(kinds.hide(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test("in a stream is found letter by letter", () => {
    for (const [, text] of found) {
      const everywhere = Array.from({ length: text.length }, (_, at) => at);
      expect(streamed(kinds, text, everywhere)).toBe(kinds.hide(text));
    }
  });

  test("does not make a stream wait for ever where no word ends", () => {
    const stream = kinds.stream();
    const long = "x".repeat(40_000);
    let said = "";
    for (let at = 0; at < long.length; at += 100) said += stream.push(long.slice(at, at + 100));
    expect(said.length).toBeGreaterThan(30_000);
    expect(said + stream.end()).toBe(long);
  });
});

describe("what looks made by chance", () => {
  const guessing = createRedactor({ secrets: [key], kinds: true, entropy: true });
  const random = ["q7Zf2LrX9bTn4WkV8sYd", "Zm9vYmFyMTIz/QmF6K1F1eDk5LXh5WjAx+kLmNoPqRs", "hG5kT9wQ2xR7vB1nM4_pZ"];
  const assigned = ["TOKEN=9f86d081884c7d65", `{"api_key":"a8f5f167-f44f-4964"}`];
  const harmless = [
    "getElementsByClassNameVersion2 and SomeVeryLongClassNameForTests2",
    "src/components/Button2Primary/index.ts and ../lib/node_modules/React18/jsx-runtime",
    "commit 4111111111111111abcdef0123456789abcdef01 sha256-1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5061728394a5b6c",
    "550e8400-e29b-41d4-a716-446655440000 and https://example.com/a/long/Path-With-Words/2024/11",
    "token: string; const password = undefined; keys=aaaaaaaaaaaaaaaaaaaaaaaa",
  ];

  test("is hidden where that is asked for, and put back", () => {
    for (const word of random) {
      expect(guessing.hide(`x = ${word}.`)).toMatch(/^x = \[\[secret:[0-9a-f]{8}\]\]\.$/);
      expect(guessing.reveal(guessing.hide(word))).toBe(word);
      expect(kinds.hide(word)).toBe(word);
    }
    for (const text of assigned) {
      expect(guessing.hide(text)).toContain("[[secret:");
      expect(guessing.reveal(guessing.hide(text))).toBe(text);
      expect(guessing.hide(guessing.hide(text))).toBe(guessing.hide(text));
    }
  });

  test("is not seen in names, paths and checksums", () => {
    for (const text of harmless) expect(guessing.hide(text)).toBe(text);
  });

  test("in a stream, however cut, is hidden like in the whole", () => {
    const parts = fc.array(fc.constantFrom(...random, ...assigned, ...harmless, key, " ", "\n", "=", "x"), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(400), { maxLength: 20 }), (words, cuts) => {
        const text = words.join("");
        expect(streamed(guessing, text, cuts)).toBe(guessing.hide(text));
        expect(guessing.reveal(guessing.hide(text))).toBe(text);
      }),
    );
  });
});
