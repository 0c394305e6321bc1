/** Randomness from the system's source. */

/** The system hands out at most so many bytes a call. */
const MOST_BYTES = 65_536;

/** No vowels and no look-alikes: an id is read aloud, typed, and should not spell a word. */
const LETTERS = "0123456789bcdfghjkmnpqrstvwxyz";

/** A random id of `length` characters out of digits and consonants; about 4.9 bits each. */
export function randomId(length: number): string {
  let id = "";
  while (id.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(Math.min(length, MOST_BYTES)))) {
      // Bytes beyond the last whole multiple would favour the first letters.
      if (byte < 240 && id.length < length) id += LETTERS[byte % LETTERS.length];
    }
  }
  return id;
}

/** A task's id: UTC time, so that names sort, and four random characters: `20261123-101502-k3f9`. `now` in ms. */
export function taskId(now: number): string {
  const digits = new Date(now).toISOString().replace(/\D/g, "");
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${randomId(4)}`;
}
