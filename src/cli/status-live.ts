import type { App } from "../app.ts";
import { Exit, type ExitCode, UsageError } from "../base/errors.ts";
import { readCurrentTask } from "../readers/state-file.ts";
import { createScreen, type Screen, systemTimer, type Timer } from "./display/screen.ts";
import { isTerminal } from "./display/standard.ts";
import { createStyle, displayMode, type Style } from "./display/style.ts";
import { CTRL_C, type Keys, openKeys } from "./keyboard.ts";
import { type LiveFacts, liveFrame } from "./live-frame.ts";
import { watchSignals } from "./signals.ts";
import { MOST_RESULTS } from "./status-text.ts";

/** Time between two pictures, ms. */
const REDRAW_MS = 1000;

/** The screen that programs like `less` use: what was there before comes back when it is left. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_DOWN = "\x1b[J";

export interface LiveDeps {
  screen: Screen & { rows(): number };
  keys: Keys;
  timer: Timer;
  style: Style;
  read(): Promise<LiveFacts>;
}

/** Draws what `read` tells once a second until q or Ctrl-C is typed, the terminal goes or the signal aborts. */
export async function live({ screen, keys, timer, style, read }: LiveDeps, signal: AbortSignal): Promise<void> {
  let facts = await read();
  let callOff = () => {};
  let left = false;
  const draw = (): void => {
    const lines = liveFrame(facts, screen.columns(), screen.rows(), style);
    screen.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\n")}${CLEAR_DOWN}`);
  };
  const again = (): void => {
    callOff = timer(REDRAW_MS, async () => {
      // A state file that is just being replaced is read the next time.
      facts = await read().catch(() => facts);
      if (left) return;
      draw();
      again();
    });
  };
  const enter = (): void => {
    screen.write(ENTER);
    draw();
  };
  const leave = (): void => {
    if (!left) screen.write(LEAVE);
  };
  enter();
  again();
  const stops = [screen.onResize(draw), screen.onSuspend(leave, enter)];
  try {
    for (;;) {
      const typed = await keys.next(signal);
      if (typed === undefined || typed === "q" || typed === "Q" || typed.includes(CTRL_C)) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    leave();
    left = true;
    callOff();
    for (const stop of stops) stop();
  }
}

/** `openkoi status --live`. @throws UsageError where nothing can be redrawn. */
export async function statusLive(app: App): Promise<ExitCode> {
  const mode = displayMode(isTerminal("stdout") && isTerminal("stdin"), app.env);
  const remedy = "openkoi status shows the same once, also without a terminal; --json for programs.";
  if (!mode.live) throw new UsageError("--live needs a terminal that can be redrawn", remedy);
  const signals = watchSignals();
  const keys = openKeys(process.stdin, true);
  try {
    if (!keys.raw) throw new UsageError("--live needs a terminal that gives single keys", remedy);
    await live(
      {
        screen: { ...createScreen(() => process.stdout), rows: () => process.stdout.rows || 24 },
        keys,
        timer: systemTimer,
        style: createStyle(mode.color),
        async read() {
          const [current, recent] = await Promise.all([
            readCurrentTask(app.paths.currentTask),
            app.ledger.recent(MOST_RESULTS),
          ]);
          return { current, recent, now: app.clock.now() };
        },
      },
      signals.signal,
    );
    return Exit.ok;
  } finally {
    keys.close();
    signals.stop();
  }
}
