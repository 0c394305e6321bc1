import { existsSync, readdirSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { randomId } from "../../base/crypto/random.ts";
import { messageOf, UserError } from "../../base/errors.ts";

/** Pieces are written together up to this length, characters. */
const CHUNK = 1 << 20;

/**
 * Writes a file piece by piece: whoever reads it sees the old one or the new one, whole. It is the user's alone (600). A
 * pipe or device is written to as it is (`/dev/stdout`), and no other file takes its place.
 */
export async function writePieces(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const target = resolve(path);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found && !found.isFile() && !found.isDirectory()) return writeThrough(target, pieces, path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${randomId(8)}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await pour(file, pieces);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw outputFault(error, path);
  }
}

async function writeThrough(target: string, pieces: AsyncIterable<string>, path: string): Promise<void> {
  try {
    const file = await open(target, "w");
    try {
      await pour(file, pieces);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw outputFault(error, path);
  }
}

/** Writes a folder of files at once. @throws UserError where something is there already */
export async function writeFolder(
  path: string,
  files: AsyncIterable<{ name: string; pieces: AsyncIterable<string> }>,
): Promise<void> {
  const target = resolve(path);
  if (existsSync(target) && !isEmptyFolder(target)) {
    throw new UserError(`${path} is there already`, "Name a folder that is not there yet with --output.");
  }
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${randomId(8)}.tmp`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    for await (const { name, pieces } of files) await writePieces(join(temporary, name), pieces);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw outputFault(error, path);
  }
}

async function pour(file: FileHandle, pieces: AsyncIterable<string>): Promise<void> {
  let waiting: string[] = [];
  let length = 0;
  const flush = async () => {
    if (length > 0) await file.writeFile(waiting.join(""));
    waiting = [];
    length = 0;
  };
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length >= CHUNK) await flush();
  }
  await flush();
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** A place that cannot be written is the user's to mend; a bug is not. */
function outputFault(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (error instanceof UserError || !/^E[A-Z]+$/.test(code)) return error;
  return new UserError(`${path} cannot be written: ${messageOf(error)}`, "Name another place with --output.");
}
