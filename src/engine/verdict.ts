import { type Infer, isObject, s } from "../base/schema.ts";
import type { Dimension, Rubric } from "../contracts/skill.ts";
import type { DimensionScore, Finding, Judgement } from "../contracts/task.ts";

/** How the ids of findings begin that are made of evidence. */
export const EVIDENCE_ID = "evidence:";
/** And of those among them that only say that a proof did not pass, not what fails. */
export const UNPROVEN_ID = `${EVIDENCE_ID}unproven:`;
/** And of those that say that tests were taken away. */
export const GONE_ID = `${EVIDENCE_ID}gone:`;
/** A blocker caps its dimension at this score. */
const BLOCKER_CAP = 0.3;

type Severity = Finding["severity"];

/** What judges call the severities, beside the names that they are asked for. */
const SEVERITIES: Readonly<Record<string, Severity>> = {
  blocker: "blocker",
  blocking: "blocker",
  critical: "blocker",
  fatal: "blocker",
  severe: "blocker",
  high: "blocker",
  error: "blocker",
  suggestion: "suggestion",
  low: "suggestion",
  minor: "suggestion",
  info: "suggestion",
  informational: "suggestion",
  nit: "suggestion",
  nitpick: "suggestion",
};

/** Words that nobody knows must not make light of a finding: like major, medium and warning they count as important. */
function severityOf(value: unknown): Severity {
  const word = typeof value === "string" ? value.trim().toLowerCase() : "";
  return Object.hasOwn(SEVERITIES, word) ? SEVERITIES[word]! : "important";
}

/** What a finding may lack: left out where it is empty or no text. */
const note = s.tidied(s.optional(s.string()), (value) =>
  typeof value === "string" && value.trim() !== "" ? value : undefined,
);

const findingSchema = s.tidied(
  s.object({
    id: note,
    severity: s.tidied(s.choice(["blocker", "important", "suggestion"]), severityOf),
    dimension: s.lenient(s.string(), ""),
    title: s.string(),
    description: s.lenient(s.string(), ""),
    location: note,
    fix: note,
  }),
  titled,
);

/** A finding that is one text, or that has no title but a description, says what it is all the same. */
function titled(value: unknown): unknown {
  if (typeof value === "string") return { title: value, severity: "" };
  if (!isObject(value)) return value;
  const { title, description, severity = "" } = value;
  const isNamed = typeof title === "string" && title.trim() !== "";
  const named = isNamed || typeof description !== "string" ? title : description.trim().split("\n", 1)[0];
  return { ...value, severity, title: named };
}

/** "0.95" is a number. */
function counted(value: unknown): unknown {
  const read = typeof value === "string" && value.trim() ? Number(value) : Number.NaN;
  return Number.isNaN(read) ? value : read;
}

/** What a judge answers. What means the right thing in another form is read: a finding must not be lost over its form. */
export const verdictSchema = s.object({
  scores: s.record(s.tidied(s.number(undefined, { min: 0, max: 1 }), counted)),
  findings: s.tidied(s.withDefault(s.array(findingSchema), []), (value) => value ?? []),
});

type Verdict = Infer<typeof verdictSchema>;

/** The verdict with the dimensions named as the rubric names them, in whatever case the judge wrote them. Pure. */
export function inWordsOf({ dimensions }: Rubric, { scores, findings }: Verdict): Verdict {
  const plain = (name: string) => name.trim().toLowerCase();
  const own = (name: string) => dimensions.find((each) => plain(each.name) === plain(name))?.name ?? name;
  const renamed = Object.entries(scores).map(([name, value]) => [own(name), value] as const);
  return {
    scores: { ...Object.fromEntries(renamed), ...scores },
    findings: findings.map((finding) => ({ ...finding, dimension: own(finding.dimension) })),
  };
}

/** A finding as the judge wrote it. */
type Found = Omit<Finding, "id" | "location" | "fix"> & Partial<Finding>;

/** What is wrong with the scores, in words; "" where all that were asked for are there. */
export function missingScores(asked: readonly Dimension[], scores: Record<string, number>): string {
  const missing = asked.filter(({ name }) => scores[name] === undefined);
  return missing.length > 0 ? `scores for ${missing.map((d) => d.name).join(", ")} are missing` : "";
}

/**
 * Gives every finding its id: the one of the open finding that it repeats (by id, by title, or by dimension and place),
 * else its own, each once. So a defect keeps one id for as long as it is open, however the judge words it. Pure.
 */
export function identify(found: readonly Found[], open: readonly Finding[]): Finding[] {
  const known = new Map(open.map((finding) => [finding.id, finding]));
  const free = new Set(known.keys());
  // Those that name their ids come first: what only looks alike takes what is left.
  const named = found.map(({ id }) => id !== undefined && free.delete(id));
  const taken = new Set<string>();
  return found.map((finding, at) => {
    const like = (alike: typeof sameWords) => [...free].find((id) => alike(finding, known.get(id)!));
    const same = named[at] ? finding.id : (like(sameWords) ?? like(samePlace));
    if (same !== undefined) free.delete(same);
    // The ids of findings that are made of evidence are not the judge's to give.
    const own = finding.id && !finding.id.startsWith(EVIDENCE_ID) ? finding.id : slug(finding.title);
    const id = unique(same ?? own, taken);
    return { ...finding, id };
  });
}

function sameWords(finding: Found, open: Finding): boolean {
  return slug(finding.title) === slug(open.title);
}

/** A file alone is no place: it may hold many defects. */
function samePlace(finding: Found, open: Finding): boolean {
  const { location, dimension } = finding;
  return location !== undefined && /:\d+/.test(location) && location === open.location && dimension === open.dimension;
}

function unique(id: string, taken: Set<string>): string {
  let free = id;
  for (let nth = 2; taken.has(free); nth++) free = `${id}-${nth}`;
  taken.add(free);
  return free;
}

function slug(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 48) || "finding"
  );
}

/**
 * The weighted mean of the rubric's dimensions, each capped by its blockers. `carried` are those that were not judged
 * again. Pure.
 */
export function score(
  rubric: Rubric,
  scores: Record<string, number>,
  findings: Finding[],
  carried: readonly DimensionScore[] = [],
): Judgement {
  const blocked = new Set(findings.filter((f) => f.severity === "blocker").map((f) => f.dimension));
  const dimensions: DimensionScore[] = rubric.dimensions.map(({ name, weight }) => {
    const before = carried.find((each) => each.name === name);
    const given = before?.score ?? scores[name] ?? 0;
    const capped = blocked.has(name) ? Math.min(given, BLOCKER_CAP) : given;
    return { name, weight, score: capped, ...(before ? { carried: true } : {}) };
  });
  const total = dimensions.reduce((sum, dimension) => sum + dimension.weight * dimension.score, 0);
  const weights = dimensions.reduce((sum, dimension) => sum + dimension.weight, 0);
  // Weights that add up to 1 only nearly must not lift a score over it.
  return { state: "scored", dimensions, score: Math.min(1, total / (weights || 1)), findings, rubric: rubric.name };
}

/** True where the judge was not asked. */
export function isSkipped(judgement: Judgement): boolean {
  if (judgement.state !== "scored") return judgement.state === "skipped";
  return judgement.dimensions.length > 0 && judgement.dimensions.every(({ carried }) => carried);
}
