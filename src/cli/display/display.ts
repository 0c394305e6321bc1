import type { Reader } from "../../contracts/event.ts";
import type { Clock } from "../../contracts/kit.ts";
import type { Screen, Timer } from "./screen.ts";

/** Shows a task while it runs. */
export interface Display extends Reader {
  /** Leaves the screen to a question: nothing is written until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface DisplayOptions {
  /** Standard error. */
  screen: Screen;
  /** Redraw in place; see `displayMode`. */
  live: boolean;
  color: boolean;
  quiet: boolean;
  verbose: boolean;
  /** As in `LineOptions`. */
  resumable?: boolean;
  clock: Pick<Clock, "now">;
  timer: Timer;
}
