import type { Event } from "../../contracts/event.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { lines } from "./lines.ts";
import { createStyle } from "./style.ts";
import { emptyView, look } from "./view.ts";

/** Calm lines, nothing redrawn: for pipes, logs, CI and dumb terminals. */
export function createPlain({ screen, verbose, color, resumable = true }: DisplayOptions): Display {
  const style = createStyle(color);
  let view = emptyView();
  return {
    recall(history) {
      view = history.reduce(look, view);
    },
    receive(event: Event) {
      const shown = lines(event, view, { width: Number.POSITIVE_INFINITY, verbose, style, resumable });
      view = look(view, event);
      if (shown.length > 0) screen.write(`${shown.join("\n")}\n`);
    },
    pause() {},
    resume() {},
    close() {},
  };
}

/** `--quiet`: nothing. A failure is said by whoever ends the program. */
export function createQuiet(): Display {
  return { receive() {}, pause() {}, resume() {}, close() {} };
}
