import { existsSync, readdirSync } from "node:fs";
import { messageOf, UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { timeLimit } from "../base/stream.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { databaseFault } from "../memory/faults.ts";

/** How long one who asks waits at most until transcripts that are not in the memory yet are read, ms. */
const PATIENCE = 500;
/** How long nothing else goes on where another process makes the database or brings it forward, ms; then it is asked again. */
const MOMENT = 100;

/** The memory of a process: opened when it is first needed, closed at the end. */
export interface MemoryStore {
  /** True where there is one, or something to make one of: who only looks makes none. */
  exists(): boolean;
  /** True where opening it would bring it forward from an earlier schema: who only looks leaves that to a task. */
  isBehind(): Promise<boolean>;
  /** True where this process has it open already: what can wait is done then, and not by those who had no use for it. */
  isOpen(): boolean;
  /** Opens it, with what it has. @throws UserError where it cannot be used, and then always: the user is told once. */
  open(): Promise<MemoryDatabase>;
  /**
   * Opens it, and first reads what killed processes left out, as far as that takes no more than half a second. For those
   * who look something up. @throws as `open`.
   */
  whole(): Promise<MemoryDatabase>;
  /** Goes on reading what transcripts say and it does not have, until it is over. For what can wait. */
  readOn(isOver: () => boolean): Promise<void>;
  /** Sentences that the user should read and has not: why there is no memory, that a file was set aside. */
  takeNotices(): string[];
  /** What is wrong is said again in the same words to everybody who looks, but to the user only once. */
  tell(error: unknown): void;
  /** Also ends the wait for another process. */
  close(): void;
}

/** Loads SQLite and its code only when the memory is asked for: a task that needs none does not pay for it. */
export function createMemoryStore(options: {
  paths: Pick<Paths, "database" | "sessions" | "data" | "checkpoints">;
  now: () => number;
  /** How long a statement waits for another process, ms; default: as long as a command can. */
  waitMs?: number;
}): MemoryStore {
  const { paths, now, ...wait } = options;
  let opening: Promise<MemoryDatabase> | undefined;
  let catching: Promise<unknown> | undefined;
  let memory: MemoryDatabase | undefined;
  const closing = new AbortController();
  let notices: string[] = [];
  let said: string | undefined;

  function tell(error: unknown): void {
    const fault = databaseFault(error, paths.database);
    const text =
      fault instanceof UserError ? `${fault.message}; this goes on without it. ${fault.remedy}` : messageOf(error);
    if (text !== said) notices.push(text);
    said = text;
  }

  async function begin(): Promise<MemoryDatabase> {
    try {
      const [{ openDatabase }, { PATIENCE: long }, { patiently }] = await Promise.all([
        import("../memory/database.ts"),
        import("../memory/migrate.ts"),
        import("../memory/patience.ts"),
      ]);
      const options = { path: paths.database, now, onNotice: (text: string) => void notices.push(text), ...wait };
      closing.signal.throwIfAborted();
      // Another process may bring it forward for long: what is shown and Ctrl-C do not wait for that.
      memory = await patiently(() => openDatabase({ ...options, waitToBeAloneMs: MOMENT }), closing.signal, long);
      return memory;
    } catch (error) {
      if (!closing.signal.aborted) tell(error);
      throw error;
    }
  }

  async function catchingUp(open: MemoryDatabase, isOver: () => boolean): Promise<void> {
    const { catchUp } = await import("./catch-up.ts");
    await catchUp({ paths, memory: open, now, isOver: () => closing.signal.aborted || isOver() });
  }

  return {
    exists: () => existsSync(paths.database) || hasTranscripts(paths.sessions),
    async isBehind() {
      if (memory !== undefined || !existsSync(paths.database)) return false;
      const { isBehind } = await import("../memory/inspect.ts");
      return isBehind(paths.database);
    },
    isOpen: () => memory !== undefined,
    open: () => (opening ??= begin()),
    async whole() {
      const open = await this.open();
      catching ??= catchingUp(open, timeLimit(PATIENCE)).catch((error) => {
        if (!closing.signal.aborted) tell(error);
      });
      await catching;
      return open;
    },
    async readOn(isOver) {
      const open = await this.whole();
      await catchingUp(open, isOver);
    },
    takeNotices() {
      const taken = notices;
      notices = [];
      return taken;
    },
    tell,
    close() {
      closing.abort();
      memory?.close();
      memory = undefined;
    },
  };
}

/** A folder without any tells of nothing that a memory could be made of. */
function hasTranscripts(sessions: string): boolean {
  try {
    return readdirSync(sessions).some((name) => name.endsWith(".jsonl"));
  } catch {
    return false;
  }
}
