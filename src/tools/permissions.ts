import type { Redactor } from "../base/redact.ts";
import { clip } from "../base/text.ts";
import type { Ask, PermissionChoice } from "../contracts/question.ts";
import type { Effect } from "../contracts/tool.ts";
import { analyzeCommand, type CommandLine } from "./command.ts";
import { destructiveReason } from "./destructive.ts";
import { hiddenFiles } from "./hidden-files.ts";
import { isAbout, parseRule, type Rule } from "./rules.ts";
import { type Subject, subjectsOf } from "./subjects.ts";

/** A call that wants to be made, with its secrets put back: that is what is judged. */
export interface PermissionRequest {
  tool: string;
  effect: Effect;
  /** Path, command or host. */
  subject: string;
  /** What a person sees: a diff, the whole command. Made only when somebody is asked. */
  detail(): Promise<string>;
  /** What it is for, where the call does not say it. */
  note?: string;
  /** Why it cannot be taken back, in words; of a command line it is seen here. */
  destroys?: string | undefined;
}

/** Why a call is not made. No secret is in it. */
export interface Refusal {
  /** What happened, for everybody. */
  refuse: string;
  /** What the model that made the call is told beside it. */
  advice?: string;
  /** What the person said who refused it. */
  said?: string;
  /** Nobody could be asked. */
  denied: boolean;
}

export type Verdict = "allow" | Refusal;

export interface Permissions {
  decide(request: PermissionRequest, ask: Ask, signal: AbortSignal): Promise<Verdict>;
  /** May this command be run as evidence? It may hold placeholders of secrets. Undefined: yes; else why not. */
  permitCommand(command: string, ask: Ask, signal: AbortSignal): Promise<string | undefined>;
  /** False for a file (absolute, real) that a `deny` rule keeps from being read. */
  mayRead(path: string): boolean;
  /** True where the user's own config allows this subject by name, not with the whole tool. */
  names(tool: string, subject: string): boolean;
  /** The user said something meanwhile: what they refused may be asked again. */
  reconsider(): void;
  /** True where every call of such a tool would be refused, whoever is there to be asked. */
  forbids(tool: string, effect: Effect): boolean;
  /** False where every call of such a tool would be refused. */
  mayAllow(tool: string, effect: Effect, mayBeAsked: boolean): boolean;
}

export interface PermissionsInput {
  mode: "ask" | "auto" | "read-only";
  /** `tool(pattern)`; a rule of `deny` outranks everything. */
  allow: readonly string[];
  deny: readonly string[];
  /** Where the sandbox keeps the network from commands, `auto` does not give it to tools either. Default `loopback`. */
  network?: "none" | "loopback" | "all";
  /** What is judged is the call as it is; what is asked and answered holds no secret, and is cut after they are hidden. */
  redactor: Pick<Redactor, "hide" | "reveal">;
  /** What was answered with "always"; absent where nothing can be saved. */
  saved?: SavedRules;
  /** Absolute and real. */
  workspace: string;
  addDirs?: readonly string[];
}

/** `allow` rules of this project that outlive the task. */
export interface SavedRules {
  readonly allow: readonly string[];
  addAllow(rules: readonly string[]): Promise<void>;
}

/** Mode `read-only`, for the model and for whoever wonders why nothing was measured. */
export const MAY_ONLY_READ = "This task may only read (permission mode read-only).";

const REFUSED_BEFORE = "The user refused this very call before and is not asked again";
/** What is left to do where no other way to the same would be allowed. */
const WITHOUT_IT = "Go on without it, and say what could not be done.";
/** Characters of a call that a refusal repeats: the model knows what it called. */
const MOST_SUBJECT = 200;

/** The tool whose subjects are shell command lines. */
const SHELL_TOOL = "bash";

/**
 * The permissions of one task. In this order: a `deny` rule refuses; reading is allowed; `read-only` refuses the rest;
 * what destroys and what cannot be read is asked in every mode; then `allow` rules, what was allowed for this task, and
 * `auto`; all else is asked, but nothing twice that was refused. Throws a UserError for a rule that cannot be read.
 */
