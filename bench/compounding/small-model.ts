import type { FakeRequest, ScriptedTurn } from "../../test/fakes/script.ts";
import { type Message, textOf } from "../requests.ts";
import type { Topic } from "./families.ts";
import type { UserTask } from "./history.ts";
import { adviceOf, type Statement, statementsIn, topicIn } from "./knowledge.ts";
import { luckOf } from "./luck.ts";

/** More than this is not passed on. */
const MOST = 4;
const EMPTY_WORDS = "Read the project's documents carefully before editing and run the tests afterwards.";

/**
 * What the small model passes on when it is asked what was learned, or what a long conversation was about: what the
 * request states, in its own words, one sentence. Of two things that contradict each other the later one. A schema that
 * the request brings (`response_format`) is filled with that sentence.
 */
export function passOn(request: FakeRequest, task: UserTask, topics: readonly Topic[]): ScriptedTurn {
  const messages: readonly Message[] = request.body.messages;
  const asked = messages.filter(({ role }) => role === "user").map(textOf);
  const text = sentence(asked.join("\n\n"), task, topics);
  const schema = request.body.response_format?.json_schema?.schema;
  return { text: schema ? JSON.stringify(filled(schema, text)) : text };
}

function sentence(text: string, task: UserTask, topics: readonly Topic[]): string {
  const luck = luckOf(task, 0);
  const topic = topicIn(text, topics);
  const said = statementsIn(text, topics).filter(({ of }) => of === undefined || of.noun === topic?.noun);
  const latest = [...new Map(said.map((each) => [each.kind.key, each])).values()].slice(-MOST);
  if (latest.length === 0 || luck.is("vague")) return EMPTY_WORDS;
  return adviceOf(topic, luck.is("garbles") ? garbled(latest) : latest);
}

function garbled([first, ...rest]: readonly Statement[]): Statement[] {
  if (!first) return [];
  const choice = first.kind.choices.find(({ words }) => words !== first.choice.words)!;
  return [{ ...first, choice }, ...rest];
}

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** The simplest value that fits, with the text wherever there is room for one. */
function filled(schema: Schema, text: string): unknown {
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") {
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, each]) => [name, filled(each, text)]),
    );
  }
  if (type === "array") return schema.items ? [filled(schema.items, text)] : [];
  if (type === "number" || type === "integer") return 1;
  return type === "boolean" ? true : text;
}
