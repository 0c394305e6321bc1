/** What a display needs of a terminal or a pipe. */
export interface Screen {
  /** Never throws: a reader that has gone is nobody's failure. */
  write(text: string): void;
  /** Width at this moment. */
  columns(): number;
  /** Calls back after the width changed. Returns how to stop that. */
  onResize(run: () => void): () => void;
  /**
   * Calls `leave` before the process ends or is put aside with Ctrl-Z, and `enter` when it comes back. Returns how to
   * stop that.
   */
  onSuspend(leave: () => void, enter: () => void): () => void;
}

/** Runs something later; never keeps the process alive. Returns how to call it off. */
export type Timer = (ms: number, run: () => void) => () => void;

export const systemTimer: Timer = (ms, run) => {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Where a size is unknown (a serial line, some CI terminals). */
const USUAL_COLUMNS = 80;

/** `open`: gives the stream; asked for when something is shown. */
export function createScreen(open: () => NodeJS.WriteStream): Screen {
  let gone = false;
  let opened: NodeJS.WriteStream | undefined;
  const stream = (): NodeJS.WriteStream => {
    if (opened) return opened;
    opened = open();
    opened.on("error", () => {
      gone = true;
    });
    return opened;
  };
  return {
    write(text) {
      if (!gone) stream().write(text);
    },
    columns: () => stream().columns || USUAL_COLUMNS,
    onResize(run) {
      stream().on("resize", run);
      return () => void stream().off("resize", run);
    },
    onSuspend(leave, enter) {
      const suspend = () => {
        leave();
        process.kill(process.pid, "SIGSTOP");
      };
      process.on("exit", leave);
      process.on("SIGTSTP", suspend);
      process.on("SIGCONT", enter);
      return () => {
        process.off("exit", leave);
        process.off("SIGTSTP", suspend);
        process.off("SIGCONT", enter);
      };
    },
  };
}
