import description from "../../embed/tools/glob.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { walk } from "../base/walk.ts";
import type { Tool } from "../contracts/tool.ts";
import { Mistake } from "./mistake.ts";
import { compileNamePattern, relativePattern } from "./name-pattern.ts";
import { resolveFolder, shownPath } from "./paths.ts";

/** Paths that are listed; the others are counted. */
const SHOWN = 500;

function parameters() {
  return s.object({ pattern: s.string(), path: s.optional(s.string()) });
}

export function createGlob(): Tool<Infer<ReturnType<typeof parameters>>> {
  return {
    name: "glob",
    description: description.trim(),
    parameters: parameters(),
    effect: "read",
    subject: ({ pattern, path }) => (path ? `${pattern} in ${path}` : pattern),

    async run({ pattern, path = "." }, context) {
      const root = resolveFolder(path, context);
      const only = compileNamePattern(relativePattern(pattern, root.path));
      const found: string[] = [];
      let count = 0;
      let skipped = 0;
      const entries = walk(root.path, { only, signal: context.signal, onSkip: () => skipped++ });
      for (const entry of entries) {
        if (entry.kind === "dir" || !context.mayRead(entry.absolute)) continue;
        if (count++ < SHOWN) found.push(shownPath(entry.absolute, context));
      }
      if (count === 0) throw new Mistake(nothing(pattern, root.shown));
      const notes = [
        ...(count > SHOWN ? [`the first ${SHOWN} of ${count}; narrow the pattern or give path`] : []),
        ...(skipped > 0 ? [`${skipped} unreadable left out`] : []),
      ];
      return { text: [...found, ...(notes.length > 0 ? [`[${notes.join("; ")}]`] : [])].join("\n") };
    },
  };
}

function nothing(pattern: string, folder: string): string {
  const where = folder === "." ? "" : ` in ${folder}`;
  return `No file matches ${pattern}${where}. Ignored files are left out; give their folder as path to see them.`;
}
