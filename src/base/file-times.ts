/** What the times of a file or folder, ms, can tell. */
export interface FileTimes {
  mtimeMs: number;
  ctimeMs: number;
}

/**
 * True where a later change must show in the times. A file changed within one tick of the file system's clock keeps its
 * times when it is changed again ("racily clean" in git), so what is younger than some ticks is read again. Whole
 * seconds point to a file system that counts in seconds, or in two (FAT). `readAt`: when it began to be read.
 */
export function settled({ mtimeMs, ctimeMs }: FileTimes, readAt: number): boolean {
  const coarse = ctimeMs % 1000 === 0 || mtimeMs % 1000 === 0;
  return Math.max(ctimeMs, mtimeMs) < readAt - (coarse ? 2_500 : 50);
}
