/** Where JSON text breaks and why. */
export interface JsonError {
  /** Index of the first character that cannot be right; the text's length where it ends too early. */
  at: number;
  why: string;
}

class Broken extends Error {
  readonly at: number;
  constructor(at: number, why: string) {
    super(why);
    this.at = at;
  }
}

/** `JSON.parse` does not say where it stopped. Call it for text that is known to be broken beside raw line breaks. */
export function findJsonError(text: string): JsonError {
  try {
    const end = skipSpace(text, readValue(text, 0));
    return { at: end, why: "something follows after its end" };
  } catch (error) {
    if (error instanceof Broken) return { at: error.at, why: error.message };
    // Nested too deeply for this reader.
    return { at: 0, why: "it cannot be read" };
  }
}

function readValue(text: string, from: number): number {
  const at = skipSpace(text, from);
  const char = text[at];
  if (char === '"') return readString(text, at);
  if (char === "{") return readList(text, at, "}", readMember);
  if (char === "[") return readList(text, at, "]", readValue);
  const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(text.slice(at, at + 400))?.[0];
  if (word) return at + word.length;
  throw new Broken(at, char === "'" ? 'strings need double quotes (")' : "a value was expected");
}

function readMember(text: string, from: number): number {
  const at = skipSpace(text, from);
  if (text[at] !== '"') throw new Broken(at, 'a name in double quotes (") was expected');
  const colon = skipSpace(text, readString(text, at));
  if (text[colon] !== ":") throw new Broken(colon, "a colon was expected");
  return readValue(text, colon + 1);
}

function readList(text: string, from: number, close: string, readItem: (text: string, from: number) => number): number {
  let at = skipSpace(text, from + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skipSpace(text, readItem(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") {
      throw new Broken(at, `a comma or ${close} was expected (a quote inside a string must be written \\")`);
    }
    at++;
    if (text[skipSpace(text, at)] === close)
      throw new Broken(skipSpace(text, at), "there is a comma too many before it");
  }
}

function readString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') return at + 1;
    if (char !== "\\") continue;
    const sequence = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6))?.[0];
    if (sequence) at += sequence.length;
    else if (/^(?:u[0-9a-fA-F]{0,3})?$/.test(text.slice(at + 1))) break;
    else throw new Broken(at, "this escape does not exist (a backslash must be written \\\\)");
  }
  throw new Broken(text.length, "it ends too early");
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text[at]!)) at++;
  return at;
}
