import type { Family } from "../rule.ts";

export const parsing: Family = {
  name: "parsing",
  about: "Reads settings, numbers and rows out of text.",
  rules: [
    (random) => {
      const key = random.pick(["query", "path", "token"]);
      return {
        key: "value_of",
        text: "In a setting, everything after the first equals sign is the value.",
        label: "a value may hold an equals sign of its own",
        code: `function value_of(line,    at) {
  at = index(line, "=")
  return at ? substr(line, at + 1) : ""
}`,
        good: 'at = index(line, "=")',
        bad: "at = match(line, /=[^=]*$/)",
        plain: [`value_of("${key}=b")`, "b"],
        guard: [`value_of("${key}=b=c")`, "b=c"],
        hidden: [
          ['value_of("a==")', "="],
          ['value_of("nothing")', ""],
        ],
      };
    },
    (random) => {
      const setting = random.pick(["depth 4", "colour red", "level 9"]);
      return {
        key: "uncommented",
        text: "A hash begins a comment anywhere in a line; the blanks before it do not count either.",
        label: "trailing comments are dropped",
        code: `function uncommented(line) {
  sub(/[ \\t]*#.*$/, "", line)
  return line
}`,
        good: 'sub(/[ \\t]*#.*$/, "", line)',
        bad: 'sub(/^#.*$/, "", line)',
        plain: ['uncommented("# all of it")', ""],
        guard: [`uncommented("${setting}  # why")`, setting],
        hidden: [['uncommented("x#y")', "x"]],
      };
    },
    (random) => {
      const word = random.pick(["yes", "on", "true"]);
      return {
        key: "flag_of",
        text: "A switch is on for yes, on, true and 1, in capitals or not, and off for all else.",
        label: "switches ignore capitals",
        code: `function flag_of(s) {
  s = tolower(s)
  return s == "yes" || s == "on" || s == "true" || s == "1" ? 1 : 0
}`,
        good: "s = tolower(s)",
        bad: 's = s ""',
        plain: [`flag_of("${word}")`, 1],
        guard: [`flag_of("${word.toUpperCase()}")`, 1],
        hidden: [
          ['flag_of("True")', 1],
          ['flag_of("no")', 0],
        ],
      };
    },
    (random) => {
      const hours = random.int(10, 30);
      return {
        key: "minutes_of",
        text: "A duration is written 2h5m, 3h or 40m and read as minutes.",
        label: "durations of ten hours and more are read whole",
        code: `function minutes_of(s,    total) {
  total = 0
  if (match(s, /[0-9]+h/)) {
    total += 60 * substr(s, RSTART, RLENGTH - 1)
  }
  if (match(s, /[0-9]+m/)) {
    total += substr(s, RSTART, RLENGTH - 1)
  }
  return total
}`,
        good: "if (match(s, /[0-9]+h/)) {",
        bad: "if (match(s, /[0-9]h/)) {",
        plain: ['minutes_of("2h5m")', 125],
        guard: [`minutes_of("${hours}h")`, hours * 60],
        hidden: [
          ['minutes_of("100h1m")', 6001],
          ['minutes_of("40m")', 40],
        ],
      };
    },
    (random) => {
      const [one, two] = random.some(["oak", "elm", "ash", "fir"], 2) as [string, string];
      return {
        key: "field",
        text: "A row has fields between commas, counted from 0; a comma inside double quotes is none of them.",
        label: "quoted commas do not split a row",
        code: `function field(row, n,    i, c, at, quoted, out) {
  at = 0
  out = ""
  for (i = 1; i <= length(row); i++) {
    c = substr(row, i, 1)
    if (c == "\\"") {
      quoted = !quoted
      continue
    }
    if (c == "," && !quoted) {
      at++
      continue
    }
    if (at == n) out = out c
  }
  return out
}`,
        good: 'if (c == "," && !quoted) {',
        bad: 'if (c == ",") {',
        plain: [`field("${one},${two}", 1)`, two],
        guard: [`field("x,\\"${one},${two}\\",y", 1)`, `${one},${two}`],
        hidden: [['field("\\"a,b\\",c", 1)', "c"]],
      };
    },
    (random) => {
      const number = random.int(2, 99);
      return {
        key: "number_of",
        text: "A whole number may have a sign; anything else is answered with the word invalid.",
        label: "signed numbers are accepted",
        code: `function number_of(s) {
  if (s !~ /^[+-]?[0-9]+$/) return "invalid"
  return s + 0
}`,
        good: 'if (s !~ /^[+-]?[0-9]+$/) return "invalid"',
        bad: 'if (s !~ /^[0-9]+$/) return "invalid"',
        plain: ['number_of("1x")', "invalid"],
        guard: [`number_of("-${number}")`, -number],
        hidden: [
          ['number_of("+8")', 8],
          ['number_of("--8")', "invalid"],
        ],
      };
    },
  ],
};
