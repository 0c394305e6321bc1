/**
 * What must be done even when the process ends in the middle of everything: on a second Ctrl-C, or where an error that
 * nobody expected ends it. Not after SIGKILL.
 */

const acts = new Set<() => void>();

/** `act` runs, synchronously, when the process exits. Returns how to call it off. */
export function beforeExit(act: () => void): () => void {
  if (acts.size === 0) process.on("exit", runAll);
  acts.add(act);
  return () => {
    acts.delete(act);
    if (acts.size === 0) process.off("exit", runAll);
  };
}

function runAll(): void {
  // The newest first: a process ends before the folder goes that it works in.
  for (const act of [...acts].reverse()) {
    try {
      act();
    } catch {
      // The others have their turn all the same.
    }
  }
}
