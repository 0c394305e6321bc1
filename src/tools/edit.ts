import { closeSync, lstatSync, readSync } from "node:fs";
import description from "../../embed/tools/edit.md" with { type: "text" };
import { isObject, type Schema, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { Sight, Tool, ToolContext } from "../contracts/tool.ts";
import { type Edit, type Found, findEdit } from "./edit-match.ts";
import { EditText } from "./edit-text.ts";
import { countLines } from "./lines.ts";
import { detectMedia } from "./media.ts";
import { Mistake } from "./mistake.ts";
import { missing, openPlace, type Place, resolvePath } from "./paths.ts";
import { hashOf } from "./pieces.ts";
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

/** By so much a file can grow before its bytes are copied. */
const ROOM_BYTES = 64 * 1024;

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
      const { place, text, apply } = prepare(path, edits, context);
      const before = text.decode();
      apply();
      return previewDiff(`edit ${place.shown}`, before, text.decode());
    },

    async run({ path, edits }, context) {
      let work = prepare(path, edits, context);
      let report = work.apply();
      await context.beforeWrite(work.place.path);
      // A checkpoint may have been waited for: what somebody wrote into the file meanwhile must not be lost.
      if (!isStill(work.place, work.sight)) {
        work = prepare(path, edits, context);
        report = work.apply();
      }
      const { place, text, changed } = work;
      const stats = replaceFile(place, text.file);
      // What somebody else changed was not read: the file stays one that `write` may not replace.
      if (!changed) context.seen.note(place.path, context.seen.look(stats), hashOf(text.file));
      const note = changed ? CHANGED_MEANWHILE : "";
      return { text: `Edited ${place.shown}: ${report}${note}`, changed: [place.path] };
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

function prepare(path: string, edits: readonly Edit[], context: ToolContext) {
  const place = resolvePath(path, context, "write");
  if (edits.length === 0) throw new Mistake("edits is empty: give at least one with old and new.");
  const { text, sight } = readText(place, context);
  const changed = context.seen.state(place.path, sight, () => hashOf(text.file)) === "changed";
  const apply = () => applyAll(place, text, edits, { exact: changed, hide: context.hide });
  return { place, text, sight, changed, apply };
}

/** True where the file lies there as it was when it was read. */
function isStill(place: Place, { mtime, ctime, size, inode }: Sight): boolean {
  const stats = lstatSync(place.path, { bigint: true, throwIfNoEntry: false });
  return stats?.ino === inode && stats.size === size && stats.mtimeNs === mtime && stats.ctimeNs === ctime;
}

function readText(place: Place, { seen }: ToolContext): { text: EditText; sight: Sight } {
  let fd: number | undefined;
  try {
    const open = openPlace(place);
    fd = open.fd;
    if (open.stats.isDirectory()) throw new Mistake(`${place.shown} is a folder. Name a file in it.`);
    if (!open.stats.isFile())
      throw new Mistake(`${place.shown} is a pipe, socket or device, not a file; bash can write to it.`);
    if (open.stats.size > EDITED_BYTES) throw new Mistake(`${place.shown} is too large for edit. Use bash (sed).`);
    const sight = seen.look(open.stats);
    const { bytes, length } = readBytes(fd, Number(open.stats.size));
    const media = detectMedia(bytes.subarray(0, Math.min(length, 8192)));
    if (media) throw new Mistake(`${place.shown} is not text (${media.name}): edit cannot change it, bash can.`);
    return { text: new EditText(bytes, length), sight };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Mistake(`${missing(place)} To create a file use write.`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** `length` bytes of a file, and room behind them. */
function readBytes(fd: number, size: number): { bytes: Buffer; length: number } {
  let bytes = Buffer.allocUnsafe(size + ROOM_BYTES);
  for (let length = 0; ; ) {
    const n = readSync(fd, bytes, length, bytes.length - length, length);
    if (n === 0) return { bytes, length };
    length += n;
    // It grows while it is read.
    if (length === bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
  }
}

/** One edit that was made. */
interface Done {
  /** Where its first place begins, in the text as it is so far, and how long each is now. */
  at: number;
  length: number;
  count: number;
  /** Set where it did not come out as it was written. */
  note: string | undefined;
}

/**
 * All edits one after the other, or none. With `exact`, nothing but the text as it is written will do: nobody has seen
 * what the file holds now. Returns what to tell of them.
 */
function applyAll(
  place: Place,
  text: EditText,
  edits: readonly Edit[],
  { exact, hide }: { exact: boolean; hide: ToolContext["hide"] },
): string {
  const done: Done[] = [];
  edits.forEach((edit, index) => {
    const wanted = { ...edit, old: text.take(edit.old), new: text.take(edit.new) };
    const found = worded(findEdit(text, wanted), text, wanted, hide);
    const which = edits.length > 1 ? `, edit ${index + 1} of ${edits.length} (none was applied)` : "";
    if (exact && !(found.ok && found.note === undefined)) {
      const why = "the file changed since it was read, and old does not stand in it exactly once any more";
      throw new Mistake(`${place.shown}${which}: ${why}. Read it again, then edit.`);
    }
    if (!found.ok) throw new Mistake(`${place.shown}${which}: ${text.show(found.message)}`);
    const { places, length, now, note } = found;
    text.replace(places, length, now);
    const grown = now.length - length;
    for (const earlier of done) {
      for (const [before, at] of places.entries()) move(earlier, at + before * grown, length, grown);
    }
    done.push({ at: places[0]!, length: now.length, count: places.length, note });
  });
  return text.show(describeAll(text, done));
}

/** An edit that comes later moves an earlier place that lies behind it, and takes one in that it touches. */
function move(earlier: Done, at: number, length: number, grown: number): void {
  const end = earlier.at + earlier.length;
  if (at >= end) return;
  if (at + length <= earlier.at) {
    earlier.at += grown;
    return;
  }
  const start = Math.min(earlier.at, at);
  earlier.length = Math.max(end, at + length) + grown - start;
  earlier.at = start;
}

/** What is told of an edit quotes parts of lines: it is told of the same edit of the same text without their secrets. */
function worded(found: Found, text: EditText, edit: Edit, hide: ToolContext["hide"]): Found {
  if (found.ok && found.note === undefined) return found;
  const whole = text.decode();
  const safe = { text: hide(whole), edit: { ...edit, old: hide(edit.old), new: hide(edit.new) } };
  if (safe.text === whole && safe.edit.old === edit.old && safe.edit.new === edit.new) return found;
  const bytes = text.encode(safe.text);
  const words = findEdit(new EditText(bytes, bytes.length, text.isUtf8), safe.edit);
  if (found.ok) return { ...found, note: (words.ok && words.note) || "it did not stand there as it was written" };
  return words.ok ? { ok: false, message: "old is not in the file as it is written. Read it again." } : words;
}

/** `lines 1, 7, 12-13.`; what did not come out as it was written has lines of its own. */
function describeAll(text: EditText, done: readonly Done[]): string {
  const plain = new Set<string>();
  const several: string[] = [];
  const noted: string[] = [];
  for (const { at, length, count, note } of done) {
    const from = text.lineAt(at);
    const to = from + countLines(text.bytes.subarray(at, at + length), length - 1);
    const where = to > from ? `${from}-${to}` : `${from}`;
    const named = `${to > from ? "lines" : "line"} ${where}`;
    if (count > 1) several.push(`${plural(count, "place")}, the first in ${named}`);
    else if (note === undefined) plain.add(where);
    else noted.push(`${named} (${note}). Now:\n${excerpt(text, at, from, to)}`);
  }
  const where = [...plain].join(", ");
  const short = [...(where === "" ? [] : [`${/[-,]/.test(where) ? "lines" : "line"} ${where}`]), ...several].join("; ");
  return [...(short === "" ? [] : [`${short}.`]), ...noted].join("\n");
}

/** Lines `from` to `to`, the first of which holds the byte at `at`. */
function excerpt(text: EditText, at: number, from: number, to: number): string {
  const lines: string[] = [];
  let start = text.lineStart(at);
  for (let number = from; number <= to && lines.length < SHOWN_LINES; number++) {
    const line = text.lineFrom(start);
    lines.push(`${number}\t${line.text}`);
    start = line.next;
  }
  const more = to >= from + SHOWN_LINES ? [`... to line ${to}`] : [];
  return [...lines, ...more].join("\n");
}
