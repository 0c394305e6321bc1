import apiDesign from "../../skills/api-design/SKILL.md" with { type: "text" };
import codeReview from "../../skills/code-review/SKILL.md" with { type: "text" };
import general from "../../skills/general/SKILL.md" with { type: "text" };
import bugReport from "../../skills/optional/bug-report/SKILL.md" with { type: "text" };
import dependencyUpdate from "../../skills/optional/dependency-update/SKILL.md" with { type: "text" };
import releaseNotes from "../../skills/optional/release-notes/SKILL.md" with { type: "text" };
import proseQuality from "../../skills/prose-quality/SKILL.md" with { type: "text" };
import selfIterate from "../../skills/self-iterate/SKILL.md" with { type: "text" };
import sqlSafety from "../../skills/sql-safety/SKILL.md" with { type: "text" };
import testQuality from "../../skills/test-quality/SKILL.md" with { type: "text" };

/** The evaluator that judges what no other one is for. */
export const FALLBACK_EVALUATOR = "general";

/** Chosen by itself in OpenKoi's own source tree, and offered nowhere else. */
export const SELF_ITERATE = "self-iterate";

/** The texts of the skills that the binary carries, by name. */
export const BUNDLED: Readonly<Record<string, string>> = {
  [FALLBACK_EVALUATOR]: general,
  "code-review": codeReview,
  "prose-quality": proseQuality,
  "sql-safety": sqlSafety,
  "api-design": apiDesign,
  "test-quality": testQuality,
  [SELF_ITERATE]: selfIterate,
};

/** Carried along, but only a skill once it is installed: `openkoi learn install NAME`. */
export const OPTIONAL: Readonly<Record<string, string>> = {
  "bug-report": bugReport,
  "dependency-update": dependencyUpdate,
  "release-notes": releaseNotes,
};
