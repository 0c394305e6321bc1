import { Pieces } from "./pieces.ts";

/** How a text is written down, beside what it says. */
export interface TextForm {
  /** It begins with a byte order mark. */
  mark: boolean;
  /** All of its lines end with CRLF; false where it has none. */
  crlf: boolean;
}

const MARK = "\uFEFF";
const MARK_BYTES = Buffer.from(MARK);
const [LF, CR] = [10, 13];

/** The form of an open file, which is read to its first line with another end. */
export function formOf(fd: number, size: number): TextForm {
  const pieces = new Pieces(fd, size);
  const mark = pieces.current.subarray(0, MARK_BYTES.length).equals(MARK_BYTES);
  let crlf = false;
  let before = 0;
  for (let piece = pieces.current; piece.length > 0; piece = pieces.next()) {
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1)) {
      if ((at === 0 ? before : piece[at - 1]) !== CR) return { mark, crlf: false };
      crlf = true;
    }
    before = piece.at(-1)!;
  }
  return { mark, crlf };
}

/** A text that says nothing of its own form, in that of the file that it replaces; `kept`: what was done, in words. */
export function inForm(text: string, form: TextForm): { text: string; kept: string } {
  const isMarked = form.mark && text !== "" && !text.startsWith(MARK);
  const isEnded = form.crlf && text.includes("\n") && !text.includes("\r");
  const kept = [...(isEnded ? ["CRLF line ends"] : []), ...(isMarked ? ["byte order mark"] : [])].join(" and ");
  const lines = isEnded ? text.replaceAll("\n", "\r\n") : text;
  return { text: `${isMarked ? MARK : ""}${lines}`, kept };
}
