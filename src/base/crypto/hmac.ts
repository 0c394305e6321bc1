import { Sha256, sha256 } from "./sha256.ts";

const BLOCK = 64;

/** HMAC-SHA-256 (RFC 2104): 32 bytes. Strings count as UTF-8. */
export function hmacSha256(key: Uint8Array | string, message: Uint8Array | string): Uint8Array {
  const given = typeof key === "string" ? new TextEncoder().encode(key) : key;
  const padded = new Uint8Array(BLOCK);
  padded.set(given.length > BLOCK ? sha256(given) : given);
  const inner = new Sha256()
    .update(padded.map((byte) => byte ^ 0x36))
    .update(message)
    .digest();
  return new Sha256()
    .update(padded.map((byte) => byte ^ 0x5c))
    .update(inner)
    .digest();
}

/**
 * Compares without telling by its time where the two differ. Both are hashed first, so that neither content nor length
 * shows.
 */
export function equal(a: Uint8Array | string, b: Uint8Array | string): boolean {
  const left = sha256(a);
  const right = sha256(b);
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ right[i]!;
  return difference === 0;
}
