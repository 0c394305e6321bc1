import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { plural } from "../base/text.ts";
import { RESULT_BYTES, RESULT_LINES } from "./limits.ts";

/** What the model gets of a text, and where the whole of it lies. */
export interface Fitted {
  text: string;
  /** Set where something was cut and the whole text could be saved. */
  fullText?: string;
}

/**
 * A text that is too long keeps its beginning and its end; between them stands what was cut and how to read it. The
 * whole is saved under `folder` (made when needed, 0700; the file 0600).
 */
export async function fitResult(text: string, folder: string, name: string): Promise<Fitted> {
  const cut = cutMiddle(text);
  if (!cut) return { text };
  const fullText = await saveText(text, folder, name);
  const rest =
    fullText === undefined
      ? "the whole text could not be saved"
      : `whole text: ${fullText} (grep it, or read it with offset)`;
  const joined = `${cut.head}\n[... ${cut.missing} left out; ${rest} ...]\n${cut.tail}`;
  return fullText === undefined ? { text: joined } : { text: joined, fullText };
}

/** Saves a whole text as `fitResult` does; its path, or undefined where that failed. */
export async function saveText(text: string, folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, `${name}.txt`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, text, { mode: 0o600 });
    return path;
  } catch {
    return undefined;
  }
}

function cutMiddle(text: string): { head: string; tail: string; missing: string } | undefined {
  const bytes = Buffer.byteLength(text);
  const lines = text.split("\n");
  // A line end at the very end begins no line.
  const count = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  if (bytes <= RESULT_BYTES && count <= RESULT_LINES) return undefined;
  const head = take(lines, RESULT_LINES / 2, RESULT_BYTES / 2, false);
  const tail = take(lines.slice(head.length), RESULT_LINES / 2, RESULT_BYTES / 2, true);
  const between = count - head.length - tail.length;
  if (head.length > 0 && tail.length > 0 && between > 0) {
    const where = `lines ${head.length + 1}-${head.length + between} of ${count}`;
    return { head: head.join("\n"), tail: tail.join("\n"), missing: where };
  }
  // Lines longer than what fits: characters are cut, never inside one.
  const chars = RESULT_BYTES / 8;
  const start = text.slice(0, chars).replace(/[\uD800-\uDBFF]$/, "");
  const end = text.slice(-chars).replace(/^[\uDC00-\uDFFF]/, "");
  return { head: start, tail: end, missing: plural(bytes - Buffer.byteLength(start + end), "byte") };
}

/** Whole lines from the beginning or the end, within both limits. */
function take(lines: readonly string[], count: number, bytes: number, fromEnd: boolean): string[] {
  let left = bytes;
  let taken = 0;
  while (taken < Math.min(count, lines.length)) {
    left -= Buffer.byteLength((fromEnd ? lines.at(-1 - taken) : lines[taken]) ?? "") + 1;
    if (left < 0) break;
    taken++;
  }
  return fromEnd ? lines.slice(lines.length - taken) : lines.slice(0, taken);
}
