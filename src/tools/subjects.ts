import { resolve } from "node:path";
import type { CommandLine, Invocation } from "./command.ts";
import { readGit } from "./git-command.ts";
import { type Roots, resolvePath, shownPath } from "./paths.ts";
import type { PermissionRequest } from "./permissions.ts";
import { exactRule } from "./rules.ts";

/** One thing that a call is about, as rules see it: a path, a host, or one program of a command line. */
export interface Subject {
  /** Every way to write it: a `deny` rule that fits one of them fits. */
  names: readonly string[];
  /** What it really is: an `allow` rule must fit this. */
  exact: string;
  /** What is remembered when a person allows it for the task; it is shown before the answer. */
  key: string;
  /** The same in words, for the one who is asked. */
  task: string;
  /** The `allow` rules that a person's "always" comes to; undefined where no rule says it without saying more. */
  rules: readonly string[] | undefined;
  /** An `allow` rule may cover it. Not where a variable is set or a file written beside the program that it names. */
  coverable: boolean;
  /** False for what needs no leave: `cd`, `echo`, or `timeout` before the program that matters. */
  needed: boolean;
}

/** `line`: the command line, where the call is one. All subjects must be allowed; one that is denied is enough. */
export function subjectsOf(request: PermissionRequest, line: CommandLine | undefined, roots: Roots): Subject[] {
  if (line && line.invocations.length > 0) return line.invocations.map((one) => programSubject(one, request));
  const { subject, tool, effect } = request;
  const common = { coverable: true, needed: true };
  if (line || (effect !== "write" && effect !== "read")) {
    const host = effect === "network" ? hostOf(subject) : undefined;
    const exact = host ?? subject;
    const rule = exactRule(tool, exact);
    return [
      {
        ...common,
        names: [exact, subject],
        exact,
        key: `${tool} ${exact}`,
        task: `${tool} ${exact}`,
        rules: rule ? [rule] : undefined,
      },
    ];
  }
  const exact = real(subject, roots);
  const names = new Set([subject, shownPath(resolve(roots.workspace, subject), roots), exact]);
  // The file tools reach the task's folders alone: all of them, or each one asked about.
  return [{ ...common, names: [...names], exact, key: effect, task: "every edit and write", rules: ["edit", "write"] }];
}

/** Of a web address its host, which is what rules are about: in lower case, without port and without the last dot. */
function hostOf(subject: string): string | undefined {
  return URL.canParse(subject) ? new URL(subject).hostname.replace(/\.$/, "") || undefined : undefined;
}

/** Where links are resolved, a rule about a file holds under its other names too. */
function real(path: string, roots: Roots): string {
  try {
    return resolvePath(path, roots, "read").shown;
  } catch {
    return path;
  }
}

/** Builtins that do nothing to the world, unless they write a file by `>`. */
const HARMLESS = /^(?:cd|pwd|true|false|:|echo|printf|test|\[|exit|sleep)$/;

function isHarmless({ name, bare, args }: Invocation): boolean {
  // `printf -v PATH …` sets a variable.
  return bare && HARMLESS.test(name) && !(name === "printf" && args[0]?.text.startsWith("-v"));
}

function programSubject(one: Invocation, { tool, subject }: PermissionRequest): Subject {
  return {
    names: [...new Set(namesOf(one))],
    exact: one.text,
    ...keyOf(one, subject),
    rules: rulesOf(one, tool),
    coverable: one.bare,
    needed: !one.transparent && !one.carried && !isHarmless(one),
  };
}

/** However it is quoted and written: a rule that denies is not got around by `'git' -C . "push"`. */
function* namesOf({ name, text, args }: Invocation): Generator<string> {
  yield text;
  yield [name, ...args.map((word) => word.written)].join(" ");
  const texts = args.map((word) => word.text);
  // Where the file system does not tell cases apart, `CURL` is curl.
  for (const one of [name, name.toLowerCase()]) yield [one, ...texts].join(" ");
  if (name !== "git") return;
  const { verb, rest } = readGit(args);
  yield ["git", verb, ...rest].join(" ");
}

/** Programs whose first argument says what they do. */
const WITH_VERB =
  /^(?:git|npm|pnpm|yarn|bun|deno|cargo|go|make|just|docker|podman|kubectl|pip[\d.]*|uv|poetry|gh|dotnet|mvn|gradle|gradlew|brew|apt|apt-get|systemctl|terraform|tofu|pulumi|helm|hg|jj|svn)$/;

/** Programs that do whatever the program says that they are given. */
const INTERPRETER =
  /^(?:node|nodejs|tsx|ts-node|python[\d.]*|pypy[\d.]*|ruby|perl|php|lua|luajit|julia|Rscript|java|groovy|swift|elixir|(?:ba|da|z|k|fi)?sh|pwsh|osascript|npx|bunx|pnpx|uvx|pipx)$/;
/** Programs with which one argument differs from the next as a look does from a loss, or as this machine from any other. */
const EACH_TIME =
  /^(?:rm|rmdir|unlink|shred|truncate|dd|chmod|chown|chgrp|fd|[gmn]?awk|parallel|eval|source|\.|sudo|doas|su|kill|killall|pkill|crontab|curl|wget|ssh|scp|sftp|rsync|nc|ncat|socat|psql|mysql|sqlite3|redis-cli|mongosh|aws|gcloud|az)$/;

/** What `find` does beside looking. */
const FIND_ACTS = /^-(?:exec|ok|delete|fprint|fls)/;

/** `npm test` for `npm test -- x`: the same again needs no new question. Code in the line is only ever itself. */
function keyOf(one: Invocation, line: string): Pick<Subject, "key" | "task"> {
  const start = one.bare && !runsCode(one) ? startOf(one) : undefined;
  if (start !== undefined) return { key: start, task: `${start} …` };
  // What it is fed by says what it does: `… | sh`, `… | xargs rm`.
  const exact = one.given || one.fedBy.length > 0 ? line : one.text;
  return { key: `exactly ${exact}`, task: exact };
}

/** What a command line begins with that does much the same; undefined where only the very same line does. */
function startOf(one: Invocation): string | undefined {
  if (EACH_TIME.test(one.name) || (one.name === "find" && one.args.some(({ text }) => FIND_ACTS.test(text))))
    return undefined;
  if (!INTERPRETER.test(one.name)) return [one.program, verbOf(one) ?? []].flat().join(" ");
  const [first, second] = one.args.map((word) => word.text);
  const isModule = first === "-m" && second !== undefined && /^py/.test(one.name);
  const program = isModule ? `-m ${second}` : first === "--test" || !first?.startsWith("-") ? first : undefined;
  return program === undefined ? undefined : `${one.program} ${program}`;
}

/** For ever is longer than a task: a program whose first argument does not say what it does is allowed as it stands. */
function rulesOf(one: Invocation, tool: string): string[] | undefined {
  if (!one.bare) return undefined;
  const verb = verbOf(one);
  const start = `${one.program} ${verb}`;
  const open = verb !== undefined && !runsCode(one) && `${one.text} `.startsWith(`${start} `) && !start.includes("*");
  const rule = open ? `${tool}(${start}:*)` : exactRule(tool, one.text);
  return rule === undefined ? undefined : [rule];
}

function verbOf(one: Invocation): string | undefined {
  return WITH_VERB.test(one.name) ? one.args.find((word) => !word.text.startsWith("-"))?.text : undefined;
}

function runsCode(one: Invocation): boolean {
  return one.args.some((word) => /^-\w*[ce]$|^--(?:eval|command|print)$/.test(word.text)) || one.input !== "";
}
