import { inflateRawSync } from "node:zlib";
import { ArchiveFiles } from "./entries.ts";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** Of a file made on Unix, the high half of its attributes is the mode. */
const UNIX = 3;

/**
 * The regular files of a zip archive (APPNOTE.TXT 6.3.10), by its central directory; stored or deflated, not encrypted.
 * A link is refused.
 *
 * @throws UserError for what is refused and for what is no such archive
 */
export function readZip(bytes: Uint8Array, name: string): ArchiveFiles {
  const files = new ArchiveFiles(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    readEntries(bytes, view, files);
  } catch (error) {
    // Numbers in it that point past its end.
    if (error instanceof RangeError) throw files.refuse("is damaged");
    throw error;
  }
  return files;
}

function readEntries(bytes: Uint8Array, view: DataView, files: ArchiveFiles): void {
  const end = endOf(view);
  if (end < 0) throw files.refuse("is damaged, or no zip archive");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== ENTRY) throw files.refuse("is damaged");
    const madeBy = view.getUint8(at + 5);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const mode = madeBy === UNIX ? view.getUint32(at + 38, true) >>> 16 : 0;
    const offset = view.getUint32(at + 42, true);
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    at += 46 + nameLength + extra + comment;
    if ((mode & 0o170000) === 0o120000) throw files.refuse(`holds a symbolic link: ${JSON.stringify(path)}`);
    if (path.endsWith("/")) {
      files.check(path);
      continue;
    }
    if ((flags & 1) !== 0) throw files.refuse("is encrypted");
    if (size > files.room) throw files.refuse("unpacks to too much");
    files.add(path, contentOf(bytes, view, { offset, packed, size, method }, files), (mode & 0o111) !== 0);
  }
}

interface Packed {
  offset: number;
  packed: number;
  size: number;
  method: number;
}

function contentOf(bytes: Uint8Array, view: DataView, entry: Packed, files: ArchiveFiles): Uint8Array {
  const { offset, packed, size, method } = entry;
  if (view.getUint32(offset, true) !== LOCAL) throw files.refuse("is damaged");
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const data = bytes.subarray(start, start + packed);
  if (data.length !== packed) throw files.refuse("is cut off");
  if (method === 0) return data;
  if (method !== 8) throw files.refuse("is packed in a way that is not read here; stored and deflated are");
  let content: Uint8Array;
  try {
    // What is said of the size is not believed: no more than that comes out.
    content = inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw files.refuse("is damaged, or unpacks to more than it says");
  }
  if (content.length !== size) throw files.refuse("is damaged");
  return content;
}

/** Where the record at the end begins: behind it stands at most a comment of 64 KiB. -1 where there is none. */
function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 0xffff); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  return -1;
}
