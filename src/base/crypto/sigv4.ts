import { hmacSha256 } from "./hmac.ts";
import { sha256Hex } from "./sha256.ts";

/**
 * AWS Signature Version 4 in headers, by hand (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */

export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string;
}

/** What is signed. */
export interface SigningRequest {
  method: string;
  /** As it stands in the request line. What is escaped there is escaped once more for the signature. */
  path: string;
  /** Without the question mark; "" where there is none. */
  query: string;
  /** `host` among them. Every one of these is signed: none may be changed on the way. */
  headers: readonly (readonly [name: string, value: string])[];
  body: Uint8Array | string;
}

export interface SigningScope {
  keys: AwsKeys;
  region: string;
  service: string;
  /** Milliseconds since 1970. The service accepts five minutes of difference. */
  now: number;
  /** Adds `x-amz-content-sha256`. Default false. */
  bodyHeader?: boolean;
  /** `..` and `//` of the path are resolved, as every service but S3 wants it. Default true. */
  normalizePath?: boolean;
}

/** A signature with the two texts it was made from. */
export interface Signed {
  canonicalRequest: string;
  stringToSign: string;
  /** 64 hexadecimal digits. */
  signature: string;
  /** To be sent beside the request's own. */
  headers: Record<string, string>;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/** Signs a request. */
export function signV4(request: SigningRequest, scope: SigningScope): Signed {
  const { keys, region, service } = scope;
  const date = new Date(scope.now).toISOString().replace(/[-:]|\.\d+/g, "");
  const bodyHash = sha256Hex(request.body);
  const added: Record<string, string> = {
    "x-amz-date": date,
    ...(keys.sessionToken ? { "x-amz-security-token": keys.sessionToken } : {}),
    ...(scope.bodyHeader ? { "x-amz-content-sha256": bodyHash } : {}),
  };
  const headers = canonicalHeaders([...request.headers, ...Object.entries(added)]);
  const names = headers.map(([name]) => name).join(";");
  const canonicalRequest = [
    request.method,
    canonicalPath(request.path, scope.normalizePath ?? true),
    canonicalQuery(request.query),
    ...headers.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    bodyHash,
  ].join("\n");
  const credentialScope = [date.slice(0, 8), region, service, "aws4_request"];
  const stringToSign = [ALGORITHM, date, credentialScope.join("/"), sha256Hex(canonicalRequest)].join("\n");
  let key: Uint8Array | string = `AWS4${keys.secretAccessKey}`;
  for (const part of credentialScope) key = hmacSha256(key, part);
  const signature = hmacSha256(key, stringToSign).toHex();
  const credential = `${keys.accessKeyId}/${credentialScope.join("/")}`;
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { canonicalRequest, stringToSign, signature, headers: { ...added, authorization } };
}

/** Names in lower case and sorted; values of one name joined, without spaces around and runs of spaces within. */
function canonicalHeaders(headers: readonly (readonly [string, string])[]): [string, string][] {
  const byName = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    byName.set(lower, [...(byName.get(lower) ?? []), value.trim().replace(/ +/g, " ")]);
  }
  return [...byName].map(([name, values]): [string, string] => [name, values.join(",")]).sort(byFirst);
}

function canonicalPath(path: string, normalize: boolean): string {
  return (normalize ? normalized(path) : path).split("/").map(escaped).join("/") || "/";
}

/** RFC 3986, 5.2.4, and runs of slashes taken for one. */
function normalized(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const closed = kept.length > 0 && /\/\.{0,2}$/.test(path);
  return `/${kept.join("/")}${closed ? "/" : ""}`;
}

/** Already escaped on the wire; only the order changes. */
function canonicalQuery(query: string): string {
  if (!query) return "";
  const pairs = query.split("&").map((pair): [string, string] => {
    const [name = "", ...value] = pair.split("=");
    return [name, value.join("=")];
  });
  return pairs
    .sort(byFirst)
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** By code point, the second of the pair where the first is the same. */
function byFirst(a: [string, string], b: [string, string]): number {
  return compare(a[0], b[0]) || compare(a[1], b[1]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Everything but the unreserved characters of RFC 3986, as UTF-8. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
