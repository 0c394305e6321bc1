import { type Program, programOf, wordsOf } from "./program.ts";
import { type Command, parseShell, type Simple, simples } from "./syntax.ts";
import type { Word } from "./tokens.ts";

/** What speaks against running a line as a proof. */
interface Rule {
  programs: RegExp;
  /** Absent: always. */
  when?: (call: Call) => boolean;
  reason: Hazard;
}

interface Call extends Program {
  texts: string[];
  /** The first argument that is no option: `push` of `git push`. */
  verb: string;
  background: boolean;
  /** Standard input is a pipe or a file. */
  fed: boolean;
  isTemporary: (word: Word) => boolean;
}

/** Why: what the line would do. `mends`: a linter that repairs what it should report. */
export type Hazard = "changes" | "mends" | "installs" | "endless" | "interactive" | "privileged";

function words(reason: Hazard): string {
  switch (reason) {
    case "changes":
      return "changes something; a proof only looks (files below /tmp may be written)";
    case "mends":
      return "repairs what it should only report";
    case "installs":
      return "installs or publishes; let the task do that, and prove what came of it";
    case "endless":
      return "does not end by itself; name a command that does (a server may run in the background, with `&`)";
    case "interactive":
      return "waits for somebody to type";
    case "privileged":
      return "needs other rights";
  }
}

/**
 * Why the line should not be run, or undefined. `only`: the hazards that matter (a project's own script may remove what
 * it made; a proof may not). Throws `ShellSyntaxError`.
 */
export function hazardOf(line: string, only?: readonly Hazard[]): string | undefined {
  const table = rules().filter((rule) => only?.includes(rule.reason) ?? true);
  return hazardIn(parseShell(line), new Set(), table, only?.includes("changes") ?? true);
}

