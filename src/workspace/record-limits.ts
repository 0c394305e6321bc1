/** What is recorded at most. */
export interface RecordLimits {
  /** Bytes; a larger file is watched, but its content is not kept. */
  fileBytes: number;
  /** Files and links. */
  files: number;
  /** Bytes of all files together. */
  totalBytes: number;
}

export const DEFAULT_LIMITS: RecordLimits = { fileBytes: 10e6, files: 50_000, totalBytes: 1e9 };

/** The section `[checkpoints]` of the config as limits. */
export function recordLimits(settings: { max_file_mb: number; max_files: number; max_total_mb: number }): RecordLimits {
  const { max_file_mb, max_files, max_total_mb } = settings;
  return { fileBytes: max_file_mb * 1e6, files: max_files, totalBytes: max_total_mb * 1e6 };
}
