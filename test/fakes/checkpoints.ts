import type { Checkpoint, Checkpoints, Diff, FileChange, RestoreReport } from "../../src/contracts/workspace.ts";

/** A workspace of small texts, by path. */
export type Files = Map<string, string>;

export interface FakeCheckpoints extends Checkpoints {
  /** Every restore that was asked for. */
  readonly restores: { to: string; expected: string; report: RestoreReport }[];
  /** Records made so far. */
  readonly records: Checkpoint[];
}

/** Checkpoints of files in memory: records, compares and puts back as the real ones do. */
export function fakeCheckpoints(files: Files, uncovered: readonly string[] = []): FakeCheckpoints {
  const states = new Map<string, Files>();
  const restores: FakeCheckpoints["restores"] = [];
  const records: Checkpoint[] = [];
  const stateOf = ({ id }: Checkpoint): Files => {
    const state = states.get(id);
    if (!state) throw new Error(`no such checkpoint: ${id}`);
    return state;
  };

  return {
    restores,
    records,
    async record(signal) {
      signal.throwIfAborted();
      const id = `checkpoint${states.size + 1}`;
      states.set(id, new Map(files));
      const hash = Bun.hash(JSON.stringify([...files].sort())).toString(16);
      const checkpoint = { id, hash, at: "2026-11-23T10:00:00.000Z", files: files.size, uncovered: [...uncovered] };
      records.push(checkpoint);
      return checkpoint;
    },
    async diff(from, to, maxBytes): Promise<Diff> {
      const before = stateOf(from);
      const after = stateOf(to);
      const changes: FileChange[] = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
        if (before.get(path) === after.get(path)) return [];
        return [{ path, kind: !before.has(path) ? "created" : after.has(path) ? "changed" : "deleted" }];
      });
      const text = changes
        .map(({ path }) => `${path}\n-${before.get(path) ?? ""}\n+${after.get(path) ?? ""}\n`)
        .join("");
      return { changes, text: text.slice(0, maxBytes), truncated: text.length > maxBytes };
    },
    async restore(to, expected, signal) {
      signal.throwIfAborted();
      const wanted = stateOf(to);
      const left = stateOf(expected);
      const report: RestoreReport = { restored: [], kept: [] };
      for (const path of new Set([...files.keys(), ...wanted.keys(), ...left.keys()])) {
        if (files.get(path) === wanted.get(path)) continue;
        if (files.get(path) !== left.get(path)) {
          report.kept.push(path);
          continue;
        }
        const content = wanted.get(path);
        if (content === undefined) files.delete(path);
        else files.set(path, content);
        report.restored.push(path);
      }
      restores.push({ to: to.id, expected: expected.id, report });
      return report;
    },
  };
}
