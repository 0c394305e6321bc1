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
      const before = old?.isFile() ? readFileSync(place.path, "utf8") : "";
      return previewDiff(`${old ? "replace" : "create"} ${place.shown}`, before, content);
    },

    async run({ path, content }, context) {
      const place = resolvePath(path, context, "write");
      checkKnown(place, context);
      await context.beforeWrite(place.path);
      // A checkpoint may have been waited for: what somebody wrote there meanwhile must not be lost.
      const isThere = checkKnown(place, context);
      const bytes = Buffer.from(content);
      const stats = replaceFile(place, bytes);
      context.seen.note(place.path, context.seen.look(stats), hashOf(bytes));
      const lines = content === "" ? 0 : content.split("\n").length - (content.endsWith("\n") ? 1 : 0);
      return {
        text: `${isThere ? "Replaced" : "Created"} ${place.shown} (${plural(lines, "line")}).`,
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

function stateOf(place: Place, { seen }: ToolContext): ReturnType<ToolContext["seen"]["state"]> {
  const { fd, stats } = openPlace(place);
  try {
    return seen.state(place.path, seen.look(stats), () => new Pieces(fd, Number(stats.size)).hash());
  } finally {
    closeSync(fd);
  }
}
