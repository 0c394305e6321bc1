/**
 * Base64 and base64url (RFC 4648, sections 4 and 5) by hand, so that a strict decoder is one: those of the runtime skip
 * what does not belong there. The decoders wait for the parts that read signed tokens and mail.
 */

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** With padding. A string counts as UTF-8. */
export function encodeBase64(data: Uint8Array | string): string {
  const text = encode(data, STANDARD);
  return text + "=".repeat((4 - (text.length % 4)) % 4);
}

/** The URL-safe alphabet without padding, as JWT, PKCE and Gmail use it. A string counts as UTF-8. */
export function encodeBase64Url(data: Uint8Array | string): string {
  return encode(data, URL_SAFE);
}

/** Strict: canonical padding, no white space, no stray bits. @throws SyntaxError saying what is wrong. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new SyntaxError("base64: the length is not a multiple of 4");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return decode(padding > 0 ? text.slice(0, -padding) : text, STANDARD);
}

/** Strict: no padding, no white space, no stray bits. @throws SyntaxError saying what is wrong. */
export function decodeBase64Url(text: string): Uint8Array {
  return decode(text, URL_SAFE);
}

/**
 * Lenient: either alphabet, padding or none, white space anywhere, stray bits dropped: what mail and other people's
 * services send. @throws SyntaxError for other characters.
 */
export function decodeBase64Lenient(text: string): Uint8Array {
  const bare = text.replace(/\s+/g, "").replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  return decode(bare, STANDARD, true);
}

function encode(data: Uint8Array | string, alphabet: string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const digits = new TextEncoder().encode(alphabet);
  const out = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    // Writes beyond the end of `out` are dropped: that is where the padding would be.
    out[at++] = digits[group >> 18]!;
    out[at++] = digits[(group >> 12) & 63]!;
    out[at++] = digits[(group >> 6) & 63]!;
    out[at++] = digits[group & 63]!;
  }
  return new TextDecoder().decode(out);
}

const NONE = 255;

function decode(text: string, alphabet: string, lenient = false): Uint8Array {
  if (text.length % 4 === 1) throw new SyntaxError("base64: one digit is left over");
  const values = new Uint8Array(128).fill(NONE);
  for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i;
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = values[text.charCodeAt(i)] ?? NONE;
    if (value === NONE) throw new SyntaxError(`base64: character ${i + 1} is none of the alphabet`);
    group = ((group << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (group >> bits) & 255;
    }
  }
  if (!lenient && (group & ((1 << bits) - 1)) !== 0) throw new SyntaxError("base64: the last digit has stray bits");
  return out;
}
