import { UserError } from "../../base/errors.ts";

/** A file of an archive, read whole. */
export interface ArchiveFile {
  /** Relative, `/` as separator, without `.` and `..`. */
  path: string;
  data: Uint8Array;
  executable: boolean;
}

/** What may be unpacked at most: a small file can be made to hold very much. */
export const LIMITS = {
  /** Of the archive itself, bytes. */
  archive: 64 * 1024 * 1024,
  /** Of all that comes out of it, bytes. */
  bytes: 64 * 1024 * 1024,
  files: 4000,
  /** Characters of a path, and its folders. */
  path: 400,
  depth: 20,
} as const;

/** Takes files in, and refuses what would lie elsewhere or be too much. */
export class ArchiveFiles {
  readonly files: ArchiveFile[] = [];
  readonly #name: string;
  readonly #paths = new Set<string>();
  #bytes = 0;

  /** @param name of the archive, for messages */
  constructor(name: string) {
    this.#name = name;
  }

  /** Bytes that may still come. */
  get room(): number {
    return LIMITS.bytes - this.#bytes;
  }

  add(path: string, data: Uint8Array, executable: boolean): void {
    const safe = this.check(path);
    // On systems where letters' case does not count one would be written over the other.
    const key = safe.normalize("NFC").toLowerCase();
    if (this.#paths.has(key)) throw this.refuse(`holds ${path} twice`);
    this.#paths.add(key);
    this.#bytes += data.length;
    if (this.#bytes > LIMITS.bytes) throw this.refuse(`unpacks to more than ${LIMITS.bytes / 1024 / 1024} MiB`);
    if (this.files.length >= LIMITS.files) throw this.refuse(`holds more than ${LIMITS.files} files`);
    this.files.push({ path: safe, data, executable });
  }

  /** The path as it is used. @throws UserError for one that leads out of the folder it is unpacked to */
  check(path: string): string {
    const shown = JSON.stringify(path.slice(0, 100));
    if (/[\0-\x1f\\]/.test(path)) throw this.refuse(`holds a file with a name that is not used: ${shown}`);
    if (path.startsWith("/") || /^[a-z]:/i.test(path)) throw this.refuse(`holds an absolute path: ${shown}`);
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw this.refuse(`holds a path that leads out of it: ${shown}`);
    if (parts.length === 0 || parts.length > LIMITS.depth || path.length > LIMITS.path) {
      throw this.refuse(`holds a path that is empty, too long or too deep: ${shown}`);
    }
    return parts.join("/");
  }

  refuse(why: string): UserError {
    return new UserError(`${this.#name} ${why}`, "Nothing was installed. Ask whoever made it for a plain archive.");
  }
}
