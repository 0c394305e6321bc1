import { programOf, wordsOf } from "./program.ts";
import { type Command, parseShell, type Simple } from "./syntax.ts";

/** What the exit code of a command can say. */
export interface ExitCode {
  canFail: boolean;
  canPass: boolean;
  /** Where one of them is false: the command that decides, and why it says nothing. */
  by?: { command: string; why: string };
}

/** `set -e` and `set -o pipefail`, as far as the line has come. */
interface Options {
  errexit: boolean;
  pipefail: boolean;
}

/**
 * What the exit code of the whole line can say. Programs are known by name: `echo` cannot fail, `cat` only shows, and
 * anything unknown is taken at its word. Throws `ShellSyntaxError`.
 */
export function exitCodeOf(line: string): ExitCode {
  return judge(parseShell(line), { errexit: false, pipefail: false });
}

const OPEN: ExitCode = { canFail: true, canPass: true };

function judge(command: Command, options: Options): ExitCode {
  switch (command.kind) {
    case "simple":
      return judgeSimple(command, options);
    case "not": {
      const { canFail, canPass, by } = judge(command.inner, options);
      return { canFail: canPass, canPass: canFail, ...(by ? { by } : {}) };
    }
    case "pipe": {
      const parts = command.parts.map((part) => judge(part, options));
      const last = parts.at(-1)!;
      return options.pipefail && parts.some((part) => part.canFail) ? { ...last, canFail: true } : last;
    }
    case "and": {
      const [left, right] = [judge(command.left, options), judge(command.right, options)];
      return {
        canFail: left.canFail || right.canFail,
        canPass: left.canPass && right.canPass,
        ...reasonOf(right, left),
      };
    }
    case "or": {
      const [left, right] = [judge(command.left, options), judge(command.right, options)];
      return {
        canFail: left.canFail && right.canFail,
        canPass: left.canPass || right.canPass,
        ...reasonOf(left.canFail ? right : left),
      };
    }
    case "list":
      return judgeList(command.items, options);
    case "group":
      return judge(command.body, options);
    case "subshell":
      return judge(command.body, { ...options });
    case "if": {
      const branches = command.branches.map((branch) => judge(branch, options));
      const canFail = branches.some((branch) => branch.canFail) || command.conditions.some(exits);
      return { canFail, canPass: true, ...reasonOf(branches.at(-1)!) };
    }
    case "loop": {
      const body = judge(command.body, options);
      return { canFail: body.canFail, canPass: true, ...reasonOf(body) };
    }
    case "opaque":
      return OPEN;
  }
}

function judgeList(items: Extract<Command, { kind: "list" }>["items"], options: Options): ExitCode {
  let result: ExitCode = { canFail: false, canPass: true, by: { command: "", why: "does nothing" } };
  let early = false;
  for (const { command, background } of items) {
    if (background) {
      result = { canFail: false, canPass: true, by: { command: "&", why: "leaves it in the background and succeeds" } };
      continue;
    }
    // What ends the shell, or would end it under `set -e`, speaks for the line as well as the last command does.
    early ||= exits(command) || (options.errexit && result.canFail);
    result = judge(command, options);
  }
  return early ? { ...result, canFail: true } : result;
}

/** True where `exit` with something other than 0 may be reached in this shell. */
function exits(command: Command): boolean {
  switch (command.kind) {
    case "simple":
      return command.words[0]?.text === "exit" && command.words[1]?.text !== "0";
    case "and":
    case "or":
      return exits(command.left) || exits(command.right);
    case "list":
      return command.items.some((item) => !item.background && exits(item.command));
    case "group":
      return exits(command.body);
    case "if":
      return [...command.conditions, ...command.branches].some(exits);
    case "loop":
      return exits(command.body);
    default:
      return false;
  }
}

function reasonOf(...results: ExitCode[]): { by?: NonNullable<ExitCode["by"]> } {
  const by = results.find((result) => result.by)?.by;
  return by ? { by } : {};
}

