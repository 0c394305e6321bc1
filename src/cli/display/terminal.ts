import type { Event } from "../../contracts/event.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { lines } from "./lines.ts";
import { statusLine } from "./status-line.ts";
import { createStyle } from "./style.ts";
import { emptyView, look } from "./view.ts";

/** Least time between two redraws, ms. */
const REDRAW_MS = 100;
/** Time between redraws while nothing happens, so that the clock moves on, ms. */
const IDLE_MS = 1000;

/** Columns left free: the terminal itself writes `^C` behind the status line, and that must not wrap. */
const CTRL_C_WIDTH = 3;

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_DOWN = "\x1b[J";

/** Lines that stay, and below them one line that is redrawn. */
export function createTerminal(options: DisplayOptions): Display {
  const { screen, clock, timer } = options;
  const { resumable = true } = options;
  const style = createStyle(options.color);
  let view = emptyView();
  let pending: string[] = [];
  /** Columns of the status line on the screen; 0: there is none. */
  let drawn = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let next: { at: number; cancel: () => void } | undefined;
  let started = false;
  let paused = false;
  let closed = false;

  /** Takes the status line away. A window that became narrower has broken it into several rows. */
  const erase = (): string => {
    const rows = Math.ceil(drawn / Math.max(1, screen.columns()));
    const up = rows > 1 ? `\x1b[${rows - 1}A` : "";
    return drawn > 0 ? `\r${up}${CLEAR_DOWN}` : "";
  };

  const draw = (withStatus: boolean): void => {
    next?.cancel();
    next = undefined;
    const now = clock.now();
    const status = withStatus ? statusLine(view, now, screen.columns() - CTRL_C_WIDTH, style) : "";
    const stay = pending.map((line) => `${line}\n`).join("");
    screen.write(`${erase()}${stay}${status === "" ? "" : HIDE_CURSOR}${status}`);
    pending = [];
    drawn = Bun.stringWidth(status);
    drawnAt = now;
    if (withStatus) schedule(IDLE_MS);
  };

  const schedule = (ms: number): void => {
    if (paused || closed) return;
    const at = clock.now() + ms;
    if (next && next.at <= at) return;
    next?.cancel();
    next = { at, cancel: timer(ms, () => draw(true)) };
  };

  const leave = (): void => {
    draw(false);
    screen.write(SHOW_CURSOR);
  };
  const enter = (): void => {
    if (!paused && !closed && started) draw(true);
  };
  const stop = [screen.onResize(() => schedule(0)), screen.onSuspend(leave, enter)];

  return {
    recall(history) {
      view = history.reduce(look, view);
    },
    receive(event: Event) {
      pending.push(...lines(event, view, { width: screen.columns(), verbose: options.verbose, style, resumable }));
      view = look(view, event);
      started = true;
      if (paused || closed) return;
      const wait = drawnAt + REDRAW_MS - clock.now();
      if (wait <= 0) draw(true);
      else schedule(wait);
    },
    pause() {
      leave();
      paused = true;
    },
    resume() {
      paused = false;
      enter();
    },
    close() {
      if (closed) return;
      closed = true;
      leave();
      for (const end of stop) end();
    },
  };
}
