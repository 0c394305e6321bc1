import description from "../../embed/tools/todo.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { plural } from "../base/text.ts";
import type { Tool } from "../contracts/tool.ts";

function parameters() {
  const item = s.object({ text: s.string(), state: s.choice(["open", "doing", "done"]) });
  return s.object({ items: s.array(item) });
}

type TodoArguments = Infer<ReturnType<typeof parameters>>;

/** The model's own list. It keeps nothing: the list stands in the conversation, and the call is what the user sees. */
export function createTodo(): Tool<TodoArguments> {
  return {
    name: "todo",
    description: description.trim(),
    parameters: parameters(),
    effect: "read",
    subject: progress,
    run: async (args, { emit }) => {
      emit(`${args.items.map(({ text, state }) => `${MARKS[state]} ${text}`).join("\n")}\n`);
      const left = args.items.filter(({ state }) => state !== "done").length;
      return { text: left === 0 ? "All done." : `${plural(left, "item")} left.` };
    },
  };
}

const MARKS = { open: "[ ]", doing: "[>]", done: "[x]" } as const;

/** `2/5 Mend the parser`: how much is done, and what is being done now. */
function progress({ items }: TodoArguments): string {
  const done = items.filter(({ state }) => state === "done").length;
  const now = items.find(({ state }) => state === "doing") ?? items.find(({ state }) => state === "open");
  return `${done}/${items.length}${now ? ` ${now.text}` : ""}`;
}
