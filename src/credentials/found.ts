import type { Credential } from "../contracts/credential.ts";

/** A key that can be used. */
export function ready(source: string, value: string): Credential {
  return { kind: "api_key", source, value, state: "ready" };
}

/** A source that has something, but nothing that can be used. */
export function broken(source: string, remedy: string): Credential {
  return { kind: "none", source, value: undefined, state: "broken", remedy };
}

/** A login whose time is over. */
export function expired(source: string, remedy: string): Credential {
  return { kind: "oauth", source, value: undefined, state: "expired", remedy };
}

/** A key travels in a header, so it is one line of visible ASCII. */
export function isHeader(value: string): boolean {
  return /^[\x21-\x7e]+$/.test(value);
}

/** How to get a key of one's own, as the end of a remedy. */
export function keyAdvice(row: { id: string; keyUrl?: string }): string {
  return `${row.keyUrl ? `get a key at ${row.keyUrl} and save it` : "save a key"} with openkoi connect ${row.id}`;
}
