import type { Family } from "../rule.ts";

export const text: Family = {
  name: "text",
  about: "Formats words and numbers for people.",
  rules: [
    (random) => {
      const width = random.int(4, 8);
      return {
        key: "pad_left",
        text: "A value that is too short is filled from the left up to the width.",
        label: "padded value has the full width",
        code: `function pad_left(s, width, fill) {
  while (length(s) < width) s = fill s
  return s
}`,
        good: "while (length(s) < width) s = fill s",
        bad: "while (length(s) < width - 1) s = fill s",
        plain: [`pad_left("123456789", ${width}, "0")`, "123456789"],
        guard: [`pad_left("7", ${width}, "0")`, "7".padStart(width, "0")],
        hidden: [[`pad_left("42", ${width + 2}, ".")`, "42".padStart(width + 2, ".")]],
      };
    },
    (random) => {
      const most = random.int(8, 12);
      const [short, long] = ["koi", "a pond full of koi carp"];
      return {
        key: "shorten",
        text: "A text over the limit is cut and ends in three dots, which count towards the limit.",
        label: "cut text stays inside its limit",
        code: `function shorten(s, most) {
  if (length(s) <= most) return s
  return substr(s, 1, most - 3) "..."
}`,
        good: 'return substr(s, 1, most - 3) "..."',
        bad: 'return substr(s, 1, most) "..."',
        plain: [`shorten("${short}", ${most})`, short],
        guard: [`shorten("${long}", ${most})`, `${long.slice(0, most - 3)}...`],
        hidden: [[`shorten("${long}s", ${most + 1})`, `${long.slice(0, most - 2)}...`]],
      };
    },
    (random) => {
      const word = random.pick(["river", "harbour", "lantern", "garden"]);
      const title = word[0]!.toUpperCase() + word.slice(1);
      return {
        key: "capitalised",
        text: "A name has a capital at the front and small letters after it, however it was typed.",
        label: "shouted names become quiet",
        code: `function capitalised(word) {
  return toupper(substr(word, 1, 1)) tolower(substr(word, 2))
}`,
        good: "return toupper(substr(word, 1, 1)) tolower(substr(word, 2))",
        bad: "return toupper(substr(word, 1, 1)) substr(word, 2)",
        plain: [`capitalised("${word}")`, title],
        guard: [`capitalised("${word.toUpperCase()}")`, title],
        hidden: [['capitalised("oLAF")', "Olaf"]],
      };
    },
    (random) => {
      const [one, two] = random.some(["red", "blue", "deep", "calm", "wide"], 2);
      return {
        key: "slug",
        text: "An address part is lower case; whatever is no letter or digit becomes one hyphen, and none stands at an end.",
        label: "slug does not begin with a hyphen",
        code: `function slug(s) {
  s = tolower(s)
  gsub(/[^a-z0-9]+/, "-", s)
  sub(/^-/, "", s)
  sub(/-$/, "", s)
  return s
}`,
        good: 'sub(/^-/, "", s)',
        bad: 'sub(/^--/, "", s)',
        plain: [`slug("${one} ${two}!")`, `${one}-${two}`],
        guard: [`slug("(${one}) ${two}")`, `${one}-${two}`],
        hidden: [[`slug("  ${two}: ${one}  ")`, `${two}-${one}`]],
      };
    },
    (random) => {
      const number = random.int(1001, 9999);
      return {
        key: "grouped",
        text: "Numbers have a comma before every group of three digits.",
        label: "four-digit numbers get their comma",
        code: `function grouped(n,    rest, out) {
  rest = n ""
  out = ""
  while (length(rest) > 3) {
    out = "," substr(rest, length(rest) - 2) out
    rest = substr(rest, 1, length(rest) - 3)
  }
  return rest out
}`,
        good: "while (length(rest) > 3) {",
        bad: "while (length(rest) > 4) {",
        plain: ["grouped(123)", "123"],
        guard: [`grouped(${number})`, number.toLocaleString("en-US")],
        hidden: [
          ["grouped(1234567)", "1,234,567"],
          ["grouped(12345)", "12,345"],
        ],
      };
    },
    (random) => {
      const word = random.pick(["file", "task", "test", "page"]);
      return {
        key: "counted",
        text: `A count is followed by its noun: one "${word}", any other number "${word}s".`,
        label: "zero takes the plural form",
        code: `function counted(n, word) {
  return n " " (n == 1 ? word : word "s")
}`,
        good: 'return n " " (n == 1 ? word : word "s")',
        bad: 'return n " " (n <= 1 ? word : word "s")',
        plain: [`counted(1, "${word}")`, `1 ${word}`],
        guard: [`counted(0, "${word}")`, `0 ${word}s`],
        hidden: [
          ['counted(0, "carp")', "0 carps"],
          ['counted(2, "carp")', "2 carps"],
        ],
      };
    },
    (random) => {
      const [secret, keep] = [random.pick(["4929001122", "81726354", "555019283"]), random.int(2, 4)];
      const masked = (value: string) => "*".repeat(value.length - keep) + value.slice(-keep);
      return {
        key: "masked",
        text: `Of a card number only the last ${keep} characters are shown, a star for each of the others.`,
        label: "mask shows no character too many",
        code: `function masked(s,    i, out) {
  if (length(s) <= ${keep}) return s
  for (i = 1; i <= length(s) - ${keep}; i++) out = out "*"
  return out substr(s, length(s) - ${keep} + 1)
}`,
        good: `return out substr(s, length(s) - ${keep} + 1)`,
        bad: `return out substr(s, length(s) - ${keep})`,
        plain: ['masked("12")', "12"],
        guard: [`masked("${secret}")`, masked(secret)],
        hidden: [['masked("1234567890123")', masked("1234567890123")]],
      };
    },
  ],
};
