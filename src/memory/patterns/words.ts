import { functionWords, stem, wordSet } from "../../base/words.ts";

/** A word of a task as it is compared. */
export interface Word {
  /** Stem, or the word that stands for all that mean the same. */
  stem: string;
  /** As it was written, in small letters. */
  written: string;
  /** It says on what or for whom something is done; that changes from time to time. */
  aside: boolean;
}

/** Words that are compared; the rest of a long task seldom says what kind of task it is. */
const MOST_WORDS = 60;
const MOST_CHARACTERS = 1000;

/** Says how a task is asked for, not what it is; function words say neither. */
const fillers = wordSet(
  `shall may might must please kindly now again also need want let lets let's like help go going get here any all not
   no very really quick quickly hey hi hello thanks thank give tell know done finished ready once soon asap hurry
   urgent possible koi openkoi today tonight tomorrow yesterday currently latest last next new current what's whats
   i'd i'm we're monday tuesday wednesday thursday friday saturday sunday january february march april june july
   august september october november december den die das der dem ein eine einen mir mal bitte el la los las un una le
   les des une por favor plaît mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep oct nov dec`,
);
const isFiller = (word: string) => functionWords().has(word) || fillers().has(word);

/** After these stands what changes from time to time. */
const asides = wordSet(
  "for in on from about to with at regarding concerning into by under named called since until via für para pour über de",
);

/** Words that people use for the same thing when they give tasks; the first stands for all. */
const SAME = [
  "write draft compose prepare create make generate produce author",
  "fix repair resolve solve correct mend debug",
  "summarise summary summaries recap digest condense overview sum",
  "check review inspect verify examine audit look",
  "find locate search",
  "run execute launch trigger",
  "update refresh bump upgrade",
  "explain describe clarify",
  "list show display print",
  "send post share",
  "remove delete",
  "analyse analysis",
  "change modify adjust",
];
let meanings: ReadonlyMap<string, string> | undefined;

function meaningOf(stem: string): string {
  meanings ??= new Map(
    SAME.flatMap((line) => {
      const [first, ...others] = line.split(" ").map(stemOf);
      return others.map((other) => [other, first!] as const);
    }),
  );
  return meanings.get(stem) ?? stem;
}

/** What names one thing: addresses, paths, files, quotations, mentions. It changes from time to time and is left out. */
const NAMES =
  /[a-z][a-z0-9+.-]*:\/\/\S+|[^\s@]+@[^\s@]+\.\w+|[@#][\w-]+|`[^`]*`|"[^"]*"|“[^”]*”|«[^»]*»|(?<=\s|^)'[^']*'(?=\s|$|[.,;:])|(?:~|\.{1,2})?(?:[\w.-]+)?(?:\/[\w.-]+)+\/?|\b[\w-]+\.[a-z]{1,5}\b/giu;

/** To look for something is to find it. */
const LOOK_FOR = /\b(?:look|looking|search|searching|hunt) for\b/g;

/** Scripts that put no space between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** The telling words of a text, in its order, each once. Names, numbers, dates and courtesies are left out. */
export function wordsOf(text: string): Word[] {
  const plain = text
    .slice(0, MOST_CHARACTERS)
    .normalize("NFKC")
    .replace(NAMES, " ")
    .toLowerCase()
    .replace(LOOK_FOR, "find");
  const words = new Map<string, Word>();
  let aside = false;
  for (const [part] of plain.matchAll(/[\p{L}\p{M}\p{N}]+(?:['’._-][\p{L}\p{M}\p{N}]+)*|[,;.:!?]/gu)) {
    if (/^[,;.:!?]$/.test(part)) aside = false;
    // What holds a digit is a number, a date, a version or an id.
    else if (/\p{N}/u.test(part)) continue;
    else if (asides().has(part)) aside = words.size > 0;
    else if (part === "and" || part === "then") aside = false;
    else {
      for (const word of stemsOf(part)) if (!words.has(word.stem)) words.set(word.stem, { ...word, aside });
      if (words.size >= MOST_WORDS) break;
    }
  }
  return [...words.values()];
}

function stemsOf(part: string): Pick<Word, "stem" | "written">[] {
  if (UNSPACED.test(part)) return pairsOf(part).map((pair) => ({ stem: pair, written: pair }));
  if (isFiller(part)) return [];
  return part
    .replace(/['’]s$/, "")
    .split(/['’._-]/)
    .filter((piece) => piece !== "" && !isFiller(piece))
    .map((written) => ({ stem: meaningOf(stemOf(written)), written }));
}

/** Two characters each: the words of a script without spaces are not known. */
function pairsOf(part: string): string[] {
  const characters = [...part];
  if (characters.length < 2) return characters;
  return characters.slice(1).map((character, at) => characters[at]! + character);
}

/** A pattern is known again by these. The short words too lose their e (`note`, `notes` → `not`), and one spelling counts for both (`summaris`). */
function stemOf(word: string): string {
  const found = stem(word);
  const bare = found.length === 4 && found.endsWith("e") ? found.slice(0, -1) : found;
  return bare.replace(/iz$/, "is").replace(/yz$/, "ys");
}
