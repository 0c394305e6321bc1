import { afterEach, beforeEach } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the memory and the transcripts of each test of a file lie; to be called outside of them. */
export function useDataPaths(): { database: string; sessions: string; data: string; checkpoints: string } {
  const paths = { database: "", sessions: "", data: "", checkpoints: "" };
  beforeEach(() => {
    paths.data = mkdtempSync(join(tmpdir(), "openkoi-data-"));
    paths.database = join(paths.data, "openkoi.db");
    paths.sessions = join(paths.data, "sessions");
    paths.checkpoints = join(paths.data, "cp");
    mkdirSync(paths.sessions);
  });
  afterEach(() => rmSync(paths.data, { recursive: true, force: true }));
  return paths;
}