export function createPermissions(input: PermissionsInput): Permissions {
  const own = input.allow.map(parseRule);
  const allow = [...own, ...(input.saved?.allow ?? []).map(parseRule)];
  const deny = input.deny.map(parseRule);
  const roots = { workspace: input.workspace, addDirs: input.addDirs ?? [] };
  const hidden = hiddenFiles(deny, roots);
  const hide = (text: string) => input.redactor.hide(text);
  /** What a person allowed for the rest of the task: keys of subjects. */
  const remembered = new Set<string>();
  /** What was refused, by what was asked: the same question is not put twice in one task. */
  const refused = new Map<string, Verdict>();

  function forbidden({ tool, subject }: PermissionRequest, subjects: () => readonly Subject[], line?: CommandLine) {
    if (deny.length === 0) return undefined;
    // What an edit says of a place that it did not find is the file's text.
    const about = (rule: Rule) => isAbout(rule, tool) || (tool === "edit" && isAbout(rule, "read"));
    const denied = subjects().some(({ names }) =>
      names.some((name) => deny.some((rule) => about(rule) && rule.matches(name))),
    );
    if (denied) return `The user's rules forbid this call: ${tool} ${clip(hide(subject), MOST_SUBJECT)}`;
    const word = line && hidden.namedIn(line);
    return word === undefined ? undefined : `The user's rules forbid reading ${clip(hide(word), MOST_SUBJECT)}`;
  }

  function covered(tool: string, subjects: readonly Subject[]): boolean {
    const rules = allow.filter((rule) => isAbout(rule, tool));
    return subjects.every(
      ({ key, exact, coverable, needed }) =>
        !needed || remembered.has(key) || (coverable && rules.some((rule) => rule.matches(exact))),
    );
  }

  /** What the sandbox contains: where it keeps the network from commands, tools do not get it either. */
  function allowedByMode(effect: Effect): boolean {
    return input.mode === "auto" && (effect !== "network" || input.network === "all");
  }

  async function decide(request: PermissionRequest, ask: Ask, signal: AbortSignal): Promise<Verdict> {
    const { tool, effect } = request;
    const line = tool === SHELL_TOOL && effect !== "read" ? analyzeCommand(request.subject) : undefined;
    // Where no rule can be about them they are not looked for, which would resolve the links of each path.
    let found: readonly Subject[] | undefined;
    const subjects = () => (found ??= subjectsOf(request, line, roots));
    const no = forbidden(request, subjects, line);
    if (no !== undefined) return refusal(no, WITHOUT_IT);
    if (effect === "read") return "allow";
    if (input.mode === "read-only") {
      return refusal(MAY_ONLY_READ, "Say what you would change instead.");
    }
    const destroys = request.destroys ?? (line && destructiveReason(line, roots));
    const unknown = line?.unknown;
    const why = destroys ?? unknown;
    if (why === undefined) {
      if (allowedByMode(effect) || covered(tool, subjects())) return "allow";
    }
    // A secret must not get into a rule.
    const canBeRule = why === undefined && hide(request.subject) === request.subject;
    const rules = canBeRule && input.saved ? rulesFor(subjects()) : undefined;
    const choices: PermissionChoice[] =
      why === undefined ? ["once", "task", ...(rules ? ["always" as const] : []), "refuse"] : ["once", "refuse"];
    const notes = [
      ...(request.note === undefined ? [] : [request.note]),
      ...(why === undefined ? [] : [why]),
      ...(why === undefined ? [`for this task: ${inWords(subjects())}`] : []),
      ...(rules ? [`always: ${rules.join(", ")}`] : []),
    ];
    const { subject } = request;
    const detail = await request.detail();
    // A person may want a command as a measurement and not as a step of the work, or the other way round.
    const same = JSON.stringify([tool, subject, detail, request.note ?? ""]);
    const before = refused.get(same);
    if (before !== undefined) return before;
    const shown = { subject: hide(subject), detail: hide(detail), notes: notes.map(hide) };
    const question = { kind: "permission" as const, tool, ...shown, choices };
    const answer = await ask({ ...question, destructive: why !== undefined }, signal);
    const choice = choices.find((offered) => offered === answer.choice);
    if (choice === "task" || choice === "always") for (const { key } of subjects()) remembered.add(key);
    if (choice === "always" && rules) await input.saved?.addAllow(rules);
    if (choice !== undefined && choice !== "refuse") return "allow";
    if (answer.by === "policy") {
      const verdict = unattended(request, destroys && hide(destroys), unknown && hide(unknown));
      refused.set(same, verdict);
      return verdict;
    }
    const said = answer.note ? { said: hide(answer.note) } : {};
    // Who gives a reason may name the way that is wanted.
    const but = answer.note ? "Do what they say instead; where they name nothing, do not" : "Do not";
    refused.set(same, { ...refusal(REFUSED_BEFORE, `${but} try it again or in another way.`), ...said });
    return { ...refusal("The user refused this", `${but} try it in another way.`), ...said };
  }

  function forbids(tool: string, effect: Effect): boolean {
    return (
      (input.mode === "read-only" && effect !== "read") || deny.some((rule) => isAbout(rule, tool) && !rule.narrow)
    );
  }

  return {
    decide,
    forbids,
    async permitCommand(command, ask, signal) {
      if (input.mode === "read-only") return MAY_ONLY_READ;
      const note = "to measure the work: the project's own check, or the plan's proof";
      const subject = input.redactor.reveal(command);
      const detail = async () => subject;
      const request = { tool: SHELL_TOOL, effect: "execute" as const, subject, detail, note };
      const verdict = await decide(request, ask, signal);
      if (verdict === "allow") return undefined;
      return verdict.said === undefined ? verdict.refuse : `${verdict.refuse}: ${verdict.said}`;
    },
    mayRead: (path) => !hidden.has(path),
    reconsider: () => refused.clear(),
    mayAllow(tool, effect, mayBeAsked) {
      if (forbids(tool, effect) || (effect === "network" && input.network === "none")) return false;
      if (effect === "read") return true;
      return mayBeAsked || allowedByMode(effect) || allow.some((rule) => isAbout(rule, tool));
    },
    names: (tool, subject) => own.some((rule) => rule.narrow && isAbout(rule, tool) && rule.matches(subject)),
  };
}

