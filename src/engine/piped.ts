import { enclose, truncateMiddle } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Context } from "./context.ts";
import { charactersIn } from "./measure.ts";

/** What piped text may take of the smallest window. */
const PIPED_SHARE = 0.25;

/**
 * Text that was piped in, marked as data: at most as much of it as leaves every model most of its window. Where it is
 * longer the whole is kept for the file tools, and the user is told (`tell`).
 */
export async function* readPiped({ kit, task }: Context, tell: boolean): AsyncGenerator<EventBody, string> {
  const { context } = task;
  if (context === undefined) return "";
  const { executor, planner, evaluator } = kit.models;
  const least = Math.min(executor.info.context, planner.info.context, evaluator.info.context);
  const most = charactersIn(context, least * PIPED_SHARE);
  if (context.length <= most) return pipedText(context);
  const path = await kit.keep("stdin", context);
  if (tell) {
    const shown = `${most.toLocaleString("en-US")} of the ${context.length.toLocaleString("en-US")} characters`;
    const rest = path === undefined ? "" : ` (it may look up the rest in ${path})`;
    yield {
      type: "warning",
      code: "stdin",
      message: `the model is shown ${shown} that were piped in, the middle is left out${rest}; so that it reads all of it, put the text into a file in the folder and name that in the task`,
    };
  }
  return pipedText(truncateMiddle(context, most, path === undefined ? "" : `; whole text: ${path} (grep or read it)`));
}

function pipedText(text: string): string {
  return `\n${enclose("stdin", text)}\n`;
}
