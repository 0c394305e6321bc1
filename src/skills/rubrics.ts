import { UserError } from "../base/errors.ts";
import { FILE_KINDS } from "../base/file-kinds.ts";
import { describeIssues, parse, s } from "../base/schema.ts";
import type { Dimension, Rubric } from "../contracts/skill.ts";
import { FALLBACK_EVALUATOR } from "./bundled.ts";
import type { SkillText } from "./frontmatter.ts";
import { mapping } from "./parse.ts";

/**
 * What an evaluator scores by: `metadata.categories`, and the dimensions with their weights, at the top level or under
 * `metadata`; `touched_by` of a dimension names the kinds of files whose change can alter it. Throws a `UserError` where
 * it has nothing to score.
 */
export function rubricOf({ data, body }: SkillText, name: string, file: string): Rubric {
  const metadata = mapping(data["metadata"]);
  const schema = s.object({
    categories: s.withDefault(s.array(s.string()), []),
    dimensions: s.array(
      s.object({
        name: s.string("", { minLength: 1 }),
        weight: s.number("", { min: 0 }),
        description: s.optional(s.string()),
        touched_by: s.optional(s.array(s.choice([...FILE_KINDS]))),
      }),
    ),
  });
  const read = parse(schema, {
    categories: metadata["categories"] ?? data["categories"],
    dimensions: data["dimensions"] ?? metadata["dimensions"],
  });
  if (!read.ok) throw new UserError(`${file}: ${describeIssues(read.issues)}`, "Correct its frontmatter.");
  const dimensions = read.value.dimensions.map(({ touched_by, ...dimension }): Dimension => {
    return { ...dimension, ...(touched_by ? { touchedBy: touched_by } : {}) };
  });
  return { name, ...read.value, dimensions: normalised(dimensions, file), body };
}

/** Weights that add up to 1; those that do already are left as they are written. */
function normalised(dimensions: readonly Dimension[], file: string): Dimension[] {
  const total = dimensions.reduce((sum, dimension) => sum + dimension.weight, 0);
  if (!(total > 0)) throw new UserError(`${file}: no dimension has a weight`, "Give at least one a weight above 0.");
  if (Math.abs(total - 1) < 1e-9) return [...dimensions];
  return dimensions.map((dimension) => ({ ...dimension, weight: dimension.weight / total }));
}

/**
 * The evaluator for a category: the last of the list that names it (later ones outrank earlier ones), else the last
 * `general`. Case does not matter. Throws where there is neither, which is a bug: the bundled ones have it.
 */
export function selectRubric(category: string, rubrics: readonly Rubric[]): Rubric {
  const wanted = category.trim().toLowerCase();
  const named = rubrics.findLast((rubric) => rubric.categories.some((one) => one.toLowerCase() === wanted));
  const chosen = named ?? rubrics.findLast((rubric) => rubric.name === FALLBACK_EVALUATOR) ?? rubrics[0];
  if (!chosen) throw new Error("there is no evaluator at all");
  return chosen;
}