function hazardIn(
  command: Command,
  temporary: Set<string>,
  table: readonly Rule[],
  watchWrites: boolean,
): string | undefined {
  /** Behind `cd /tmp/x` every relative path is temporary. */
  let away = false;
  const isTemporary = (word: Word): boolean => {
    const variable = /^\$\{?(\w+)/.exec(word.text)?.[1];
    if (variable !== undefined) return variable === "TMPDIR" || temporary.has(variable);
    return (
      /^(?:\/tmp\/|\/dev\/|\/var\/tmp\/)/.test(word.text) || isMktemp(word) || (away && !word.text.startsWith("/"))
    );
  };
  for (const { simple, background, piped } of simples(command)) {
    for (const word of simple.assignments) {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(word.text) ?? [];
      if (name && (isMktemp(word) || isTemporary({ ...word, text: value ?? "" }))) temporary.add(name);
    }
    const target = simple.writes.find((word) => !isTemporary(word));
    if (target && watchWrites) return `it writes to ${target.text}; compare through a pipe or a file below /tmp`;
    const program = programOf(simple);
    if (program.script !== undefined) {
      const inner = hazardIn(parseShell(program.script), temporary, table, watchWrites);
      if (inner) return inner;
    }
    if (program.name === "cd" && program.args[0] && isTemporary(program.args[0])) away = true;
    const call = callOf(program, simple, { background, fed: piped || simple.reads, isTemporary });
    const rule = table.find((one) => one.programs.test(program.name) && (one.when?.(call) ?? true));
    if (rule) return `\`${wordsOf(simple)}\` ${words(rule.reason)}`;
  }
  return undefined;
}

function isMktemp(word: Word): boolean {
  return word.commands.some((inner) => /^\s*mktemp\b/.test(inner));
}

function callOf(program: Program, simple: Simple, facts: Pick<Call, "background" | "fed" | "isTemporary">): Call {
  const texts = program.args.map((word) => word.text);
  // `git -C dir push`: the option's value is not the verb.
  const valued = program.name === "git" ? /^-[Cc]$/ : /^(?:-C|-f|--prefix|--dir|--cwd)$/;
  const verb = texts.find((text, at) => !text.startsWith("-") && !valued.test(texts[at - 1] ?? "")) ?? "";
  return { ...program, ...facts, texts, verb, background: facts.background, fed: facts.fed || simple.reads };
}

const has = (call: Call, pattern: RegExp) => call.texts.some((text) => pattern.test(text));
const verb = (pattern: RegExp) => (call: Call) => pattern.test(call.verb);
const paths = (call: Call) => call.args.filter((word) => !/^-|^[0-7]{3,4}$|^[ugoa]*[+=-][rwxX]+$/.test(word.text));

function rules(): Rule[] {
  const scripts = /^(?:start|dev|serve|server|watch|preview|storybook|.*:(?:watch|dev|serve))$/;
  const reading =
    /^(?:|status|log|show|diff|rev-parse|rev-list|ls-files|ls-tree|cat-file|grep|describe|blame|check-ignore|merge-base|for-each-ref|fsck|version)$/;
  return [
    { programs: /^(?:sudo|su|doas|chroot)$/, reason: "privileged" },
    {
      programs: /^(?:rm|rmdir|mv|mkdir|touch|chmod|chown|truncate|shred|unlink|tee)$/,
      when: (call) => !paths(call).every(call.isTemporary),
      reason: "changes",
    },
    {
      programs: /^(?:cp|ln|install|rsync)$/,
      when: (call) => !paths(call).slice(-1).every(call.isTemporary),
      reason: "changes",
    },
    { programs: /^(?:patch|ed|dd|mkfs.*|shutdown|reboot|pkill|killall|crontab|systemctl)$/, reason: "changes" },
    {
      programs: /^(?:sed|perl|ruby)$/,
      when: (call) => has(call, /^(?:-\w*i(?:\.\w+)?|--in-place.*)$/),
      reason: "changes",
    },
    {
      programs: /^(?:eslint|biome|prettier|ruff|gofmt|rubocop|standard|stylelint)$/,
      when: (call) => has(call, /^(?:--fix|--write|-w|-a|-A|--autocorrect)$/),
      reason: "mends",
    },
    { programs: /^git$/, when: (call) => !reading.test(call.verb) && !listsRefs(call), reason: "changes" },
    { programs: /^(?:apt|apt-get|apk|brew|dnf|yum|pacman|snap|conda)$/, reason: "installs" },
    {
      programs: /^(?:npm|pnpm|yarn|bun)$/,
      when: (call) =>
        verb(/^(?:i|ci|install|add|remove|rm|uninstall|update|upgrade|up|publish|link|init|create|dlx|version)$/)(
          call,
        ) ||
        (call.name === "yarn" && call.texts.length === 0),
      reason: "installs",
    },
    { programs: /^pip[\d.]*$/, when: verb(/^(?:install|uninstall|download)$/), reason: "installs" },
    {
      programs: /^python[\d.]*$/,
      when: (call) => /-m pip (?:un)?install/.test(call.texts.join(" ")),
      reason: "installs",
    },
    {
      programs: /^(?:cargo|go|gem|composer|bundle|poetry|uv|dotnet|mvn|mix)$/,
      when: verb(/^(?:install|add|get|require|publish|deploy|sync|update|new|init|push|deps\.get)$/),
      reason: "installs",
    },
    {
      programs: /^(?:npm|pnpm|yarn|bun|deno)$/,
      when: (call) => !call.background && scripts.test(scriptName(call)),
      reason: "endless",
    },
    { programs: /^make$/, when: (call) => !call.background && scripts.test(call.verb), reason: "endless" },
    {
      programs:
        /^(?:nodemon|http-server|live-server|serve|uvicorn|gunicorn|hypercorn|redis-server|mongod|nginx|jupyter|watch|yes|entr|top|htop)$/,
      when: (call) => !call.background,
      reason: "endless",
    },
    {
      programs: /^vite$/,
      when: (call) => !call.background && !/^(?:build|optimize)$/.test(call.verb),
      reason: "endless",
    },
    {
      programs: /^(?:next|nuxt|astro|ng|webpack|flask|rails|remix|expo|gatsby)$/,
      when: (call) => !call.background && verb(/^(?:dev|start|serve|server|s|run)$/)(call),
      reason: "endless",
    },
    {
      programs: /^(?:python[\d.]*|php)$/,
      when: (call) => !call.background && /-m http\.server|^-S |runserver/.test(call.texts.join(" ")),
      reason: "endless",
    },
    {
      programs: /^docker(?:-compose)?$/,
      when: (call) => has(call, /^up$/) && !has(call, /^(?:-d|--detach)$/),
      reason: "endless",
    },
    { programs: /^(?:tail|journalctl)$/, when: (call) => has(call, /^(?:-\w*[fF]|--follow.*)$/), reason: "endless" },
    { programs: /^sleep$/, when: (call) => has(call, /^(?:inf|infinity)$/), reason: "endless" },
    {
      programs: /./,
      when: (call) => !call.background && has(call, /^(?:--watch|--watch-all|--watchAll)(?:=true)?$/),
      reason: "endless",
    },
    {
      programs: /^(?:tsc|mocha|babel|rollup|webpack|esbuild|tsup)$/,
      when: (call) => has(call, /^-w$/),
      reason: "endless",
    },
    { programs: /^(?:vitest|jest)$/, when: verb(/^(?:watch|dev)$/), reason: "endless" },
    { programs: /^(?:vim?|nvim|nano|emacs|less|more|man|ssh|ftp|telnet|gdb|lldb|screen|tmux)$/, reason: "interactive" },
    {
      programs: /^(?:python[\d.]*|node|irb|(?:ba|z|da)?sh|psql|mysql)$/,
      when: (call) => call.args.length === 0 && !call.fed,
      reason: "interactive",
    },
    { programs: /^read$/, when: (call) => !call.fed, reason: "interactive" },
  ];
}

/** `npm run dev`, `yarn dev`, `deno task dev` → `dev` */
function scriptName(call: Call): string {
  const operands = call.texts.filter((text) => !text.startsWith("-"));
  return (/^(?:run|run-script|task)$/.test(operands[0] ?? "") ? operands[1] : operands[0]) ?? "";
}

/** `git branch --list`, `git tag`, `git config --get x`, `git remote -v`, `git stash list`. */
function listsRefs(call: Call): boolean {
  if (!/^(?:branch|tag|config|remote|stash|worktree)$/.test(call.verb)) return false;
  const rest = call.texts.slice(call.texts.indexOf(call.verb) + 1);
  if (/^(?:stash|worktree)$/.test(call.verb)) return rest[0] === "list" || rest[0] === "show";
  return rest.length === 0 || /^(?:-[lvar]+|--list|--show-current|--all|--get.*|--contains|--merged)$/.test(rest[0]!);
}
