import { signV4 } from "../base/crypto/sigv4.ts";
import { awsKeys } from "./aws.ts";
import type { Row } from "./row.ts";

/** A request as it is about to be sent. */
export interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** The headers that carry a row's credential. `now` in milliseconds since 1970. */
export function authorization(
  row: Row,
  key: string | undefined,
  request: Outgoing,
  now: number,
): Record<string, string> {
  if (key === undefined) return {};
  switch (row.auth) {
    case "bearer":
      return { authorization: `Bearer ${key}` };
    case "x-api-key":
    case "x-goog-api-key":
      return { [row.auth]: key };
    case "sigv4":
      return signed(row, key, request, now);
  }
}

/** Only what no proxy changes is signed. */
function signed(row: Row, key: string, request: Outgoing, now: number): Record<string, string> {
  const keys = awsKeys(key);
  if (!keys || !URL.canParse(request.url)) return {};
  const { host, pathname, search } = new URL(request.url);
  const headers: [string, string][] = [
    ["host", host],
    ["content-type", request.headers["content-type"] ?? ""],
  ];
  const what = { method: "POST", path: pathname, query: search.slice(1), headers, body: request.body };
  return signV4(what, { keys, region: row.region ?? "us-east-1", service: "bedrock", now }).headers;
}

/** What of a credential must never be repeated. */
export function secretParts(row: Row, key: string | undefined): string[] {
  if (key === undefined) return [];
  return row.auth === "sigv4" ? [key, ...key.split(":")] : [key];
}
