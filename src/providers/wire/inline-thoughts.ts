/** A piece of an answer's content, by what it is. */
interface ContentPiece {
  kind: "text" | "reasoning";
  text: string;
}

/** The marks that models put around their thoughts, as their templates have them. */
const MARKS = [
  { begin: "<think>", end: "</think>" },
  { begin: "<thinking>", end: "</thinking>" },
] as const;

/**
 * Parts the thoughts from the words where a server without a reasoning parser leaves both in the content: a content that
 * begins with `<think>`, after white space, is reasoning up to the end mark. The marks may come in pieces; the white space
 * behind them is theirs. A content that does not begin so is text, whatever stands in it.
 */
export class InlineThoughts {
  /** What cannot be told yet: white space, and what may be the beginning of a mark. */
  #held = "";
  #end: string | undefined;
  /** `before`: nothing but white space came, or a part of a mark. */
  #state: "before" | "thoughts" | "text" = "before";
  /** A mark was there, and nothing but white space since. */
  #fresh = false;

  take(piece: string): ContentPiece[] {
    if (this.#state === "text" && !this.#fresh) return told("text", piece);
    this.#held += piece;
    if (this.#state === "before") {
      const start = this.#held.trimStart();
      const mark = MARKS.find(({ begin }) => start.startsWith(begin));
      if (mark === undefined) {
        if (MARKS.some(({ begin }) => begin.startsWith(start))) return [];
        this.#state = "text";
        return told("text", this.#release());
      }
      this.#state = "thoughts";
      this.#fresh = true;
      this.#end = mark.end;
      this.#held = start.slice(mark.begin.length);
    }
    if (this.#state === "text") return this.#tell("text", this.#release());
    const end = this.#end ?? "";
    const at = this.#held.indexOf(end);
    if (at < 0) {
      const whole = this.#held.length - beginningOf(end, this.#held);
      const thoughts = this.#held.slice(0, whole);
      this.#held = this.#held.slice(whole);
      return this.#tell("reasoning", thoughts);
    }
    const thoughts = this.#tell("reasoning", this.#held.slice(0, at));
    const rest = this.#held.slice(at + end.length);
    this.#held = "";
    this.#state = "text";
    this.#fresh = true;
    return [...thoughts, ...this.#tell("text", rest)];
  }

  /** What was held back, where the content has ended. */
  finish(): ContentPiece[] {
    return told(this.#state === "thoughts" ? "reasoning" : "text", this.#release());
  }

  #release(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Without the white space behind a mark. */
  #tell(kind: ContentPiece["kind"], text: string): ContentPiece[] {
    const shown = this.#fresh ? text.trimStart() : text;
    if (shown !== "") this.#fresh = false;
    return told(kind, shown);
  }
}

function told(kind: ContentPiece["kind"], text: string): ContentPiece[] {
  return text === "" ? [] : [{ kind, text }];
}

/** How much of the end of `text` may be the beginning of `mark`, characters. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
