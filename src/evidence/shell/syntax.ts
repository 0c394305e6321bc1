import { ShellSyntaxError } from "../../base/shell/words.ts";
import { type Token, tokenize, type Word } from "./tokens.ts";

/** One program with its arguments. `words` is empty where there are only assignments. */
export interface Simple {
  kind: "simple";
  assignments: Word[];
  words: Word[];
  /** Files that `>` and `>>` write to. */
  writes: Word[];
  /** True where standard input comes from a file or a here-document. */
  reads: boolean;
}

export type Command =
  | Simple
  | { kind: "pipe"; parts: Command[] }
  | { kind: "not"; inner: Command }
  | { kind: "and" | "or"; left: Command; right: Command }
  | { kind: "list"; items: { command: Command; background: boolean }[] }
  | { kind: "group" | "subshell"; body: Command }
  | { kind: "if"; conditions: Command[]; branches: Command[] }
  | { kind: "loop"; condition: Command | undefined; body: Command }
  /** `case`, functions, arithmetic: not looked into. */
  | { kind: "opaque" };

/**
 * Reads a command line of the POSIX shell's grammar (https://pubs.opengroup.org/onlinepubs/9799919799/, Shell Command
 * Language, 2.10), with bash's `[[` and here-strings. Throws `ShellSyntaxError`.
 */
export function parseShell(line: string): Command {
  const reader = new Reader(tokenize(line));
  const command = reader.list([]);
  reader.expectEnd();
  return command;
}

