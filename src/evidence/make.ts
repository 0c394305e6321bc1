import { type Candidate, isAlone } from "./candidate.ts";
import type { Folder } from "./folder.ts";

/** The targets `test` (else `check`), `lint` and `typecheck` of a Makefile. */
export function makeChecks(folder: Folder): Candidate[] {
  // The order in which GNU make looks.
  const file = ["GNUmakefile", "makefile", "Makefile"].find((name) => folder.has(name));
  const targets = readTargets(file === undefined ? "" : folder.text(file));
  const candidate = (kind: Candidate["kind"], names: readonly string[]): Candidate[] => {
    const name = names.find((one) => targets.has(one));
    if (name === undefined) return [];
    const { needs, recipe } = targets.get(name)!;
    return [
      {
        kind,
        command: `make ${name}`,
        folder,
        source: `${file} ${name}`,
        runs: new RegExp(`\\bmake (?:-\\S+ )*${name}\\b`),
        body: bodyOf(name, targets),
        alone: needs.length === 0 && isAlone(recipe),
      },
    ];
  };
  const typeNames = ["typecheck", "type-check", "mypy"];
  return [
    ...candidate("test", ["test", "tests", "check"]),
    ...candidate("static", typeNames),
    ...candidate("static", ["lint"]),
  ];
}

interface Target {
  needs: string[];
  recipe: string;
}

/** Targets by name. Variables are not expanded; that is enough to see which tools a recipe names. */
function readTargets(text: string): Map<string, Target> {
  const targets = new Map<string, Target>();
  let open: Target[] = [];
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    const rule = /^([^\s#:=][^#:=]*?)\s*::?(?!=)\s*([^=;]*?)(?:;(.*))?$/.exec(line);
    if (line.startsWith("\t")) {
      for (const target of open) target.recipe += `${line.slice(1).replace(/^[@+-]+/, "")}\n`;
    } else if (rule) {
      open = rule[1]!.split(/\s+/).map((name) => {
        const target = targets.get(name) ?? { needs: [], recipe: "" };
        target.needs.push(...rule[2]!.replace(/\s#.*/, "").split(/\s+/).filter(Boolean));
        if (rule[3]) target.recipe += `${rule[3]}\n`;
        targets.set(name, target);
        return target;
      });
    } else if (line.trim() !== "" && !line.startsWith("#")) open = [];
  }
  return targets;
}

function bodyOf(name: string, targets: ReadonlyMap<string, Target>, seen: ReadonlySet<string> = new Set()): string {
  const target = targets.get(name);
  if (!target || seen.has(name)) return "";
  const inside = new Set([...seen, name]);
  return [...target.needs.map((need) => bodyOf(need, targets, inside)), target.recipe].filter(Boolean).join("\n");
}
