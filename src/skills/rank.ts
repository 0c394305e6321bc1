import { stem, termsOf, wordSet } from "../base/words.ts";
import type { Skill } from "../contracts/skill.ts";

/** How well a skill served tasks of this kind, 0..1; undefined where nobody knows. */
export type Effectiveness = (skill: string) => number | undefined;

export interface RankedSkill {
  skill: Skill;
  /** 0..1. */
  similarity: number;
  /** What it is ordered by, 0..1. */
  score: number;
}

/** Similarity counts three times as much as the past: a good skill for something else is of no use. */
const SIMILARITY_WEIGHT = 0.75;
/** Of a skill that nobody used yet. */
const UNKNOWN = 0.5;

/** Orders skills by their similarity to the task and by past effectiveness, the best first; names decide between equals. */
export function rankSkills(
  skills: readonly Skill[],
  task: string,
  effectiveness: Effectiveness = () => undefined,
): RankedSkill[] {
  const likeness = overlap(task, skills.map(textOf));
  return skills
    .map((skill, at) => {
      const alike = Math.min(1, Math.max(0, likeness[at] ?? 0));
      const past = effectiveness(skill.name) ?? UNKNOWN;
      return { skill, similarity: alike, score: SIMILARITY_WEIGHT * alike + (1 - SIMILARITY_WEIGHT) * past };
    })
    .sort((a, b) => b.score - a.score || (a.skill.name < b.skill.name ? -1 : 1));
}

/** What a skill says of itself. */
function textOf({ name, description, categories }: Skill): string {
  return [name.replaceAll("-", " "), description, ...categories].join("\n");
}

/**
 * The cosine of the words that both texts have, where a word counts the more the fewer of the texts have it. Needs no
 * model and no memory.
 */
function overlap(task: string, texts: readonly string[]): number[] {
  const words = texts.map(wordsOf);
  const count = new Map<string, number>();
  for (const set of words) for (const word of set) count.set(word, (count.get(word) ?? 0) + 1);
  const weight = (word: string) => Math.log(1 + texts.length / (count.get(word) ?? 1));
  const length = (set: Iterable<string>) => Math.sqrt([...set].reduce((sum, word) => sum + weight(word) ** 2, 0));
  const wanted = wordsOf(task);
  const own = length(wanted);
  return words.map((set) => {
    const shared = [...wanted].filter((word) => set.has(word)).reduce((sum, word) => sum + weight(word) ** 2, 0);
    return shared === 0 ? 0 : shared / (own * length(set));
  });
}

/** The words of a text, each once. What it is for says less than what it is about. */
function wordsOf(text: string): Set<string> {
  return new Set(termsOf(text).filter((term) => term.length > 1 && !empty().has(term)));
}

/** Words of every description that say nothing of its subject. */
const empty = wordSet("any how not so use user want", stem);
