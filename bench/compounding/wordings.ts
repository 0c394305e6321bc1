import type { Random } from "../draws.ts";
import type { Family } from "./families.ts";

const WHO = [
  "Miller & Sons",
  "the Oslo branch",
  "Ms Tanaka",
  "the auditors",
  "our new partner",
  "the night shift",
] as const;
const WHEN = ["by Friday", "before the demo", "this week", "for the release", "by noon", "as soon as it goes"] as const;

/** How people ask for it: hardly ever twice in the same words, and now and then by another name. */
const WORDINGS: readonly ((noun: string, file: string, who: string, when: string, ticket: number) => string)[] = [
  (noun, file) => `Finish ${file}: the functions for the ${noun} are only stubs. They must do what our documents say.`,
  (noun, _, who, when) => `${who} needs the ${noun} ${when}. Complete its functions the way this project wants them.`,
  (noun, file, _, __, ticket) => `Ticket ${ticket}: ${noun} does nothing yet, see ${file}. Implement it by our rules.`,
  (noun, _, who) => `please write the missing ${noun} code, ${who} is waiting for it`,
  (noun, file, who, when) => `The ${noun} for ${who} has to work ${when}; fill in the stubs in ${file}.`,
  (noun) => `Implement everything that is still to be done for the ${noun}, following the documents.`,
  (noun, file) => `${file} is a skeleton. Turn it into a real ${noun} that keeps to the conventions here.`,
  (noun, _, __, when, ticket) => `#${ticket} ${noun}: get make test to pass ${when}, and mind the house rules`,
  (noun, _, who) => `Can you take over the ${noun} from ${who}? Only the function bodies are missing.`,
];
/** The share of tasks that use the other name. */
const BY_ALIAS = 0.25;

export function describe({ topic, key }: Family, dice: Random): string {
  const noun = dice.next() < BY_ALIAS ? topic.alias : topic.noun;
  const words = dice.pick(WORDINGS);
  return words(noun, `src/${key}.awk`, dice.pick(WHO), dice.pick(WHEN), dice.int(101, 999));
}

/** What else stands in a project's documents: true, and of no use for the task. */
export const FILLER: readonly string[] = [
  "The first version ran on a single machine under the stairs and was started by hand every morning.",
  "Whoever changes a report tells the people who read it, because they compare it with the one of last month.",
  "Files are kept for ten years; what is older is moved to the archive by the night job.",
  "Nobody edits the data by hand, even when it is only one line and the telephone does not stop ringing.",
  "A function does one thing; a second thing gets a second function with a name of its own.",
  "The tests print TAP, so that every tool that we use can read them without a plugin.",
  "Names of modules are nouns in the singular, with underscores between the words.",
  "In summer the figures of two branches arrive a day late; the run of the next day picks them up.",
  "Questions about taxes go to the accountant and are answered in writing before anything is changed.",
  "The old system wrote everything in upper case, which is why some addresses still look as they do.",
  "A change is small enough when somebody else can read it during a cup of tea.",
  "Errors are printed with the number of the line in which they were found, and the run goes on.",
  "There was a plan to rewrite it in another language; it was dropped after the second week.",
  "Before a release somebody reads the whole output once, from the first line to the last.",
  "The customer sees only what is printed; what is computed in between may be changed freely.",
  "A helper that is used in two modules moves to src/common.awk, with a comment that says why.",
  "The night job has two hours; when it takes longer, the morning shift waits and is not pleased.",
  "Sums are checked against those of the bank at the end of each quarter.",
  "Temporary files are removed at the end, also where the run is interrupted.",
  "What is not documented is not promised, and may be different tomorrow.",
];
