/**
 * What a project can want of a small function, in four ways each. Nobody can guess which way it is: it stands in the
 * project's documents, or somebody has learned it before.
 */

/** One way. */
export interface Choice {
  /** The words that tell it from every other way of anything, in whatever sentence: "half down". */
  words: string;
  /** An awk expression. */
  code: string;
  /** What each of the kind's calls then prints. No two choices print the same. */
  prints: readonly (string | number)[];
}

export interface Kind {
  /** Unique; also the end of the function's name. */
  key: string;
  /** Of the awk function. */
  parameters: string;
  /** Arguments of the calls that tell the choices apart. */
  calls: readonly string[];
  /** Recognises that a sentence speaks of this, whatever it says. */
  about: RegExp;
  /** As the documents say it, as a judge titles a finding, and in the words of somebody who passes it on. */
  rule(words: string): string;
  must(words: string): string;
  advice(words: string): string;
  choices: readonly Choice[];
}

const date = (format: string, order: string) => `sprintf("${format}", ${order})`;

export const KINDS = (): readonly Kind[] => [
  {
    key: "rounding",
    parameters: "x",
    calls: ["14", "15", "16"],
    about: /\bround/i,
    rule: (words) => `Tenths are rounded ${words}.`,
    must: (words) => `tenths must be rounded ${words}`,
    advice: (words) => `round tenths ${words}`,
    choices: [
      { words: "half up", code: "int((x + 5) / 10)", prints: [1, 2, 2] },
      { words: "half down", code: "int((x + 4) / 10)", prints: [1, 1, 2] },
      { words: "always upwards", code: "int((x + 9) / 10)", prints: [2, 2, 2] },
      { words: "towards zero", code: "int(x / 10)", prints: [1, 1, 1] },
    ],
  },
  {
    key: "separator",
    parameters: "a, b",
    calls: ['"p", "q"'],
    about: /\bjoin/i,
    rule: (words) => `Fields are joined with ${words}.`,
    must: (words) => `fields must be joined with ${words}`,
    advice: (words) => `join the fields with ${words}`,
    choices: [
      { words: "a semicolon", code: 'a ";" b', prints: ["p;q"] },
      { words: "a pipe", code: 'a "|" b', prints: ["p|q"] },
      { words: "a comma", code: 'a "," b', prints: ["p,q"] },
      { words: "a colon", code: 'a ":" b', prints: ["p:q"] },
    ],
  },
  {
    key: "padding",
    parameters: "x",
    calls: ["42"],
    about: /\bpad(s|ded)?\b/i,
    rule: (words) => `Ids are padded with zeros to ${words}.`,
    must: (words) => `ids must be padded with zeros to ${words}`,
    advice: (words) => `pad ids to ${words}`,
    choices: [
      { words: "four digits", code: 'sprintf("%04d", x)', prints: ["0042"] },
      { words: "five digits", code: 'sprintf("%05d", x)', prints: ["00042"] },
      { words: "six digits", code: 'sprintf("%06d", x)', prints: ["000042"] },
      { words: "nine digits", code: 'sprintf("%09d", x)', prints: ["000000042"] },
    ],
  },
  {
    key: "missing",
    parameters: "x",
    calls: ['""', '"seen"'],
    about: /\bmissing values?\b/i,
    rule: (words) => `A missing value is shown as ${words}.`,
    must: (words) => `a missing value must be shown as ${words}`,
    advice: (words) => `show missing values as ${words}`,
    choices: [
      { words: "a dash", code: 'x == "" ? "-" : x', prints: ["-", "seen"] },
      { words: "the word none", code: 'x == "" ? "none" : x', prints: ["none", "seen"] },
      { words: "a question mark", code: 'x == "" ? "?" : x', prints: ["?", "seen"] },
      { words: "two dots", code: 'x == "" ? ".." : x', prints: ["..", "seen"] },
    ],
  },
  {
    key: "date",
    parameters: "y, m, d",
    calls: ["2024, 3, 9"],
    about: /\bdates?\b/i,
    rule: (words) => `Dates are written ${words}.`,
    must: (words) => `dates must be written ${words}`,
    advice: (words) => `write each date ${words}`,
    choices: [
      { words: "year first with dashes", code: date("%04d-%02d-%02d", "y, m, d"), prints: ["2024-03-09"] },
      { words: "day first with points", code: date("%02d.%02d.%04d", "d, m, y"), prints: ["09.03.2024"] },
      { words: "month first with slashes", code: date("%02d/%02d/%04d", "m, d, y"), prints: ["03/09/2024"] },
      { words: "as eight digits in a row", code: date("%04d%02d%02d", "y, m, d"), prints: ["20240309"] },
    ],
  },
  {
    key: "casing",
    parameters: "x",
    calls: ['"bErlin"', '"OSLO"'],
    about: /\bcodes?\b/i,
    rule: (words) => `Codes are given ${words}.`,
    must: (words) => `codes must be given ${words}`,
    advice: (words) => `give codes ${words}`,
    choices: [
      { words: "in capitals", code: "toupper(x)", prints: ["BERLIN", "OSLO"] },
      { words: "in small letters", code: "tolower(x)", prints: ["berlin", "oslo"] },
      {
        words: "with one capital in front",
        code: "toupper(substr(x, 1, 1)) tolower(substr(x, 2))",
        prints: ["Berlin", "Oslo"],
      },
      { words: "exactly as typed", code: 'x ""', prints: ["bErlin", "OSLO"] },
    ],
  },
  {
    key: "limit",
    parameters: "x",
    calls: ["79", "80", "89", "90", "94", "95", "100"],
    about: /\bwarn(ing|ings|s)?\b/i,
    rule: (words) => `Warnings begin at ${words}.`,
    must: (words) => `warnings must begin at ${words}`,
    advice: (words) => `warn from ${words} on`,
    choices: [
      { words: "80 percent", code: "x >= 80 ? 1 : 0", prints: [0, 1, 1, 1, 1, 1, 1] },
      { words: "90 percent", code: "x >= 90 ? 1 : 0", prints: [0, 0, 0, 1, 1, 1, 1] },
      { words: "95 percent", code: "x >= 95 ? 1 : 0", prints: [0, 0, 0, 0, 0, 1, 1] },
      { words: "the full amount", code: "x >= 100 ? 1 : 0", prints: [0, 0, 0, 0, 0, 0, 1] },
    ],
  },
  {
    key: "tie",
    parameters: "a, b",
    calls: ["3, 3", "4, 3", "3, 4"],
    about: /\bties?\b/i,
    rule: (words) => `A tie goes to ${words}.`,
    must: (words) => `a tie must go to ${words}`,
    advice: (words) => `let ties go to ${words}`,
    choices: [
      { words: "the first entry", code: 'a >= b ? "first" : "second"', prints: ["first", "first", "second"] },
      { words: "the second entry", code: 'a > b ? "first" : "second"', prints: ["second", "first", "second"] },
      {
        words: "both entries",
        code: 'a == b ? "both" : a > b ? "first" : "second"',
        prints: ["both", "first", "second"],
      },
      {
        words: "nobody",
        code: 'a == b ? "nobody" : a > b ? "first" : "second"',
        prints: ["nobody", "first", "second"],
      },
    ],
  },
  {
    key: "unit",
    parameters: "x",
    calls: ["200000"],
    about: /\bweigh/i,
    rule: (words) => `Weights are stored in ${words}.`,
    must: (words) => `weights must be stored in ${words}`,
    advice: (words) => `store each weight in ${words}`,
    choices: [
      { words: "grams", code: "x + 0", prints: [200000] },
      { words: "kilograms", code: "x / 1000", prints: [200] },
      { words: "quintals", code: "x / 100000", prints: [2] },
      { words: "decagrams", code: "x / 10", prints: [20000] },
    ],
  },
  {
    key: "wrapping",
    parameters: "x",
    calls: ['"Ada"'],
    about: /\bwrap/i,
    rule: (words) => `Names are wrapped in ${words}.`,
    must: (words) => `names must be wrapped in ${words}`,
    advice: (words) => `wrap names in ${words}`,
    choices: [
      { words: "square brackets", code: '"[" x "]"', prints: ["[Ada]"] },
      { words: "round brackets", code: '"(" x ")"', prints: ["(Ada)"] },
      { words: "pointed brackets", code: '"<" x ">"', prints: ["<Ada>"] },
      { words: "curly brackets", code: '"{" x "}"', prints: ["{Ada}"] },
    ],
  },
  {
    key: "negative",
    parameters: "x",
    calls: ["-7", "7"],
    about: /\bnegative\b/i,
    rule: (words) => `A negative amount is marked with ${words}.`,
    must: (words) => `a negative amount must be marked with ${words}`,
    advice: (words) => `mark negative amounts with ${words}`,
    choices: [
      { words: "parentheses around it", code: 'x < 0 ? "(" (-x) ")" : x', prints: ["(7)", 7] },
      { words: "a minus behind it", code: 'x < 0 ? (-x) "-" : x', prints: ["7-", 7] },
      { words: "the letters CR", code: 'x < 0 ? (-x) "CR" : x', prints: ["7CR", 7] },
      { words: "a star", code: 'x < 0 ? "*" (-x) : x', prints: ["*7", 7] },
    ],
  },
  {
    key: "cut",
    parameters: "x",
    calls: ['"abcdefghijklmnopqrst"'],
    about: /\bcut\b/i,
    rule: (words) => `Long titles are cut after ${words}.`,
    must: (words) => `long titles must be cut after ${words}`,
    advice: (words) => `cut titles after ${words}`,
    choices: [
      { words: "eight letters", code: "substr(x, 1, 8)", prints: ["abcdefgh"] },
      { words: "ten letters", code: "substr(x, 1, 10)", prints: ["abcdefghij"] },
      { words: "twelve letters", code: "substr(x, 1, 12)", prints: ["abcdefghijkl"] },
      { words: "sixteen letters", code: "substr(x, 1, 16)", prints: ["abcdefghijklmnop"] },
    ],
  },
  {
    key: "priority",
    parameters: "x",
    calls: ['""', '"set"'],
    about: /\bpriority\b/i,
    rule: (words) => `Where nothing is said, the priority is ${words}.`,
    must: (words) => `the priority that nobody sets must be ${words}`,
    advice: (words) => `use ${words} as the priority that is not given`,
    choices: [
      { words: "low", code: 'x == "" ? "low" : x ""', prints: ["low", "set"] },
      { words: "normal", code: 'x == "" ? "normal" : x ""', prints: ["normal", "set"] },
      { words: "high", code: 'x == "" ? "high" : x ""', prints: ["high", "set"] },
      { words: "urgent", code: 'x == "" ? "urgent" : x ""', prints: ["urgent", "set"] },
    ],
  },
  {
    key: "counting",
    parameters: "x",
    calls: ["0", "3"],
    about: /\bnumbering\b/i,
    rule: (words) => `Numbering starts at ${words}.`,
    must: (words) => `numbering must start at ${words}`,
    advice: (words) => `let the numbering start at ${words}`,
    choices: [
      { words: "forty", code: "x + 40", prints: [40, 43] },
      { words: "seven", code: "x + 7", prints: [7, 10] },
      { words: "fifty", code: "x + 50", prints: [50, 53] },
      { words: "a hundred", code: "x + 100", prints: [100, 103] },
    ],
  },
];
