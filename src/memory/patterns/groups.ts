import type { UsageEvent } from "../../contracts/memory.ts";
import type { Similarity } from "./pattern.ts";
import { type Comparison, compareBy, compareWords, sentenceOf, wordsByText } from "./similarity.ts";
import type { Word } from "./words.ts";

/** Events that do the same. */
export interface Group<E extends UsageEvent> {
  kind: UsageEvent["kind"];
  /** Made of the words that most of its texts have: stays the same when events come and go. */
  name: string;
  /** The wording that is nearest to the others. */
  text: string;
  /** Oldest first. */
  events: E[];
  /** 0..1: how like its wordings are on the average. */
  likeness: number;
}

/** PRODUCT.md section 6. */
export const SAME_TASK = 0.75;
/** Of a group, so that a chain of neighbours does not tie together what has nothing in common. */
const LEAST_ON_AVERAGE = 0.6;
/** Below this a wording is not compared with the rest of a group. */
const WORTH_A_LOOK = 0.4;
/** Words that name a group, at most. */
const MOST_NAMING = 6;
/** Share of its events that have such a word. */
const SHARED = 0.5;

/** One wording: texts that differ in names and numbers alone. */
interface Wording<E> {
  /** Among all wordings. */
  place: number;
  text: string;
  words: readonly Word[];
  events: E[];
}

/** Sorts events into groups of the same. Whatever the order of the events, the groups are the same. */
export function groupEvents<E extends UsageEvent>(events: readonly E[], given?: Similarity): Group<E>[] {
  const kinds = Map.groupBy(events, ({ kind }) => kind);
  return [...kinds].flatMap(([kind, own]) => groupsOf(kind, own, given));
}

function groupsOf<E extends UsageEvent>(
  kind: UsageEvent["kind"],
  events: readonly E[],
  given?: Similarity,
): Group<E>[] {
  const texts = events.map(({ text }) => text);
  const words = wordsByText(texts);
  const wordings = wordingsOf(events, words);
  const own = wordings.map(({ text }) => text);
  const likes = given ? compareBy(given, own) : compareWords(own, texts, words);
  const clusters: Wording<E>[][] = [];
  for (const wording of wordings) {
    const home = nearest(wording, clusters, likes);
    if (home) home.push(wording);
    else clusters.push([wording]);
  }
  return named(joinAlike(clusters, likes).map((cluster) => ({ ...describe(cluster, likes), kind })));
}

/** The commonest first. */
function wordingsOf<E extends UsageEvent>(
  events: readonly E[],
  words: ReadonlyMap<string, readonly Word[]>,
): Wording<E>[] {
  const alike = Map.groupBy(events, ({ text }) => sentenceOf(words.get(text)!) || text);
  return [...alike.values()]
    .map((own) => {
      const text = commonest(own.map((event) => event.text));
      return { text, words: words.get(text)!, events: own };
    })
    .sort((a, b) => b.events.length - a.events.length || compare(a.text, b.text))
    .map((wording, place) => ({ ...wording, place }));
}

/** The most frequent of them; of several the shortest. */
function commonest(texts: readonly string[]): string {
  const counted = new Map<string, number>();
  for (const text of texts) counted.set(text, (counted.get(text) ?? 0) + 1);
  const [first] = [...counted].sort(([a, many], [b, more]) => more - many || a.length - b.length || compare(a, b));
  return first![0];
}

function nearest<E>(
  wording: Wording<E>,
  clusters: readonly Wording<E>[][],
  likes: Comparison,
): Wording<E>[] | undefined {
  let best: Wording<E>[] | undefined;
  let most = SAME_TASK;
  const likeTo = likes.to(wording.place);
  for (const cluster of clusters) {
    const toFirst = likeTo(cluster[0]!.place);
    if (toFirst < WORTH_A_LOOK) continue;
    let sum = 0;
    let count = 0;
    for (const { place, events } of cluster) {
      sum += events.length * likeTo(place);
      count += events.length;
    }
    const average = sum / count;
    const like = Math.max(toFirst, average);
    if (average < LEAST_ON_AVERAGE || like < most) continue;
    most = like;
    best = cluster;
  }
  return best;
}

/** On the average, each wording counting as often as it was used. */
function likeness<E>(some: readonly Wording<E>[], others: readonly Wording<E>[], likes: Comparison): number {
  let sum = 0;
  let count = 0;
  for (const one of some) {
    for (const other of others) {
      const weight = one.events.length * other.events.length;
      sum += weight * likes.between(one.place, other.place);
      count += weight;
    }
  }
  return sum / count;
}

/** Groups that grew towards each other are one. */
function joinAlike<E>(clusters: readonly Wording<E>[][], likes: Comparison): Wording<E>[][] {
  const joined: Wording<E>[][] = [];
  for (const cluster of clusters) {
    const likeTo = likes.to(cluster[0]!.place);
    const home = joined.find(
      (other) => likeTo(other[0]!.place) >= WORTH_A_LOOK && likeness(cluster, other, likes) >= SAME_TASK,
    );
    if (home) home.push(...cluster);
    else joined.push([...cluster]);
  }
  return joined;
}

function describe<E extends UsageEvent>(cluster: readonly Wording<E>[], likes: Comparison): Omit<Group<E>, "kind"> {
  const central = cluster
    .map((wording) => ({ wording, like: likeness([wording], cluster, likes) }))
    .sort((a, b) => b.like - a.like || compare(a.wording.text, b.wording.text))[0]!;
  const events = cluster.flatMap((wording) => wording.events).sort(byTime);
  return { name: nameOf(cluster), text: central.wording.text, events, likeness: likeness(cluster, cluster, likes) };
}

/** Older first; a fixed order of those at one moment. */
export function byTime(a: UsageEvent, b: UsageEvent): number {
  return a.at - b.at || compare(a.kind, b.kind) || compare(a.text, b.text) || compare(a.session, b.session);
}

function nameOf<E extends UsageEvent>(cluster: readonly Wording<E>[]): string {
  const counted = new Map<string, number>();
  let all = 0;
  for (const { words, events } of cluster) {
    all += events.length;
    for (const { stem } of words) counted.set(stem, (counted.get(stem) ?? 0) + events.length);
  }
  const shared = [...counted]
    .filter(([, count]) => count >= all * SHARED)
    .sort(([a, many], [b, more]) => more - many || compare(a, b))
    .slice(0, MOST_NAMING)
    .map(([stem]) => stem)
    .sort();
  return shared.join("-") || cluster[0]!.text.slice(0, 80);
}

/** Names that two groups share get a number; the larger group keeps the name. */
function named<E extends UsageEvent>(groups: Group<E>[]): Group<E>[] {
  const used = new Map<string, number>();
  return groups
    .sort((a, b) => b.events.length - a.events.length || compare(a.text, b.text))
    .map((group) => {
      const times = (used.get(group.name) ?? 0) + 1;
      used.set(group.name, times);
      return times === 1 ? group : { ...group, name: `${group.name}-${times}` };
    });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
