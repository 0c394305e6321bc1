import { closeSync, lstatSync, readFileSync } from "node:fs";
import description from "../../embed/tools/write.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { Tool, ToolContext } from "../contracts/tool.ts";
import { Mistake } from "./mistake.ts";
import { openPlace, type Place, resolvePath } from "./paths.ts";
import { hashOf, Pieces } from "./pieces.ts";
import { previewDiff } from "./preview.ts";
import { replaceFile } from "./replace.ts";
import { formOf, inForm } from "./text-form.ts";

function parameters() {
  return s.object({ path: s.string(), content: s.string() });
}

export function createWrite(): Tool<Infer<ReturnType<typeof parameters>>> {
  return {
    name: "write",
    description: description.trim(),
    parameters: parameters(),
    effect: "write",
    subject: ({ path }) => path,

    async preview({ path, content }, context) {
      const place = resolvePath(path, context, "write");
      const old = lstatSync(place.path, { throwIfNoEntry: false });
      const isFile = old?.isFile() === true;
      const before = isFile ? readFileSync(place.path, "utf8") : "";
      const { text } = isFile ? asBefore(place, content) : { text: content };
      return previewDiff(`${old ? "replace" : "create"} ${place.shown}`, before, text);
    },

    async run({ path, content }, context) {
      const place = resolvePath(path, context, "write");
      checkKnown(place, context);
      await context.beforeWrite(place.path);
      // A checkpoint may have been waited for: what somebody wrote there meanwhile must not be lost.
      const isThere = checkKnown(place, context);
      const { text, kept } = isThere ? asBefore(place, content) : { text: content, kept: "" };
      const bytes = Buffer.from(text);
      const stats = replaceFile(place, bytes);
      context.seen.note(place.path, context.seen.look(stats), hashOf(bytes));
      const lines = content === "" ? 0 : content.split("\n").length - (content.endsWith("\n") ? 1 : 0);
      return {
        text: `${isThere ? "Replaced" : "Created"} ${place.shown} (${plural(lines, "line")}${kept && `; its ${kept} kept`}).`,
        changed: [place.path],
      };
    },
  };
}

/** Whether a file is there. Throws a `Mistake` where the task does not know what it holds. */
function checkKnown(place: Place, context: ToolContext): boolean {
  const old = lstatSync(place.path, { throwIfNoEntry: false });
  if (!old) return false;
  if (old.isDirectory()) throw new Mistake(`${place.shown} is a folder. Name a file in it.`);
  const state = stateOf(place, context);
  if (state === "unseen") {
    throw new Mistake(`${place.shown} exists and was not read. Read it first, then write; or use edit.`);
  }
  if (state === "changed") {
    throw new Mistake(`${place.shown} changed since it was read. Read it again, then write what is to be there.`);
  }
  return true;
}

/** The content with the line ends and the byte order mark of the file that is there: a model is not shown these. */
function asBefore(place: Place, content: string): ReturnType<typeof inForm> {
  const { fd, stats } = openPlace(place);
  try {
    return inForm(content, formOf(fd, Number(stats.size)));
  } finally {
    closeSync(fd);
  }
}

function stateOf(place: Place, { seen }: ToolContext): ReturnType<ToolContext["seen"]["state"]> {
  const { fd, stats } = openPlace(place);
  try {
    return seen.state(place.path, seen.look(stats), () => new Pieces(fd, Number(stats.size)).hash());
  } finally {
    closeSync(fd);
  }
}
