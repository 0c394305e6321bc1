/**
 * Something the model got wrong or can work around: its message goes back as the tool's result and says what to do
 * next. Everything else that a tool throws is a failure of the system or a bug.
 */
export class Mistake extends Error {
  override readonly name = "Mistake";
}

/** A system error in the words of somebody who has to go on after it; undefined for other errors. */
export function explainSystemError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code !== "string") return undefined;
  const what = path ? `: ${path}` : "";
  const words: Record<string, string> = {
    EACCES: `no permission${what}; go on without it and say so`,
    EPERM: `the system does not permit it${what}; go on without it and say so`,
    EROFS: `the file system is read-only${what}; go on without it and say so`,
    ENOSPC: "the disk is full; nothing was changed. End and tell the user",
    EDQUOT: "the disk quota is used up; nothing was changed. End and tell the user",
    ENOENT: `no such file or folder${what}; glob finds files by name`,
    ENOTDIR: `a part of the path is not a folder${what}`,
    EISDIR: `it is a folder${what}`,
    ENAMETOOLONG: "the name is too long",
    EMFILE: "too many files are open; try again",
    EIO: `the disk reports an error${what}`,
  };
  return Object.hasOwn(words, code) ? words[code] : /^E[A-Z0-9]+$/.test(code) ? error.message : undefined;
}
