import { ArchiveFiles } from "./entries.ts";

const BLOCK = 512;

/**
 * The regular files of a tar archive (POSIX.1-2001 ustar and pax, GNU long names). Folders follow from paths. A link of
 * any kind, a device or a pipe is refused: no skill needs one, and each is a way out.
 *
 * @throws UserError for what is refused and for what is no tar archive
 */
export function readTar(bytes: Uint8Array, name: string): ArchiveFiles {
  const files = new ArchiveFiles(name);
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!isHeader(header)) throw files.refuse("is damaged, or no tar archive");
    const size = octal(header.subarray(124, 136));
    const type = String.fromCharCode(header[156]!);
    const start = at + BLOCK;
    if (!Number.isSafeInteger(size) || start + size > bytes.length) throw files.refuse("is cut off");
    const data = bytes.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "L") longName = text(data);
    else if (type === "x") longName = paxPath(data) ?? longName;
    else if (type !== "g") {
      const path = longName ?? ustarPath(header);
      longName = undefined;
      if (type === "5") files.check(path);
      else if (type === "0" || type === "\0" || type === "7") {
        files.add(path, data, (octal(header.subarray(100, 108)) & 0o111) !== 0);
      } else throw files.refuse(`holds ${kindOf(type)}: ${JSON.stringify(path.slice(0, 100))}`);
    }
  }
  return files;
}

function kindOf(type: string): string {
  return (
    { "1": "a hard link", "2": "a symbolic link", "3": "a device", "4": "a device", "6": "a pipe" }[type] ??
    "something unknown"
  );
}

/** The sum of all bytes, the field of the sum itself counted as spaces. */
function isHeader(header: Uint8Array): boolean {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : header[at]!;
  return sum === octal(header.subarray(148, 156));
}

function octal(field: Uint8Array): number {
  // GNU's way to write sizes of 8 GiB and more: far above every limit of ours.
  if ((field[0]! & 0x80) !== 0) return Number.NaN;
  return Number.parseInt(text(field).trim() || "0", 8);
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function ustarPath(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** `LENGTH path=VALUE\n` among the records of a pax header; lengths are in bytes. */
function paxPath(data: Uint8Array): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < data.length; ) {
    const length = Number.parseInt(new TextDecoder().decode(data.subarray(at, at + 12)), 10);
    if (!(length > 0)) break;
    const record = new TextDecoder().decode(data.subarray(at, at + length - 1));
    const field = /^\d+ path=([\s\S]*)$/.exec(record);
    if (field) path = field[1];
    at += length;
  }
  return path;
}
