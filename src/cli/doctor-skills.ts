import type { Skill } from "../contracts/skill.ts";
import type { Skills } from "../skills/index.ts";
import { faultText } from "../skills/parse.ts";
import type { Soul } from "../skills/soul.ts";
import type { Diagnosis } from "./doctor-files.ts";

/** Remarks of one kind that are shown; the rest is counted. */
const MOST = 20;

/** What can be said of the skills: how many are offered, which are not and why, and where files break the standard. */
export function skillFindings(skills: Pick<Skills, "all" | "active" | "refused">, soul: Soul): Diagnosis[] {
  const active = skills.active();
  const tasks = active.filter(({ kind }) => kind === "task").length;
  const idle = skills.all().filter((skill) => skill.inactive !== undefined && skill.source !== "bundled");
  const warnings = skills.all().flatMap((skill) => skill.warnings);
  return [
    { state: "ok", text: `skills offered: ${tasks}; evaluators: ${active.length - tasks}` },
    soulFinding(soul),
    ...some(skills.refused().map((fault) => note(faultText(fault), "It is not used. Mend the file."))),
    ...some(
      idle.map((skill) => note(`${skill.name} (${skill.source}) is not offered: ${skill.inactive}`, wayOut(skill))),
    ),
    ...some(warnings.map((fault) => note(faultText(fault)))),
  ];
}

function note(text: string, remedy?: string): Diagnosis {
  return { state: "note", text, ...(remedy ? { remedy } : {}) };
}

function wayOut({ source, approved, name }: Skill): string | undefined {
  return source === "proposed" && !approved ? `openkoi learn approve ${name}` : undefined;
}

function soulFinding({ source, file, cut }: Soul): Diagnosis {
  const text = `soul: ${file ?? source}`;
  if (cut === 0) return { state: "ok", text };
  return note(`${text}: ${cut} characters are cut off`, "Make it shorter than 20,000 characters.");
}

function some(all: readonly Diagnosis[]): Diagnosis[] {
  const rest = all.length - MOST;
  return rest > 0 ? [...all.slice(0, MOST), note(`and ${rest} more of the kind`)] : [...all];
}
