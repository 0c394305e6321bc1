import { isUtf8 } from "node:buffer";
import { closeSync, readFileSync } from "node:fs";
import description from "../../embed/tools/edit.md" with { type: "text" };
import { isObject, type Schema, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { Tool, ToolContext } from "../contracts/tool.ts";
import { applyEdit, type Edit, type Edited, lineAt } from "./edit-match.ts";
import { detectMedia } from "./media.ts";
import { Mistake } from "./mistake.ts";
import { missing, openPlace, type Place, resolvePath } from "./paths.ts";
import { previewDiff } from "./preview.ts";
import { replaceFile } from "./replace.ts";

interface EditArguments {
  path: string;
  edits: Edit[];
}

/** Larger files are for other tools. */
const EDITED_BYTES = 64 * 1024 * 1024;

/** Lines shown of a change that did not come out as it was written. */
const SHOWN_LINES = 12;

const BOM = "\uFEFF";

/** How the result of an edit ends where somebody else had changed the file. */
export const CHANGED_MEANWHILE = " (the file had changed since it was read)";

export function createEdit(): Tool<EditArguments> {
  return {
    name: "edit",
    description: description.trim(),
    parameters: parameters(),
    effect: "write",
    subject: ({ path }) => path,

    async preview({ path, edits }, context) {
      const { place, content, after } = await prepare(path, edits, context);
      return previewDiff(`edit ${place.shown}`, content.text, after.text);
    },

    async run({ path, edits }, context) {
      const { place, content, after, changed } = await prepare(path, edits, context);
      await context.beforeWrite(place.path);
      replaceFile(place, content.encode(after.text));
      // What somebody else changed was not read: the file stays one that `write` may not replace.
      if (!changed) await context.seen.note(place.path);
      const note = changed ? CHANGED_MEANWHILE : "";
      return { text: `Edited ${place.shown}: ${after.report}${note}`, changed: [place.path] };
    },
  };
}

function parameters(): Schema<EditArguments> {
  const edit = s.object({ old: s.string(), new: s.string(), all: s.optional(s.boolean()) });
  const schema = s.object({ path: s.string(), edits: s.array(edit) });
  return {
    json: schema.json,
    check(value, path, context) {
      // One edit, written without the list around it, is as clear.
      const single = isObject(value) && value.edits === undefined && typeof value.old === "string";
      if (!single) return schema.check(value, path, context);
      const { old, new: now, all, ...rest } = value;
      return schema.check({ ...rest, edits: [{ old, new: now, all }] }, path, context);
    },
  };
}

async function prepare(path: string, edits: readonly Edit[], context: ToolContext) {
  const place = resolvePath(path, context, "write");
  if (edits.length === 0) throw new Mistake("edits is empty: give at least one with old and new.");
  const changed = (await context.seen.state(place.path)) === "changed";
  const content = readContent(place);
  return { place, content, after: applyAll(place, content, edits, { exact: changed, hide: context.hide }), changed };
}

interface Content {
  text: string;
  encode(text: string): string | Uint8Array;
  /** For messages that quote the file. */
  show(text: string): string;
  /** What the model wrote, in the same alphabet as `text`. */
  take(text: string): string;
}

function readContent(place: Place): Content {
  const bytes = readBytes(place);
  const media = detectMedia(bytes.subarray(0, 8192));
  if (media) throw new Mistake(`${place.shown} is not text (${media.name}): edit cannot change it, bash can.`);
  if (isUtf8(bytes)) {
    const text = bytes.toString("utf8");
    const mark = text.startsWith(BOM) ? BOM : "";
    const same = (value: string) => value;
    return { text: text.slice(mark.length), encode: (value) => mark + value, show: same, take: same };
  }
  // Byte for byte, one character each: what is not UTF-8 stays as it is.
  return {
    text: bytes.toString("latin1"),
    encode: (value) => Buffer.from(value, "latin1"),
    show: (value) => Buffer.from(value, "latin1").toString("utf8"),
    take: (value) => Buffer.from(value, "utf8").toString("latin1"),
  };
}

function readBytes(place: Place): Buffer {
  let fd: number | undefined;
  try {
    const open = openPlace(place);
    fd = open.fd;
    if (open.stats.isDirectory()) throw new Mistake(`${place.shown} is a folder. Name a file in it.`);
    if (!open.stats.isFile())
      throw new Mistake(`${place.shown} is a pipe, socket or device, not a file; bash can write to it.`);
    if (open.stats.size > EDITED_BYTES) throw new Mistake(`${place.shown} is too large for edit. Use bash (sed).`);
    return readFileSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Mistake(`${missing(place)} To create a file use write.`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A place that was changed, in the text as it is so far. */
interface Change {
  at: number;
  length: number;
}

/** The places of one edit, in order; `note` where it did not come out as it was written. */
interface Done {
  changes: Change[];
  note: string | undefined;
}

/**
 * All edits one after the other, or none. With `exact`, nothing but the text as it is written will do: nobody has seen
 * what the file holds now.
 */
function applyAll(
  place: Place,
  content: Content,
  edits: readonly Edit[],
  { exact, hide }: { exact: boolean; hide: ToolContext["hide"] },
): { text: string; report: string } {
  let text = content.text;
  const done: Done[] = [];
  edits.forEach((edit, index) => {
    const wanted = { ...edit, old: content.take(edit.old), new: content.take(edit.new) };
    const result = worded(applyEdit(text, wanted), text, wanted, hide);
    const which = edits.length > 1 ? `, edit ${index + 1} of ${edits.length} (none was applied)` : "";
    if (exact && !(result.ok && result.note === undefined)) {
      const why = "the file changed since it was read, and old does not stand in it exactly once any more";
      throw new Mistake(`${place.shown}${which}: ${why}. Read it again, then edit.`);
    }
    if (!result.ok) throw new Mistake(`${place.shown}${which}: ${content.show(result.message)}`);
    const grown = (result.text.length - text.length) / result.changes.length;
    for (const earlier of done.flatMap(({ changes }) => changes)) move(earlier, result.changes, grown);
    text = result.text;
    done.push({ changes: result.changes, note: result.note });
  });
  return { text, report: content.show(describeAll(text, done)) };
}

/** What is told of an edit quotes parts of lines: it is told of the same edit of the same text without their secrets. */
function worded(result: Edited, text: string, edit: Edit, hide: ToolContext["hide"]): Edited {
  if (result.ok && result.note === undefined) return result;
  const safe = { text: hide(text), edit: { ...edit, old: hide(edit.old), new: hide(edit.new) } };
  if (safe.text === text && safe.edit.old === edit.old && safe.edit.new === edit.new) return result;
  const words = applyEdit(safe.text, safe.edit);
  if (result.ok) return { ...result, note: (words.ok && words.note) || "it did not stand there as it was written" };
  return words.ok ? { ok: false, message: "old is not in the file as it is written. Read it again." } : words;
}

/** An edit that comes later and lies before a place moves it: the report names lines of the finished file. */
function move(earlier: Change, later: readonly Change[], grown: number): void {
  for (const { at } of later) if (at <= earlier.at) earlier.at += grown;
}

/** `lines 1, 7, 12-13.`; what did not come out as it was written has lines of its own. */
function describeAll(text: string, done: readonly Done[]): string {
  const plain = new Set<string>();
  const several: string[] = [];
  const noted: string[] = [];
  for (const { changes, note } of done) {
    const first = changes[0]!;
    const from = lineAt(text, first.at);
    const inside = text.slice(first.at, first.at + first.length - 1);
    const to = from + lineAt(inside, inside.length) - 1;
    const where = to > from ? `${from}-${to}` : `${from}`;
    const named = `${to > from ? "lines" : "line"} ${where}`;
    if (changes.length > 1) several.push(`${plural(changes.length, "place")}, the first in ${named}`);
    else if (note === undefined) plain.add(where);
    else noted.push(`${named} (${note}). Now:\n${excerpt(text, from, to)}`);
  }
  const where = [...plain].join(", ");
  const short = [...(where === "" ? [] : [`${/[-,]/.test(where) ? "lines" : "line"} ${where}`]), ...several].join("; ");
  return [...(short === "" ? [] : [`${short}.`]), ...noted].join("\n");
}

function excerpt(text: string, from: number, to: number): string {
  const lines = text.split(/\r?\n/).slice(from - 1, Math.min(to, from + SHOWN_LINES - 1));
  const more = to >= from + SHOWN_LINES ? [`... to line ${to}`] : [];
  return [...lines.map((line, index) => `${from + index}\t${line}`), ...more].join("\n");
}