const OPAQUE = /^(?:case|select|function|\(\()$/;

class Reader {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    const token = this.#tokens[this.#at];
    if (token) throw new ShellSyntaxError(`unexpected \`${token.text}\``);
  }

  /** Commands up to one of the `stops` (keywords, or `)`), which is not consumed. */
  list(stops: readonly string[]): Command {
    const items: { command: Command; background: boolean }[] = [];
    for (;;) {
      while (this.#isOperator(";")) this.#at++;
      const token = this.#tokens[this.#at];
      if (!token || this.#stopsAt(stops)) break;
      const command = this.#andOr();
      const background = this.#isOperator("&");
      if (background) this.#at++;
      else if (this.#tokens[this.#at] && !this.#isOperator(";") && !this.#stopsAt(stops)) {
        throw new ShellSyntaxError(`unexpected \`${this.#tokens[this.#at]!.text}\``);
      }
      items.push({ command, background });
    }
    return items.length === 1 && !items[0]!.background ? items[0]!.command : { kind: "list", items };
  }

  #andOr(): Command {
    let left = this.#pipe();
    while (this.#isOperator("&&") || this.#isOperator("||")) {
      const kind = this.#isOperator("&&") ? "and" : "or";
      this.#at++;
      while (this.#isOperator(";")) this.#at++;
      left = { kind, left, right: this.#pipe() };
    }
    return left;
  }

  #pipe(): Command {
    let negated = false;
    while (this.#isWord("!")) {
      negated = !negated;
      this.#at++;
    }
    const parts = [this.#command()];
    while (this.#isOperator("|")) {
      this.#at++;
      while (this.#isOperator(";")) this.#at++;
      parts.push(this.#command());
    }
    const command: Command = parts.length === 1 ? parts[0]! : { kind: "pipe", parts };
    return negated ? { kind: "not", inner: command } : command;
  }

  #command(): Command {
    const token = this.#tokens[this.#at];
    if (!token) throw new ShellSyntaxError("it ends in the middle");
    if (this.#isOperator("(")) {
      this.#at++;
      // `((` is arithmetic.
      if (this.#isOperator("(")) return this.#opaque();
      return this.#enclosed("subshell", ")");
    }
    if (token.type === "operator" && !/^[<>]/.test(token.text)) {
      throw new ShellSyntaxError(`unexpected \`${token.text}\``);
    }
    if (this.#isWord("{")) {
      this.#at++;
      return this.#enclosed("group", "}");
    }
    if (this.#isWord("if")) return this.#if();
    if (this.#isWord("while") || this.#isWord("until") || this.#isWord("for")) return this.#loop();
    const next = this.#tokens[this.#at + 1];
    const isFunction = next?.type === "operator" && next.text === "(";
    if (isFunction || (token.type === "word" && !token.quoted && OPAQUE.test(token.text))) return this.#opaque();
    return this.#simple();
  }

  #enclosed(kind: "group" | "subshell", close: string): Command {
    const body = this.list([close]);
    this.#expect(close);
    this.#redirections();
    return { kind, body };
  }

  #if(): Command {
    const conditions: Command[] = [];
    const branches: Command[] = [];
    do {
      this.#at++;
      conditions.push(this.list(["then"]));
      this.#expect("then");
      branches.push(this.list(["elif", "else", "fi"]));
    } while (this.#isWord("elif"));
    if (this.#isWord("else")) {
      this.#at++;
      branches.push(this.list(["fi"]));
    }
    this.#expect("fi");
    this.#redirections();
    return { kind: "if", conditions, branches };
  }

  #loop(): Command {
    const over = this.#isWord("for");
    this.#at++;
    const condition = over ? undefined : this.list(["do"]);
    while (over && this.#tokens[this.#at] && !this.#isWord("do")) this.#at++;
    this.#expect("do");
    const body = this.list(["done"]);
    this.#expect("done");
    this.#redirections();
    return { kind: "loop", condition, body };
  }

  /** What is not looked into may span the rest of the line. */
  #opaque(): Command {
    this.#at = this.#tokens.length;
    return { kind: "opaque" };
  }

  #simple(): Simple {
    const simple: Simple = { kind: "simple", assignments: [], words: [], writes: [], reads: false };
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.type === "word") {
        const assigns = simple.words.length === 0 && /^\w+\+?=/.test(token.text);
        (assigns ? simple.assignments : simple.words).push(token);
        this.#at++;
      } else if (!this.#redirection(simple)) return simple;
    }
  }

  /** Redirections of a compound command; what they write to does not decide anything here. */
  #redirections(): void {
    const ignored: Simple = { kind: "simple", assignments: [], words: [], writes: [], reads: false };
    while (this.#redirection(ignored));
  }

  #redirection(into: Simple): boolean {
    const token = this.#tokens[this.#at];
    if (token?.type !== "operator" || !/^[<>]/.test(token.text)) return false;
    const target = this.#tokens[this.#at + 1];
    if (target?.type !== "word") throw new ShellSyntaxError(`nothing follows \`${token.text}\``);
    if (token.text === ">") into.writes.push(target);
    else into.reads = true;
    this.#at += 2;
    return true;
  }

  #expect(text: string): void {
    if (!this.#stopsAt([text])) throw new ShellSyntaxError(`\`${text}\` is missing`);
    this.#at++;
  }

  #stopsAt(stops: readonly string[]): boolean {
    return stops.some((stop) => (stop === ")" ? this.#isOperator(")") : this.#isWord(stop)));
  }

  #isOperator(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.type === "operator" && token.text === text;
  }

  #isWord(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.type === "word" && !token.quoted && token.text === text;
  }
}

/** Where a simple command stands. */
export interface Placed {
  simple: Simple;
  /** Nobody waits for it. */
  background: boolean;
  /** Its standard input is the command before it. */
  piped: boolean;
}

/** Every simple command in order, wherever it stands, those inside `$(…)` too. Throws `ShellSyntaxError`. */
export function* simples(command: Command, background = false, piped = false): Generator<Placed> {
  switch (command.kind) {
    case "simple":
      for (const word of [...command.assignments, ...command.words]) {
        for (const inner of word.commands) yield* simples(parseShell(inner), background);
      }
      yield { simple: command, background, piped };
      break;
    case "pipe":
      for (const [at, part] of command.parts.entries()) yield* simples(part, background, piped || at > 0);
      break;
    case "not":
      yield* simples(command.inner, background, piped);
      break;
    case "and":
    case "or":
      yield* simples(command.left, background, piped);
      yield* simples(command.right, background, piped);
      break;
    case "list":
      for (const item of command.items) yield* simples(item.command, background || item.background, piped);
      break;
    case "group":
    case "subshell":
      yield* simples(command.body, background, piped);
      break;
    case "if":
      for (const part of [...command.conditions, ...command.branches]) yield* simples(part, background, piped);
      break;
    case "loop":
      if (command.condition) yield* simples(command.condition, background, piped);
      yield* simples(command.body, background, piped);
      break;
    case "opaque":
      break;
  }
}
