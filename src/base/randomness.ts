/** A word that may be a key: letters, digits and the signs of base64, between signs that are none of these. */
const WORD = /(?<![\w+/=-])[A-Za-z0-9+/_-]{20,}={0,2}(?![\w+/=-])/g;

/** A value that stands right behind a name under which people keep secrets: `TOKEN=…`, `"api_key":"…"`. */
const ASSIGNED =
  /(?<=(?:key|token|secret|passw(?:or)?d|pwd|auth|credentials?)["']?[=:]["']?)[A-Za-z0-9+/_.~-]{16,}={0,2}(?![\w+/=-])/gi;

/**
 * Replaces what looks made by chance, as keys of unknown kinds do. Names, paths and checksums are mostly left alone, and
 * weak or short secrets are not found: it is a guess, and off unless asked for.
 */
export function replaceRandom(text: string, name: (word: string) => string): string {
  return text
    .replace(WORD, (word) => (looksRandom(word) ? name(word) : word))
    .replace(ASSIGNED, (word) => (bitsOf(word) >= 3 ? name(word) : word));
}

/** All three kinds of character, digits in several places, and a spread that words of a language do not have. */
function looksRandom(word: string): boolean {
  if (!/[a-z]/.test(word) || !/[A-Z]/.test(word) || !/\d\D+\d/.test(word)) return false;
  const parts = word.split(/[/_-]/);
  // A path or a name in parts has to be as varied as a whole.
  return parts.length > 2 ? word.length >= 40 && bitsOf(word) >= 4.6 : bitsOf(word) >= 4;
}

/** Bits of each character by how often each occurs (Shannon). */
function bitsOf(word: string): number {
  const counts = new Map<string, number>();
  for (const char of word) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length);
  return bits;
}
