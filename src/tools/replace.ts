import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { Mistake } from "./mistake.ts";
import { checkStillThere, type Place } from "./paths.ts";

/**
 * Writes a whole file so that every reader sees the old or the new one; missing folders are made; mode and owner of a
 * file that is replaced are kept. Like `writeAtomic`, but bound to the folder that was checked: it is held open, and
 * a link that is put in its place meanwhile leads nowhere. No fsync, which would be most of the time of an edit: the
 * state before the task lies in a checkpoint, and what a power cut may cost is the newest edit. Synchronous, because a
 * trip through the thread pool for each step takes longer than writing a megabyte. Returns the state of the new file.
 */
export function replaceFile(place: Place, data: Uint8Array): BigIntStats {
  try {
    return replaceHeld(place, data);
  } catch (error) {
    throw namingPlace(error, place);
  }
}

/** An error of the system that names the folder as it is held open says nothing to anybody. */
function namingPlace(error: unknown, { shown }: Place): unknown {
  if (error instanceof Error && "path" in error && String(error.path).startsWith(HELD)) error.path = shown;
  return error;
}

function replaceHeld(place: Place, data: Uint8Array): BigIntStats {
  const folder = openFolder(dirname(place.path));
  try {
    const target = join(folder.at, basename(place.path));
    const old = lstatSync(target, { throwIfNoEntry: false });
    if (old && !old.isFile()) throw new Mistake(`${place.shown} is not a regular file; bash can write to it.`);
    if (old && (old.mode & 0o222) === 0) {
      throw new Mistake(
        `${place.shown} is write-protected (mode ${(old.mode & 0o777).toString(8)}). Leave it, or chmod it first if the task needs that.`,
      );
    }
    // Not made from the file's name, which may be as long as names can be.
    const temporary = join(folder.at, `.koi-${process.pid}-${randomId(8)}.tmp`);
    const fd = openSync(temporary, "wx", old ? 0o600 : 0o666);
    try {
      writeFileSync(fd, data);
      if (old) keepOwner(fd, old);
      renameSync(temporary, target);
      return fstatSync(fd, { bigint: true });
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(folder.fd);
  }
}

function keepOwner(fd: number, old: Stats): void {
  const own = fstatSync(fd);
  if (own.uid !== old.uid || own.gid !== old.gid) {
    try {
      fchownSync(fd, old.uid, old.gid);
    } catch {
      // Only root may give a file away.
    }
  }
  fchmodSync(fd, old.mode & 0o7777);
}

/** Where Linux gives an open folder a path. */
const HELD = "/proc/self/fd/";
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Opens a real, absolute folder, making what is missing. `at` is a path that stays with this very folder. */
function openFolder(path: string): { fd: number; at: string } {
  let fd: number;
  try {
    fd = openSync(path, FOLDER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const parent = openFolder(dirname(path));
    try {
      const own = join(parent.at, basename(path));
      mkdirIfMissing(own);
      fd = openSync(own, FOLDER);
    } finally {
      closeSync(parent.fd);
    }
  }
  try {
    checkStillThere(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, at: stays(fd) ? HELD + fd : path };
}

function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // Another call may have made it at the same time.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Only Linux gives an open folder a path of its own. */
function stays(fd: number): boolean {
  const through = lstatSync(`${HELD}${fd}/.`, { throwIfNoEntry: false });
  const own = fstatSync(fd);
  return through !== undefined && through.ino === own.ino && through.dev === own.dev;
}
