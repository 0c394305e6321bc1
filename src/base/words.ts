/**
 * Words of a text as all see them that compare or search: code-aware, lower case, stemmed. FTS5 cannot be taught a
 * tokenizer from here, so it is given these, with blanks between them. What is kept is indexed by them: where a word gets
 * another stem, the memory's indexes must be made anew.
 */

/** Words of a list, with blanks between them; the set is made when it is first asked for. */
export function wordSet(list: string, form: (word: string) => string = (word) => word): () => ReadonlySet<string> {
  let made: ReadonlySet<string> | undefined;
  return () => (made ??= new Set(list.trim().split(/\s+/).map(form)));
}

/** Function words carry nothing to search for. Negations are not among them: they turn a lesson round. */
export const functionWords = wordSet(
  `a an and are as at be been being but by can could did do does for from had has have he her him his i if in into is it
   its just me my of on or our she should so some such than that the their them then there these they this those to too
   us was we were what when where which who whom why will with would you your`,
);

/** A word beyond this is a hash, a key or a torn file: its beginning says as much. UTF-16 units. */
const LONGEST = 40;
/** What of a text is read, UTF-16 units. */
const MOST_TEXT = 100_000;

const SEPARATOR = 1;
const LOWER = 2;
const UPPER = 3;
const DIGIT = 4;
/** Joins the parts of a name: `_ - .` */
const JOINER = 5;
/** Joins names into a path: `/ \ :` */
const SLASH = 6;
/** Written without blanks between words: pairs of characters stand for them. */
const DENSE = 7;
/** Left out, without ending a word: `don't`. */
const NOTHING = 8;

/** By UTF-16 unit; made with the first text, and filled as units are met. */
let classes = new Uint8Array(0);

function classOf(unit: number): number {
  const known = classes[unit];
  if (known) return known;
  if (known === undefined) classes = new Uint8Array(65_536);
  const found = classify(unit);
  classes[unit] = found;
  return found;
}

const DENSE_SCRIPTS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const NUMBER = /\p{N}/u;
const CAPITAL = /\p{Lu}/u;
const LETTER = /[\p{L}\p{M}]/u;

function classify(unit: number): number {
  const char = String.fromCharCode(unit);
  if ("_-.".includes(char)) return JOINER;
  if ("/\\:".includes(char)) return SLASH;
  if (char === "'" || char === "\u2019") return NOTHING;
  if (unit >= 0xd800 && unit <= 0xdfff) return LOWER;
  if (DENSE_SCRIPTS.test(char)) return DENSE;
  if (NUMBER.test(char)) return DIGIT;
  if (CAPITAL.test(char)) return UPPER;
  return LETTER.test(char) ? LOWER : SEPARATOR;
}

/**
 * The terms of a text in order, function words left out. A name in camelCase, snake_case or kebab-case, with dots, and a
 * path give their parts and then themselves, written together, so that `fooBar`, `foo_bar` and `foo-bar` are one.
 */
export function termsOf(text: string): string[] {
  const clipped = text.length > MOST_TEXT ? text.slice(0, MOST_TEXT) : text;
  return scan(isPlain(clipped) ? clipped : clipped.normalize("NFKC"));
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false;
  return true;
}

/** One pass, without a closure or a pattern a character: every text that is remembered goes through here. */
function scan(text: string): string[] {
  const lower = lowered(text);
  const terms: string[] = [];
  /** Of the name and the path that are being read: how many parts, and their letters. */
  let parts = 0;
  let name = "";
  let names = 0;
  let path = "";
  let start = -1;
  let before = SEPARATOR;
  for (let at = 0; at <= text.length; at++) {
    const kind = at === text.length ? SEPARATOR : classOf(text.charCodeAt(at));
    if (start >= 0 && kind !== LOWER && kind !== DIGIT && breaks(text, before, kind, at)) {
      const part = lower.slice(start, Math.min(at, start + LONGEST));
      start = -1;
      parts++;
      if (name.length < LONGEST) name += part;
      push(terms, part);
    }
    if (kind === SEPARATOR || kind === SLASH || kind === DENSE) {
      if (parts > 0) {
        if (parts > 1) push(terms, name);
        names++;
        if (path.length < LONGEST) path += name;
        parts = 0;
        name = "";
      }
      if (kind !== SLASH && names > 0) {
        if (names > 1) push(terms, path);
        names = 0;
        path = "";
      }
      if (kind === DENSE) pushDense(terms, text, lower, at);
    } else if (start < 0 && kind < JOINER) start = at;
    before = kind;
  }
  return terms;
}

/** A few capitals have small letters of another length; each unit must have its own. */
function lowered(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  const each = [...text].map((char) => {
    const small = char.toLowerCase();
    return small.length === char.length ? small : char;
  });
  return each.join("");
}

/** Whether a part ends before the unit at `at`, which is no small letter and no digit. */
function breaks(text: string, before: number, kind: number, at: number): boolean {
  if (kind === NOTHING) return false;
  if (kind !== UPPER) return true;
  if (before === LOWER || before === DIGIT) return true;
  // `HTTPServer`: the last capital of a run begins the next part; but the s of `IDs` is none.
  if (before !== UPPER || kindAt(text, at + 1) !== LOWER) return false;
  return text[at + 1] !== "s" || kindAt(text, at + 2) === LOWER;
}

function kindAt(text: string, at: number): number {
  return at < text.length ? classOf(text.charCodeAt(at)) : SEPARATOR;
}

/** A character of such a script with the next one; alone where it stands alone. */
function pushDense(terms: string[], text: string, lower: string, at: number): void {
  const next = kindAt(text, at + 1) === DENSE;
  if (next || at === 0 || kindAt(text, at - 1) !== DENSE) terms.push(lower.slice(at, next ? at + 2 : at + 1));
}

/** Words come again and again; what became of them is kept, "" for those that are left out. */
const made = new Map<string, string>();
const MOST_MADE = 50_000;

function push(terms: string[], word: string): void {
  let term = made.get(word);
  if (term === undefined) {
    if (made.size >= MOST_MADE) made.clear();
    const bare = word.replace(/['\u2019]/g, "").slice(0, LONGEST);
    term = functionWords().has(bare) ? "" : stem(bare);
    made.set(word, term);
  }
  if (term !== "") terms.push(term);
}

const VOWEL = /[aeiouy]/;

/**
 * The stem of an English word: endings of number and tense are taken off, more carefully than Porter's, because a
 * wrong merge costs more here than a missed one. Other words come back as they are.
 */
export function stem(word: string): string {
  if (word.length < 4) return word;
  const single = singular(word);
  if (single.length > 4 && single.endsWith("ing")) return tenseless(single, 3);
  if (single.length > 3 && single.endsWith("ed") && !single.endsWith("eed")) return tenseless(single, 2);
  if (single.length > 4 && single.endsWith("e")) return single.slice(0, -1);
  return single;
}

function singular(word: string): string {
  if (!word.endsWith("s") || word.endsWith("ss") || word.endsWith("us") || word.endsWith("is")) return word;
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

function tenseless(word: string, ending: number): string {
  const root = word.slice(0, -ending);
  if (root.length < 3 || !VOWEL.test(root)) return root === "us" ? "use" : word;
  const last = root.charCodeAt(root.length - 1);
  const doubled = last === root.charCodeAt(root.length - 2) && !"aeioulsz".includes(root.at(-1)!);
  if (doubled) return root.slice(0, -1);
  // `caching`, `cached` and `cache` meet without the e.
  return root;
}
