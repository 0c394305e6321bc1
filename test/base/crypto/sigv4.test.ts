import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type SigningRequest, type SigningScope, signV4 } from "../../../src/base/crypto/sigv4.ts";
import { describeSpecs } from "../../specs.ts";

interface Context {
  credentials: { access_key_id: string; secret_access_key: string; token?: string };
  region: string;
  service: string;
  timestamp: string;
  normalize: boolean;
  sign_body: boolean;
  omit_session_token?: boolean;
}

function requestFrom(text: string): SigningRequest {
  const [head = "", ...body] = text.split("\n\n");
  const [first = "", ...lines] = head.trimEnd().split("\n");
  const [, method = "", target = ""] = /^(\S+) (.*) HTTP\/1\.1$/.exec(first) ?? [];
  const [path = "", query = ""] = target.split("?");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
  return { method, path, query, headers, body: body.join("\n\n") };
}

describeSpecs("crypto-auth/aws-sigv4", (dir) => {
  for (const name of readdirSync(dir)) {
    const file = (part: string) => readFileSync(join(dir, name, part), "utf8");
    const context = JSON.parse(file("context.json")) as Context;
    const { access_key_id, secret_access_key, token } = context.credentials;
    const scope: SigningScope = {
      keys: {
        accessKeyId: access_key_id,
        secretAccessKey: secret_access_key,
        // Added after signing, where the case says so.
        ...(token && !context.omit_session_token ? { sessionToken: token } : {}),
      },
      region: context.region,
      service: context.service,
      now: Date.parse(context.timestamp),
      bodyHeader: context.sign_body,
      normalizePath: context.normalize,
    };
    const signed = signV4(requestFrom(file("request.txt")), scope);

    test(`${name}: the canonical request`, () => {
      expect(signed.canonicalRequest).toBe(file("header-canonical-request.txt"));
    });

    test(`${name}: the string to sign`, () => {
      expect(signed.stringToSign).toBe(file("header-string-to-sign.txt"));
    });

    test(`${name}: the signature, and the header that carries it`, () => {
      expect(signed.signature).toBe(file("header-signature.txt"));
      expect(file("header-signed-request.txt")).toContain(`Authorization:${signed.headers["authorization"]}`);
    });
  }
});

test("a path that is escaped on the wire is escaped once more in what is signed", () => {
  const request = { method: "POST", path: "/model/a.b-v1%3A0/converse-stream", query: "", headers: [], body: "" };
  const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
  const { canonicalRequest } = signV4(request, { keys, region: "r", service: "bedrock", now: 0 });
  expect(canonicalRequest.split("\n")[1]).toBe("/model/a.b-v1%253A0/converse-stream");
});