/** What "always" comes to; undefined where one of the subjects has no rule that means it alone. */
function rulesFor(subjects: readonly Subject[]): readonly string[] | undefined {
  const all = subjects.filter(({ needed }) => needed).map(({ rules }) => rules);
  return all.length > 0 && all.every((rules) => rules !== undefined) ? [...new Set(all.flat())] : undefined;
}

function inWords(subjects: readonly Subject[]): string {
  return [...new Set(subjects.filter(({ needed }) => needed).map(({ task }) => task))].join(", ");
}

function refusal(refuse: string, advice: string): Refusal {
  return { refuse, advice, denied: false };
}

/** A refusal as the model reads it that made the call. */
export function refusalText({ refuse, advice, said }: Refusal): string {
  const sentence = advice && !refuse.endsWith(".") ? `${refuse}.` : refuse;
  return [sentence, advice, said && `They said: ${said}`].filter(Boolean).join(" ");
}

/** What the model is told where nobody was there to be asked. */
function unattended(request: PermissionRequest, destroys: string | undefined, unknown: string | undefined): Refusal {
  if (destroys !== undefined) {
    const way = "Find a way that does not need it, or say what the user has to do.";
    const because = clip(destroys, MOST_SUBJECT);
    return { refuse: `Not permitted because ${because}: nobody can be asked`, advice: way, denied: true };
  }
  // The same can be said so that it can be judged: going on makes sense.
  if (unknown !== undefined) {
    return refusal(`The command was not run: ${clip(unknown, MOST_SUBJECT)}`, "Mend it, or write it more plainly.");
  }
  const way =
    request.effect === "network"
      ? "The user has to allow the host, at a terminal or with a rule."
      : "The user has to allow it, at a terminal or with --yes.";
  return { refuse: `Not permitted: nobody can be asked. ${way}`, denied: true };
}
