import { UserError } from "./errors.ts";

/** A larger settings file is a mistake; the limit also bounds the search for an error's place. */
const MAX_BYTES = 256 * 1024;

/** Parses the text of a TOML file. @throws UserError `TOML parse error in FILE at line L, column C: what`. */
export function parseToml(source: string, file: string): Record<string, unknown> {
  const remedy = "Mend that line, or move the file away to go on with the defaults.";
  if (source.length > MAX_BYTES) throw new UserError(`${file} is larger than ${MAX_BYTES / 1024} KB`, remedy);
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  const message = complaint(text);
  if (message === undefined) return Bun.TOML.parse(text) as Record<string, unknown>;
  const { line, column } = placeOfError(text, message);
  const what = message.replace(/^TOML Parse error:\s*/i, "").replace(/\(0x0[AD]\)/, "the end of the line");
  throw new UserError(`TOML parse error in ${file} at line ${line}, column ${column}: ${what}`, remedy);
}

function complaint(text: string): string | undefined {
  try {
    Bun.TOML.parse(text);
    return;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Bun's parser says what is wrong but not where (1.4.5). It reads once from left to right, so every beginning of the
 * text that reaches the error gives the same message, and a shorter one gives another or none: the place is where that
 * changes, looked for from the end by lines, then by characters.
 */
function placeOfError(text: string, message: string): { line: number; column: number } {
  const same = (beginning: string) => unquoted(complaint(beginning) ?? "") === unquoted(message);
  const ends = [...text.matchAll(/\n|$/g)].map((match) => match.index + match[0].length);
  let line = ends.length - 1;
  while (line > 0 && same(text.slice(0, ends[line - 1]))) line--;
  const start = line === 0 ? 0 : ends[line - 1]!;
  let end = ends[line]!;
  while (end > start + 1 && same(text.slice(0, end - 1))) end--;
  const column = Math.max(1, [...text.slice(start, end)].length);
  return { line: line + 1, column };
}

/** A message often quotes the offending word, which grows while the text does. */
function unquoted(message: string): string {
  return message.replace(/'[^']*'?|"[^"]*"?/g, "");
}

/**
 * The line (from 1) on which a key such as `plugins.mcp[1].name` is set, or else the closest table around it.
 * Reads only the shape of lines: good enough to point a person at the place.
 */
export function lineOfKey(source: string, path: string): number | undefined {
  let table = "";
  let best: { line: number; length: number } | undefined;
  const counts = new Map<string, number>();
  for (const [index, line] of source.split("\n").entries()) {
    const list = /^\s*\[\[([^\]]+)\]\]/.exec(line)?.[1];
    const header = list ?? /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    const key = header ? undefined : /^\s*([\w"'. -]+?)\s*=/.exec(line)?.[1];
    if (header) table = bare(header);
    if (list) {
      const nth = counts.get(table) ?? 0;
      counts.set(table, nth + 1);
      table = `${table}[${nth}]`;
    }
    if (!header && !key) continue;
    const here = key ? (table ? `${table}.${bare(key)}` : bare(key)) : table;
    const around = path === here || path.startsWith(`${here}.`) || path.startsWith(`${here}[`);
    if (around && here.length > (best?.length ?? 0)) best = { line: index + 1, length: here.length };
  }
  return best?.line;
}

function bare(key: string): string {
  return key.replace(/["'\s]/g, "");
}
