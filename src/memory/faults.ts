import { messageOf, UserError } from "../base/errors.ts";

/** SQLite's code of what was thrown, without its extension: `SQLITE_BUSY`; "" where it has none. */
export function sqliteCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? (/^SQLITE_[A-Z]+|^E[A-Z]+$/.exec(code)?.[0] ?? "") : "";
}

/** True where the file is damaged, or no database at all. */
export function isDamage(error: unknown): boolean {
  return ["SQLITE_CORRUPT", "SQLITE_NOTADB"].includes(sqliteCode(error));
}

/** What a person can mend (a full disk, a read-only folder, a busy database) as a UserError; anything else as it came. */
export function databaseFault(error: unknown, path: string): unknown {
  const remedy = remedyOf(sqliteCode(error), path);
  if (error instanceof UserError || remedy === undefined) return error;
  return new UserError(`the memory (${path}) cannot be used: ${messageOf(error)}`, remedy, undefined, { cause: error });
}

function remedyOf(code: string, path: string): string | undefined {
  switch (code) {
    case "SQLITE_FULL":
    case "SQLITE_IOERR":
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "Free some space, or name another data folder with OPENKOI_DATA.";
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "SQLITE_AUTH":
    case "EROFS":
    case "EACCES":
    case "EPERM":
    case "ENOTDIR":
    case "EEXIST":
    case "EISDIR":
      return "Make the folder and the file writable, or name another data folder with OPENKOI_DATA.";
    case "SQLITE_BUSY":
    case "SQLITE_LOCKED":
      return "Another program holds the database; end it, or wait.";
    case "SQLITE_CORRUPT":
    case "SQLITE_NOTADB":
      return `See openkoi doctor; ${path} is left as it is.`;
    default:
      return undefined;
  }
}
