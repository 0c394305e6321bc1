import { lstatSync } from "node:fs";
import { basename } from "node:path";
import description from "../../embed/tools/grep.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import { walk } from "../base/walk.ts";
import type { Tool, ToolContext } from "../contracts/tool.ts";
import { compileLinePattern } from "./grep-pattern.ts";
import { Search } from "./grep-search.ts";
import { Mistake } from "./mistake.ts";
import { compileNamePattern, relativePattern } from "./name-pattern.ts";
import { missing, type Place, resolvePath, shownPath } from "./paths.ts";

const MAX_CONTEXT = 20;

export function createGrep(): Tool<Infer<ReturnType<typeof parameters>>> {
  return {
    name: "grep",
    description: description.trim(),
    parameters: parameters(),
    effect: "read",
    subject: ({ pattern, path }) => (path ? `${pattern} in ${path}` : pattern),

    async run({ pattern, path = ".", glob, ignore_case, context: around = 0 }, context) {
      const place = resolvePath(path, context, "read");
      const compiled = compileLinePattern(pattern, ignore_case === true);
      const search = new Search(compiled, Math.min(around, MAX_CONTEXT), !isFile(place), context);
      try {
        await search.run(filesOf(place, glob, context), (path) => shownPath(path, context));
      } finally {
        search.close();
      }
      if (search.matches === 0) throw new Mistake(nothing(pattern, place, search));
      return { text: search.report() };
    },
  };
}

function parameters() {
  return s.object({
    pattern: s.string(),
    path: s.optional(s.string()),
    glob: s.optional(s.string()),
    ignore_case: s.optional(s.boolean()),
    context: s.optional(s.integer(undefined, { min: 0 })),
  });
}

function* filesOf(place: Place, glob: string | undefined, context: ToolContext): Generator<string> {
  const only = glob === undefined ? undefined : compileNamePattern(relativePattern(glob, place.path));
  const stats = lstatSync(place.path, { throwIfNoEntry: false });
  if (!stats) throw new Mistake(missing(place));
  if (!stats.isDirectory()) {
    if (!context.mayRead(place.path))
      throw new Mistake(`The user's rules forbid reading ${place.shown}. Go on without it.`);
    if (!only || only.fits(place.shown, basename(place.path))) yield place.path;
    return;
  }
  for (const entry of walk(place.path, { ...(only && { only }), signal: context.signal })) {
    if (entry.kind === "file" && context.mayRead(entry.absolute)) yield entry.absolute;
  }
}

function isFile({ path }: Place): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function nothing(pattern: string, place: Place, search: Search): string {
  const where = place.shown === "." ? "" : ` of ${place.shown}`;
  if (search.searched + search.unread === 0) {
    return `No file was searched${where} (ignored and binary files left out). Check path and glob.`;
  }
  const unread = search.unread > 0 ? `; ${search.unread} could not be read` : "";
  return `No line matches ${pattern} in ${plural(search.searched, "file")}${where} (ignored and binary files left out${unread}).`;
}
