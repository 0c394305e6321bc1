import { messageOf, UserError } from "../base/errors.ts";

/** The system's code of what was thrown: `ENOENT`; "" where it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}

/**
 * What a person can mend (a full disk, a read-only folder) as a UserError; anything else as it came.
 * `place` is the file or folder that was being written.
 */
export function writeFault(error: unknown, what: string, place: string): unknown {
  switch (codeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new UserError(
        `${what} could not be written to ${place}: ${codeOf(error) === "EFBIG" ? "a file-size limit" : "the disk is full"}`,
        "Free some space; nothing in the workspace was changed.",
        undefined,
        { cause: error },
      );
    case "EROFS":
    case "EACCES":
    case "EPERM":
    case "ENOTDIR":
      return new UserError(
        `${what} could not be written to ${place}: ${messageOf(error)}`,
        "Make the folder writable, or name another data folder with OPENKOI_DATA.",
        undefined,
        { cause: error },
      );
    default:
      return error;
  }
}
