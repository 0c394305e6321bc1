import type { Turn } from "../test/fakes/script.ts";

/** A task for an example project, and what the scripted model answers: plan, work and judgement by turns. */
export interface ExampleTask {
  description: string;
  turns: readonly Turn[];
}

export interface Example {
  /** The folder beside this file. */
  name: "typescript" | "python" | "make";
  about: string;
  /** Programs without which it cannot run. */
  needs: readonly string[];
  /** Wrong at first, right after the findings. */
  refined: ExampleTask;
  /** Good at first, broken by the attempt to make it better: the files go back. */
  rolledBack: ExampleTask;
}

const plan = (steps: readonly string[], checks: readonly string[]): Turn =>
  JSON.stringify({ kind: "change", category: "code", steps, checks });
const edit = (path: string, old: string, text: string): Turn => ({
  calls: [{ name: "edit", arguments: { path, old, new: text } }],
});
const read = (path: string): Turn => ({ calls: [{ name: "read", arguments: { path } }] });
const verdict = (correctness: number, findings: readonly object[] = []): Turn =>
  JSON.stringify({ scores: { correctness, safety: 0.95, style: 0.9, completeness: correctness }, findings });
const finding = (severity: "blocker" | "important", title: string, location: string): object => ({
  severity,
  dimension: "correctness",
  title,
  description: title,
  location,
});

export function examples(): readonly Example[] {
  return [typescript(), python(), make()];
}

function typescript(): Example {
  const file = "src/titles.ts";
  const proof = `bun -e "import { slug } from './src/titles.ts'; if (slug('Hello,  World!') !== 'hello-world') process.exit(1)"`;
  return {
    name: "typescript",
    about: "A small library in TypeScript: bun test, and tsc as its type-check.",
    needs: [],
    refined: {
      description:
        "Let slug() leave out punctuation, and join words by one hyphen however many spaces are between them.",
      turns: [
        plan(["Read src/titles.ts.", "Change slug()."], [proof]),
        read(file),
        edit(file, '.split(" ").join("-")', '.replace(/[^a-z0-9 ]/g, "").split(" ").join("-")'),
        "slug() leaves out punctuation now.",
        verdict(0.5, [finding("blocker", "Two spaces still make two hyphens", `${file}:3`)]),
        read(file),
        edit(file, '.split(" ")', ".split(/ +/)"),
        "slug() leaves out punctuation and joins words by one hyphen.",
        verdict(0.95),
      ],
    },
    rolledBack: {
      description: "Let days(1) say `1 day`.",
      turns: [
        plan(["Change days()."], []),
        read(file),
        edit(file, `return \`\${count} days\`;`, `return count === 1 ? "1 day" : \`\${count} days\`;`),
        "One day is `1 day` now.",
        verdict(0.92, [finding("important", "The comment does not tell of one day", `${file}:6`)]),
        read(file),
        edit(
          file,
          `return count === 1 ? "1 day" : \`\${count} days\`;`,
          `return \`\${count} day\${count > 1 ? "s" : ""}\`;`,
        ),
        "I made it shorter.",
        verdict(0.9),
        "I leave it as it is.",
      ],
    },
  };
}

function python(): Example {
  const file = "parcels/postage.py";
  const proof =
    'python3 -c "from parcels.postage import postage; assert postage(5001) == 990 and postage(5000) == 690"';
  return {
    name: "python",
    about: "A small package in Python with unittest.",
    needs: ["python3"],
    refined: {
      description:
        "Let postage() give 9.90 from 5 kg on, as its comment says, and refuse more than 10 kg with a ValueError.",
      turns: [
        plan(["Read parcels/postage.py.", "Change postage()."], [proof]),
        read(file),
        edit(file, "    return 690\n", "    if grams < 5000:\n        return 690\n    return 990\n"),
        "More than 5 kg cost 9.90 now.",
        verdict(0.5, [
          finding("blocker", "Exactly 5 kg cost too much", `${file}:8`),
          finding("blocker", "More than 10 kg are not refused", `${file}:10`),
        ]),
        read(file),
        edit(
          file,
          "    if grams < 5000:\n        return 690\n    return 990\n",
          '    if grams <= 5000:\n        return 690\n    if grams <= 10000:\n        return 990\n    raise ValueError("more than 10 kg cannot be sent")\n',
        ),
        "postage() follows its comment and refuses more than 10 kg.",
        verdict(0.95),
        // After three findings in two iterations the program asks what is to be learned.
        "DO: Take `up to` in a comment to include the limit itself.",
      ],
    },
    rolledBack: {
      description: "Let label() put the town on a line of its own.",
      turns: [
        plan(["Change label()."], []),
        read(file),
        edit(file, "{street} {town}", "{street}\\n{town}"),
        "The town has a line of its own.",
        verdict(0.92, [finding("important", "An empty street leaves an empty line", `${file}:17`)]),
        read(file),
        edit(file, 'f"{name}\\n{street}\\n{town}"', '" ".join(part for part in (name, street, town) if part)'),
        "Empty parts are left out.",
        verdict(0.9),
        "I leave it as it is.",
      ],
    },
  };
}

function make(): Example {
  const file = "src/wc.awk";
  return {
    name: "make",
    about: "Programs in awk with a Makefile, whose tests print TAP.",
    needs: ["make", "awk"],
    refined: {
      description: "The last test fails: count nothing as nothing.",
      turns: [
        plan(["Read src/wc.awk.", "Print numbers where nothing was read."], ["make test"]),
        read(file),
        edit(file, '" words, longest " most }', '" words, longest " most + 0 }'),
        "The longest line is 0 where there is none.",
        verdict(0.5, [finding("blocker", "The number of words is still empty", `${file}:9`)]),
        read(file),
        edit(file, 'NR " lines, " words " words', 'NR " lines, " words + 0 " words'),
        "Nothing is counted as nothing.",
        verdict(0.95),
      ],
    },
    rolledBack: {
      description: "Let src/head.awk stop reading after the last line that it prints.",
      turns: [
        plan(["Change src/head.awk."], []),
        read("src/head.awk"),
        edit("src/head.awk", "NR <= (n ? n : 3)", "{ print }\nNR >= (n ? n : 3) { exit }"),
        "head.awk stops after its last line.",
        verdict(0.92, [finding("important", "n=0 prints three lines", "src/head.awk:3")]),
        read("src/head.awk"),
        edit("src/head.awk", "{ print }\nNR >= (n ? n : 3) { exit }", "NR > n { exit }\n{ print }"),
        "n=0 prints nothing.",
        verdict(0.9),
        "I leave it as it is.",
      ],
    },
  };
}
