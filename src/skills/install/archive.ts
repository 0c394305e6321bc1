import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { UserError } from "../../base/errors.ts";
import { readRegular } from "../../base/files.ts";
import { type ArchiveFiles, LIMITS } from "./entries.ts";
import { readTar } from "./tar.ts";
import { readZip } from "./zip.ts";

/** Names of archives that can be read. */
export const ARCHIVE = /\.(?:tar|tar\.gz|tgz|zip)$/i;

/** Room for the headers between the files of a tar, bytes. */
const TAR_ROOM = LIMITS.bytes + LIMITS.files * 2048;

/** Unpacks an archive into an empty folder. @throws UserError for what would lie elsewhere, is too much or is damaged */
export function unpack(file: string, folder: string): void {
  for (const { path, data, executable } of readArchive(file).files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, data, { flag: "wx", mode: executable ? 0o755 : 0o644 });
  }
}

function readArchive(file: string): ArchiveFiles {
  const name = basename(file);
  const bytes = readRegular(file, LIMITS.archive);
  if (!bytes) {
    throw new UserError(
      `${file} cannot be read, or is larger than ${LIMITS.archive / 1024 / 1024} MiB`,
      "Unpack it yourself, look at it, and name the folder.",
    );
  }
  // What it is, its first bytes say; a name is only a name.
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZip(bytes, name);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return readTar(bytes, name);
  let tar: Uint8Array;
  try {
    tar = gunzipSync(bytes, { maxOutputLength: TAR_ROOM });
  } catch {
    throw new UserError(`${name} is damaged, or unpacks to too much`, "Nothing was installed.");
  }
  return readTar(tar, name);
}
