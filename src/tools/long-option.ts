/** `--forc` is `--force`: options may be shortened. `full`: without the dashes. */
export function isLong(text: string, full: string): boolean {
  const given = /^--([a-z][\w-]*)(?:=|$)/s.exec(text)?.[1];
  return given !== undefined && full.startsWith(given);
}