function judgeSimple(simple: Simple, options: Options): ExitCode {
  const command = wordsOf(simple);
  const never = (why: string): ExitCode => ({ canFail: false, canPass: true, by: { command, why } });
  if (simple.words.length === 0) {
    return simple.assignments.some((word) => word.commands.length > 0) ? OPEN : never("only sets a variable");
  }
  const { name, args, script } = programOf(simple);
  const texts = args.map((word) => word.text);
  if (script !== undefined) return judge(parseShell(script), { errexit: false, pipefail: false });
  if (name === "set") {
    if (texts.some((text) => /^-\w*e/.test(text)) || texts.includes("errexit")) options.errexit = true;
    if (texts.includes("pipefail")) options.pipefail = true;
    return never("only sets an option");
  }
  if (name === "exit" || name === "return") {
    if (args[0] === undefined || args[0].dynamic) return OPEN;
    return texts[0] === "0"
      ? never("always succeeds")
      : { canFail: true, canPass: false, by: { command, why: "always fails" } };
  }
  if (name === "false") return { canFail: true, canPass: false, by: { command, why: "always fails" } };
  if (/^(?:true|:|echo|printf)$/.test(name)) return never("always succeeds");
  if (isConstantTest(name, simple)) return never("compares fixed texts");
  if (only(name, texts)) return never("only shows something");
  if (printsOnly(name, texts)) return never("only prints a fixed text");
  return OPEN;
}

/** `[ 1 = 1 ]`, `test -n x`: nothing of it comes from the outside, unless a file is asked about. */
function isConstantTest(name: string, simple: Simple): boolean {
  if (!/^(?:test|\[|\[\[.*)$/s.test(name)) return false;
  const texts = simple.words.flatMap((word) => word.text.split(/\s+/));
  const asksOutside = texts.some((text) => /^-(?:[a-gkprstuwxGLNOSvR]|nt|ot|ef|h)$/.test(text));
  return !asksOutside && !simple.words.some((word) => word.dynamic);
}

/** Programs that show something and whose exit code says nothing of what they show. */
function only(name: string, args: readonly string[]): boolean {
  if (
    /^(?:ls|dir|tree|cat|tac|head|tail|less|more|nl|wc|sort|uniq|cut|tr|rev|fold|fmt|column|tee|pwd|cd)$/.test(name)
  ) {
    return true;
  }
  if (/^(?:date|whoami|id|uname|hostname|env|printenv|export|find|du|df|ps|stat|sleep|wait|kill)$/.test(name))
    return true;
  if (/^[gm]?awk$/.test(name)) return !args.some((arg) => /\bexit\b/.test(arg));
  if (name === "sed") return !args.some((arg) => /[qQ] *[1-9]/.test(arg));
  if (name !== "git") return false;
  const verb = args.find((arg) => !arg.startsWith("-"));
  if (verb === "diff") return !args.some((arg) => /^--(?:exit-code|quiet|check)$/.test(arg));
  return /^(?:status|log|show|branch|remote|blame|shortlog)$/.test(verb ?? "");
}

/** How each program is handed its code: `-c` of perl, ruby and node only checks the syntax of a file, which can fail. */
const CODE_FLAGS: readonly [RegExp, RegExp][] = [
  [/^python[\d.]*$/, /^-c$/],
  [/^(?:node|bun)$/, /^(?:-[ep]|-pe|--eval|--print)$/],
  [/^(?:ruby|perl)$/, /^-[eE]$/],
  [/^php$/, /^-r$/],
];

/** `node -e "console.log('ok')"`, `python3 -c "print('ok')"`. What is not in quotes can be unknown, and fails then. */
function printsOnly(name: string, args: readonly string[]): boolean {
  const flag = CODE_FLAGS.find(([program]) => program.test(name))?.[1];
  const at = flag ? args.findIndex((arg) => flag.test(arg)) : -1;
  const code = at < 0 ? undefined : args[at + 1];
  return (
    code !== undefined &&
    /^\s*(?:(?:console\.log|print|puts|echo|say)\b)?[\s(]*(?:(["'`])[\w .:!,✓✔-]*\1|[\d.]+|true|True|pass)?\s*\)?\s*;?\s*$/.test(
      code,
    )
  );
}
