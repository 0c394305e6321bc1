/**
 * What a text says of conventions, whoever wrote it and in whatever form: a finding, a learning, a past task. This is the
 * only way in which the scripted model comes to know anything but by reading the project's documents.
 */
import { type Choice, KINDS, type Kind } from "./conventions.ts";
import type { Topic } from "./families.ts";
import type { Site } from "./history.ts";

export interface Statement {
  kind: Kind;
  choice: Choice;
  /** What it is said of, where the text names something. */
  of: Topic | undefined;
  /** It is a finding about the work that is under way. */
  finding: boolean;
}

/** Everything that the text states, in its order. `topics`: what it may be about. */
export function statementsIn(text: string, topics: readonly Topic[]): Statement[] {
  const kinds = KINDS();
  return entriesOf(text).flatMap((entry) => {
    const finding = /\[(blocker|important|suggestion)\]/.test(entry);
    return sentencesOf(entry).flatMap((sentence) => {
      const words = plain(sentence);
      const said = kinds
        .filter((kind) => kind.about.test(sentence))
        .flatMap((kind) => kind.choices.map((choice) => ({ kind, choice })))
        .filter(({ choice }) => placeOf(words, choice.words) >= 0);
      if (said.length === 0) return [];
      const of = topicIn(sentence, topics) ?? topicIn(entry, topics);
      return said.map((each) => ({ ...each, of, finding }));
    });
  });
}

/** The first of them that is named. */
export function topicIn(text: string, topics: readonly Topic[]): Topic | undefined {
  const words = plain(text);
  let first: { topic: Topic; at: number } | undefined;
  for (const topic of topics) {
    for (const name of [topic.noun, topic.alias]) {
      const at = placeOf(words, name);
      if (at >= 0 && at < (first?.at ?? Number.POSITIVE_INFINITY)) first = { topic, at };
    }
  }
  return first?.topic;
}

/** How a judge titles it, and an author who tells what mattered. */
export function titleOf(topic: Topic, { kind, choice }: Pick<Site, "kind" | "choice">): string {
  return `${topic.noun}: ${kind.must(choice.words)}`;
}

/** In the words of somebody who passes it on; one sentence. */
export function adviceOf(topic: Topic | undefined, said: readonly Pick<Statement, "kind" | "choice">[]): string {
  const advice = said.map(({ kind, choice }) => kind.advice(choice.words)).join("; ");
  return topic ? `When working on a ${topic.noun}: ${advice}.` : `Remember: ${advice}.`;
}

/** Paragraphs, list items, headings and tags: what belongs together. */
function entriesOf(text: string): string[] {
  return text.split(/\n\s*\n|\n(?=\s*(?:[-*•#<|]|\d+[.)]\s))/);
}

function sentencesOf(entry: string): string[] {
  return entry.split(/(?<=[.;!?])\s+/);
}

/** Small letters; spaces, underscores, dashes and line breaks are the same. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[\s_-]+/g, " ");
}

/** Where the words stand in a plain text, not inside of others, in singular or plural; -1 where they do not. */
function placeOf(text: string, words: string): number {
  const wanted = words.toLowerCase();
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const after = text.slice(at + wanted.length, at + wanted.length + 3);
    if (!/[a-z]/.test(text[at - 1] ?? "") && /^(?:s|es)?(?![a-z])/.test(after)) return at;
  }
  return -1;
}
