import { join, relative } from "node:path";
import { UserError } from "../../base/errors.ts";
import { ensureDir, readText, writeAtomic } from "../../base/files.ts";
import { withLock } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import { type Infer, parse, s } from "../../base/schema.ts";

/** Where a skill is from, and what it was when it was installed. */
export type InstallRecord = Infer<ReturnType<typeof recordSchema>>;

function recordSchema() {
  return s.object({ origin: s.string(), sha256: s.string(), installedAt: s.string() });
}

type RecordPaths = Pick<Paths, "home" | "skills">;

/** `skills/installed.json`: every installed skill by its folder, relative to the config home. */
function recordFile({ home }: RecordPaths): string {
  return join(home, "skills", "installed.json");
}

/** @param folder of the skill, absolute. @throws UserError for a file that cannot be understood */
export async function recordOf(paths: RecordPaths, folder: string): Promise<InstallRecord | undefined> {
  return (await readAll(recordFile(paths)))[relative(paths.home, folder)];
}

/** How long another process may be writing, ms. */
const LOCK_MS = 10_000;

export async function recordInstalled(
  paths: RecordPaths,
  folder: string,
  record: InstallRecord,
  signal: AbortSignal,
): Promise<void> {
  const file = recordFile(paths);
  await ensureDir(join(file, ".."));
  await withLock(`${file}.lock`, AbortSignal.any([signal, AbortSignal.timeout(LOCK_MS)]), async () => {
    const skills = { ...(await readAll(file)), [relative(paths.home, folder)]: record };
    await writeAtomic(file, `${JSON.stringify({ skills }, null, 2)}\n`);
  });
}

async function readAll(file: string): Promise<Record<string, InstallRecord>> {
  const text = await readText(file);
  if (text === undefined) return {};
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new UserError(
      `${file} is no JSON`,
      "Mend the file, or delete it: it only says where skills are from.",
      undefined,
      {
        cause,
      },
    );
  }
  const read = parse(s.object({ skills: s.record(recordSchema()) }), content);
  if (read.ok) return read.value.skills;
  throw new UserError(`${file}: ${read.issues[0]!.path}: ${read.issues[0]!.message}`, "Mend the file, or delete it.");
}
