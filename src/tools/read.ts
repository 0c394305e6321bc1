import { type BigIntStats, closeSync, readdirSync, readSync } from "node:fs";
import description from "../../embed/tools/read.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { Tool, ToolOutput } from "../contracts/tool.ts";
import { LINE_CHARS, NOTE_BYTES, NOTE_LINES, RESULT_BYTES, RESULT_LINES } from "./limits.ts";
import { type LineRange, readLines } from "./lines.ts";
import { detectMedia, type Media } from "./media.ts";
import { Mistake } from "./mistake.ts";
import { missing, openPlace, type Place, resolvePath } from "./paths.ts";
import { Pieces } from "./pieces.ts";

export interface ReadOptions {
  /** The model takes images and PDFs. */
  images: boolean;
}

/** Larger images are refused by providers. */
const IMAGE_BYTES = 5 * 1024 * 1024;

const FOLDER_ENTRIES = 200;

export function createRead(options: ReadOptions): Tool<Infer<ReturnType<typeof parameters>>> {
  return {
    name: "read",
    description: description.trim(),
    parameters: parameters(),
    effect: "read",
    subject: ({ path }) => path,
    async run({ path, offset: from = 1, limit = RESULT_LINES }, context) {
      // Some count from 0.
      const offset = Math.max(1, from);
      const place = resolvePath(path, context, "read");
      const { fd, stats } = open(place);
      try {
        if (stats.isDirectory()) return { text: listing(place) };
        if (!stats.isFile())
          throw new Mistake(`${place.shown} is a pipe, socket or device, not a file; bash can look at it.`);
        // Before the bytes are read: a change in between is then noticed later.
        const sight = context.seen.look(stats);
        const size = Number(stats.size);
        const pieces = new Pieces(fd, size);
        const media = detectMedia(pieces.current.subarray(0, 8192));
        if (media) {
          context.seen.note(place.path, sight, pieces.hash());
          return showMedia(place, fd, size, media, options.images);
        }
        const most = { limit: Math.min(limit, RESULT_LINES - NOTE_LINES), maxBytes: RESULT_BYTES - NOTE_BYTES };
        const range = await readLines(pieces, size, { offset, ...most }, context);
        context.seen.note(place.path, sight, pieces.hash());
        return { text: numbered(place, range, offset) };
      } finally {
        closeSync(fd);
      }
    },
  };
}

function parameters() {
  return s.object({
    path: s.string(),
    offset: s.optional(s.integer(undefined, { min: 0 })),
    limit: s.optional(s.integer(undefined, { min: 1 })),
  });
}

function open(place: Place): { fd: number; stats: BigIntStats } {
  try {
    return openPlace(place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Mistake(missing(place));
  }
}

function listing(place: Place): string {
  const names = readdirSync(place.path, { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
  const shown = names.slice(0, FOLDER_ENTRIES);
  const more = names.length > shown.length ? `\n[${names.length - shown.length} more; glob lists them]` : "";
  return `${place.shown} is a folder with ${plural(names.length, "entry", "entries")}:\n${shown.join("\n")}${more}`;
}

function showMedia(place: Place, fd: number, size: number, media: Media, images: boolean): ToolOutput {
  const what = `${place.shown}: ${media.name}, ${plural(size, "byte")}`;
  if (!media.mediaType || !images) return { text: `${what}. Not text, so it is not shown; bash can look into it.` };
  if (size > IMAGE_BYTES) return { text: `${what}. Too large to be shown; make it smaller than 5 MB first.` };
  const data = Buffer.alloc(size);
  const length = readSync(fd, data, 0, data.length, 0);
  const image = { type: "image" as const, mediaType: media.mediaType, data: data.toString("base64", 0, length) };
  return { text: what, images: [image] };
}

function numbered(place: Place, range: LineRange, offset: number): string {
  if (range.complete && range.counted === 0) return `${place.shown} is empty.`;
  if (range.lines.length === 0) {
    throw new Mistake(`${place.shown} has ${plural(range.counted, "line")}; offset ${offset} is behind its end.`);
  }
  const next = offset + range.lines.length;
  const notes = [
    ...(range.garbled ? ["not valid UTF-8: \uFFFD stands for bytes that are no text"] : []),
    ...(range.complete && next > range.counted
      ? []
      : [`${range.complete ? `${range.counted} lines in all` : "more lines follow"}; go on with offset ${next}`]),
    ...(range.lines.some((line) => line.length > LINE_CHARS) ? ["grep or bash (cut -c) show parts of a cut line"] : []),
  ];
  const text = range.lines.map((line, index) => `${offset + index}\t${line}`).join("\n");
  return notes.length > 0 ? `${text}\n[${notes.join("; ")}]` : text;
}
