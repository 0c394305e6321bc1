import type { Family } from "../rule.ts";

export const lists: Family = {
  name: "lists",
  about: "Lists are texts with one blank between the items.",
  rules: [
    (random) => {
      const [a, b] = random.some(["ant", "bee", "cat", "dog"], 2);
      return {
        key: "distinct",
        text: "Repeated items are kept once, where they came first.",
        label: "repeats are found anywhere in the list",
        code: `function distinct(list,    n, i, v, seen, out) {
  n = split(list, v, " ")
  for (i = 1; i <= n; i++) {
    if (!(v[i] in seen)) out = out (out == "" ? "" : " ") v[i]
    seen[v[i]] = 1
  }
  return out
}`,
        good: 'if (!(v[i] in seen)) out = out (out == "" ? "" : " ") v[i]',
        bad: 'if (v[i] != v[i - 1]) out = out (out == "" ? "" : " ") v[i]',
        plain: [`distinct("${a} ${a} ${b}")`, `${a} ${b}`],
        guard: [`distinct("${a} ${b} ${a}")`, `${a} ${b}`],
        hidden: [['distinct("x y z y x")', "x y z"]],
      };
    },
    (random) => {
      const [a, b] = [random.int(1, 9) * 2, random.int(10, 19) * 2];
      return {
        key: "middle",
        text: "The median of a sorted list; of an even number of items the mean of the two in the middle.",
        label: "even lists average their middle pair",
        code: `function middle(list,    n, v) {
  n = split(list, v, " ")
  if (n % 2 == 0) return (v[n / 2] + v[n / 2 + 1]) / 2
  return v[(n + 1) / 2]
}`,
        good: "if (n % 2 == 0) return (v[n / 2] + v[n / 2 + 1]) / 2",
        bad: "if (n % 2 == 0) return v[n / 2]",
        plain: [`middle("${a} 20 ${b + 40}")`, 20],
        guard: [`middle("${a} ${b}")`, (a + b) / 2],
        hidden: [['middle("1 2 4 9")', 3]],
      };
    },
    (random) => {
      const [tens, unit] = [random.int(10, 60), random.int(2, 9)];
      return {
        key: "ascending",
        text: "Numbers in rising order.",
        label: "numbers are ordered by value",
        code: `function ascending(list,    n, i, j, x, v, out) {
  n = split(list, v, " ")
  for (i = 2; i <= n; i++) {
    x = v[i]
    j = i - 1
    while (j > 0 && v[j] + 0 > x + 0) {
      v[j + 1] = v[j]
      j--
    }
    v[j + 1] = x
  }
  for (i = 1; i <= n; i++) out = out (i > 1 ? " " : "") v[i]
  return out
}`,
        good: "while (j > 0 && v[j] + 0 > x + 0) {",
        bad: 'while (j > 0 && (v[j] "") > (x "")) {',
        plain: ['ascending("3 1 2")', "1 2 3"],
        guard: [`ascending("${unit} 1${tens} ${tens}")`, `${unit} ${tens} 1${tens}`],
        hidden: [
          ['ascending("10 9 8")', "8 9 10"],
          ['ascending("5")', "5"],
        ],
      };
    },
    (random) => {
      const count = random.int(1, 2);
      const items = random.some(["fir", "oak", "elm", "ash", "yew"], 4);
      return {
        key: "newest",
        text: "The last items of a list, so many as asked for, all where there are fewer.",
        label: "exactly the asked number of items is returned",
        code: `function newest(list, count,    n, i, start, v, out) {
  n = split(list, v, " ")
  start = n - count + 1
  if (start < 1) start = 1
  for (i = start; i <= n; i++) out = out (i > start ? " " : "") v[i]
  return out
}`,
        good: "start = n - count + 1",
        bad: "start = n - count + 2",
        plain: ['newest("a b", 5)', "a b"],
        guard: [`newest("${items.join(" ")}", ${count})`, items.slice(-count).join(" ")],
        hidden: [['newest("a b c d e", 3)', "c d e"]],
      };
    },
    (random) => {
      const limit = random.int(4, 8) * 10;
      return {
        key: "passed",
        text: `A score of ${limit} is enough to pass; the passes are counted.`,
        label: "a borderline score passes",
        code: `function passed(scores,    n, i, v, count) {
  n = split(scores, v, " ")
  count = 0
  for (i = 1; i <= n; i++) {
    if (v[i] + 0 >= ${limit}) count++
  }
  return count
}`,
        good: `if (v[i] + 0 >= ${limit}) count++`,
        bad: `if (v[i] + 0 > ${limit}) count++`,
        plain: [`passed("${limit + 5} ${limit - 1}")`, 1],
        guard: [`passed("${limit} 99 3")`, 2],
        hidden: [[`passed("${limit} ${limit}")`, 2]],
      };
    },
    (random) => {
      const item = random.pick(["ida", "leo", "ana"]);
      return {
        key: "place",
        text: "Where an item stands in a list, counted from 1; where it stands more than once, the first of them; else 0.",
        label: "first of several equal items is reported",
        code: `function place(list, item,    n, i, v, found) {
  n = split(list, v, " ")
  found = 0
  for (i = 1; i <= n; i++) {
    if (v[i] == item && !found) found = i
  }
  return found
}`,
        good: "if (v[i] == item && !found) found = i",
        bad: "if (v[i] == item) found = i",
        plain: [`place("x ${item} y", "${item}")`, 2],
        guard: [`place("${item} x ${item}", "${item}")`, 1],
        hidden: [
          ['place("a b b b", "b")', 2],
          ['place("a", "z")', 0],
        ],
      };
    },
    (random) => {
      const size = random.pick([5, 10, 20, 25]);
      return {
        key: "pages",
        text: "How many pages a number of rows fills; no page is empty.",
        label: "full pages need no further page",
        code: `function pages(rows, size) {
  return int((rows + size - 1) / size)
}`,
        good: "return int((rows + size - 1) / size)",
        bad: "return int(rows / size) + 1",
        plain: [`pages(${size + 1}, ${size})`, 2],
        guard: [`pages(${size * 2}, ${size})`, 2],
        hidden: [
          [`pages(${size * 7}, ${size})`, 7],
          ["pages(0, 10)", 0],
        ],
      };
    },
  ],
};
