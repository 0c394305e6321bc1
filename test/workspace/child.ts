/**
 * What tests let another process do: `bun child.ts record DIR WORKSPACE TASK` edits and records without end;
 * `hold DIR WORKSPACE TASK` takes the lock and says who has it; `fill DIR WORKSPACE TASK` records once and says how it
 * ended; `restore DIR WORKSPACE TO EXPECTED` restores and says how.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { loadCheckpoint, lockWorkspace, openCheckpoints } from "../../src/workspace/index.ts";

const [mode, dir = "", workspace = "", task = "", other = ""] = process.argv.slice(2);
const signal = new AbortController().signal;
const clock = { now: () => Date.now(), sleep: (ms: number) => Bun.sleep(ms) };
const said = (error: unknown): string => `${error instanceof UserError ? "UserError" : "Error"}: ${String(error)}`;

if (mode === "record") {
  const checkpoints = await openCheckpoints({ dir, workspace, task, addDirs: [] });
  for (let round = 0; ; round++) {
    writeFileSync(join(workspace, `file-${round % 7}`), `${task} ${round}\n`.repeat(1 + (round % 500)));
    const { id } = await checkpoints.record(signal);
    console.log(id);
  }
} else if (mode === "hold") {
  const lock = await lockWorkspace({ dir, workspace, task, clock });
  console.log("heldBy" in lock ? `held by ${lock.heldBy.task}` : "got it");
  await new Promise(() => setInterval(() => {}, 1000));
} else if (mode === "fill") {
  const checkpoints = await openCheckpoints({ dir, workspace, task, addDirs: [] });
  const end = await checkpoints.record(signal).then(({ id }) => id, said);
  await checkpoints.close();
  console.log(end);
} else if (mode === "restore") {
  const checkpoints = await openCheckpoints({ dir, workspace, task: "undo", addDirs: [] });
  const to = await loadCheckpoint(dir, task);
  const expected = await loadCheckpoint(dir, other);
  console.log(await checkpoints.restore(to, expected, signal).then((report) => JSON.stringify(report), said));
  await checkpoints.close();
}
