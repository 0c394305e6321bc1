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

/**
 * `JSON.parse` does not say where it stopped. To be called for text that it does not read (RFC 8259). `lineBreaks`: raw
 * ones within strings are taken, as models write them.
 */
export function findJsonError(text: string, options: { lineBreaks?: boolean } = {}): JsonError {
  const reader = new Reader(text, options.lineBreaks ?? false);
  try {
    return { at: reader.skipSpace(reader.value(0)), why: "something follows after its end" };
  } catch (error) {
    if (error instanceof Broken) return { at: error.at, why: error.message };
    // Nested too deeply for this reader.
    return { at: 0, why: "it cannot be read" };
  }
}

/** Every method is given where something begins, and gives back where it has ended. */
class Reader {
  private readonly text: string;
  private readonly lineBreaks: boolean;

  constructor(text: string, lineBreaks: boolean) {
    this.text = text;
    this.lineBreaks = lineBreaks;
  }

  value(from: number): number {
    const at = this.skipSpace(from);
    const char = this.text[at];
    if (char === '"') return this.string(at);
    if (char === "{") return this.list(at, "}", (start) => this.member(start));
    if (char === "[") return this.list(at, "]", (start) => this.value(start));
    const rest = this.text.slice(at, at + 400);
    const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(rest)?.[0];
    if (word) return at + word.length;
    if (char === undefined) throw new Broken(at, "it ends too early");
    throw new Broken(at, char === "'" ? 'strings need double quotes (")' : "a value was expected");
  }

  private member(from: number): number {
    const at = this.skipSpace(from);
    if (this.text[at] !== '"') throw new Broken(at, 'a name in double quotes (") was expected');
    const colon = this.skipSpace(this.string(at));
    if (this.text[colon] !== ":") throw new Broken(colon, "a colon was expected");
    return this.value(colon + 1);
  }

  private list(from: number, close: string, item: (from: number) => number): number {
    let at = this.skipSpace(from + 1);
    if (this.text[at] === close) return at + 1;
    for (;;) {
      at = this.skipSpace(item(at));
      if (this.text[at] === close) return at + 1;
      if (this.text[at] === undefined) throw new Broken(at, "it ends too early");
      if (this.text[at] !== ",") {
        throw new Broken(at, `a comma or ${close} was expected (a quote inside a string must be written \\")`);
      }
      const next = this.skipSpace(++at);
      if (this.text[next] === close) throw new Broken(next, "there is a comma too many before it");
    }
  }

  private string(from: number): number {
    const { text } = this;
    for (let at = from + 1; at < text.length; at++) {
      const char = text[at]!;
      if (char === '"') return at + 1;
      if (char < " " && !this.lineBreaks) {
        throw new Broken(
          at,
          char === "\n" || char === "\r" ? "the line ends within a string" : "a raw control character",
        );
      }
      if (char !== "\\") continue;
      const sequence = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6))?.[0];
      if (sequence) at += sequence.length;
      else if (/^(?:u[0-9a-fA-F]{0,3})?$/.test(text.slice(at + 1))) break;
      else throw new Broken(at, "this escape does not exist (a backslash must be written \\\\)");
    }
    throw new Broken(text.length, "it ends too early");
  }

  skipSpace(from: number): number {
    let at = from;
    while (at < this.text.length && " \t\n\r".includes(this.text[at]!)) at++;
    return at;
  }
}
