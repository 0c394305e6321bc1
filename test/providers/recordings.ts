import { readFileSync } from "node:fs";
import { join } from "node:path";
import { converseEvent } from "../fakes/bedrock-server.ts";
import type { Foreign } from "./support.ts";

/** One recorded exchange with a provider. */
export interface Recorded {
  name: string;
  family: string;
  category: string;
  status: number;
  headers: Record<string, string>;
  /** Of the request, where it was recorded. */
  path: string | undefined;
  request: Foreign;
  /** The response body as it went over the wire. */
  body: Uint8Array;
  streamed: boolean;
}

interface Entry {
  family: string;
  category: string;
  files: string[];
}

/** Every recording of some families, through their index. */
export function recordings(dir: string, families: readonly string[]): Recorded[] {
  const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as Entry[];
  return index
    .filter((entry) => families.includes(entry.family))
    .flatMap((entry) => entry.files.flatMap((file) => readRecording(dir, file, entry)));
}

function readRecording(dir: string, file: string, { family, category }: Entry): Recorded[] {
  const text = readFileSync(join(dir, file), "utf8");
  const base = { name: file, family, category, status: 200, headers: {}, path: undefined, request: undefined };
  if (file.endsWith(".vcr.yaml"))
    return cassette(text).map((each) => ({ ...base, ...each, name: `${file}${each.name}` }));
  if (file.endsWith(".chunks.txt")) {
    return answersIn(text).map((lines, index) => {
      const body = family === "bedrock" ? converseStream(lines) : encode(framed(lines));
      return { ...base, name: index === 0 ? file : `${file}#${index + 1}`, body, streamed: true };
    });
  }
  if (file.endsWith(".json")) return [{ ...base, body: encode(text), streamed: false }];
  // Some of these files lack the empty line that ends the last event.
  return [{ ...base, body: encode(`${text}\n\n`), streamed: true }];
}

/** Events without their framing, one JSON document a line; a file may hold the answers of several requests. */
function answersIn(text: string): string[][] {
  const begins = /^\{"type":"(?:message_start|response\.created)"/;
  const answers: string[][] = [[]];
  for (const line of text.split("\n")) {
    if (begins.test(line) && answers.at(-1)!.length > 0) answers.push([]);
    if (line.trim()) answers.at(-1)!.push(line);
  }
  return answers;
}

function framed(lines: readonly string[]): string {
  const anthropic = lines[0]?.startsWith('{"type":"message_start"');
  return [...lines, ...(anthropic ? [] : ["[DONE]"])].map((line) => `data: ${line}\n\n`).join("");
}

/** Of each event, its type is the only key. */
function converseStream(lines: readonly string[]): Uint8Array {
  const messages = lines.map((line) => {
    const [[type, body] = ["", {}]] = Object.entries(JSON.parse(line) as Record<string, object>);
    return converseEvent(type, body);
  });
  return new Uint8Array(Buffer.concat(messages));
}

interface Interaction {
  request: { uri: string; body?: string; parsed_body?: unknown };
  response: {
    status: { code: number };
    headers?: Record<string, string[]>;
    body?: { string?: unknown };
    parsed_body?: unknown;
  };
}

function cassette(text: string) {
  const { interactions } = Bun.YAML.parse(text) as { interactions: Interaction[] };
  return interactions.map(({ request, response }, index) => {
    const body = bodyOf(response);
    const sent = request.parsed_body ?? (request.body ? JSON.parse(request.body) : undefined);
    return {
      name: `#${index + 1}`,
      status: response.status.code,
      headers: Object.fromEntries(Object.entries(response.headers ?? {}).map(([key, value]) => [key, String(value)])),
      path: new URL(request.uri).pathname,
      request: sent,
      body,
      streamed:
        String(response.headers?.["content-type"] ?? response.headers?.["Content-Type"]).includes("ndjson") ||
        !String.fromCharCode(...body.slice(0, 20))
          .trimStart()
          .startsWith("{"),
    };
  });
}

function bodyOf({ body, parsed_body }: Interaction["response"]): Uint8Array {
  if (parsed_body !== undefined) return encode(JSON.stringify(parsed_body));
  const raw = typeof body?.string === "string" ? body.string : "";
  // What YAML marks as binary, Bun gives as the base64 that stands in the file.
  if (!/^[\w+/\s]+=*\s*$/.test(raw)) return encode(raw);
  const bytes = Buffer.from(raw, "base64");
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? Bun.gunzipSync(bytes) : new Uint8Array(bytes);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
