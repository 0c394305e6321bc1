import { readShellWord, ShellSyntaxError, type ShellWord } from "../base/shell/words.ts";
import { baseName, emptyCommand, type SimpleCommand, STEERING } from "./simple-command.ts";

export interface ShellText {
  commands: SimpleCommand[];
  /** Files that `<` reads. */
  reads: ShellWord[];
  /** What could not be read or seen, in words. */
  unknown: string | undefined;
  recursive: boolean;
}

/**
 * Reads a line of the POSIX shell and bash (https://pubs.opengroup.org/onlinepubs/9799919799/, Shell Command Language)
 * as a flat list of simple commands, those inside substitutions, loops and functions too. How they hang together does
 * not matter here: each of them might run.
 */
export function readShell(line: string): ShellText {
  const result: ShellText = { commands: [], reads: [], unknown: undefined, recursive: false };
  try {
    new Reader(line, result).read();
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    result.unknown ??= error.message;
  }
  return result;
}

/** Words that stand before or between commands and are none themselves. */
const KEYWORD = /^(?:if|then|elif|else|while|until|do|!|\{|coproc)$/;
const OPENER = /^(?:if|while|until|for|select|case|\{)$/;
/** After these only a separator or a redirection may follow. */
const CLOSER = /^(?:fi|done|\}|esac)$/;

class Reader {
  readonly #line: string;
  readonly #result: ShellText;
  #at = 0;
  #current: SimpleCommand = emptyCommand();
  /** Names of programs earlier in the pipeline. */
  #pipeline: string[] = [];
  /** Here-documents whose text begins behind the next line end, and whose it is. */
  #waiting: { command: SimpleCommand; end: string; quoted: boolean; tabs: boolean }[] = [];
  /** How many `case … in` are open. */
  #cases = 0;
  /** Functions whose body is open, and the braces at which it began. */
  #functions: { name: string; braces: number }[] = [];
  #braces = 0;
  /** Open groups, loops and branches: in them, what is piped in goes to any command. */
  #depth = 0;

  constructor(line: string, result: ShellText) {
    this.#line = line;
    this.#result = result;
  }

  read(): void {
    while (this.#at < this.#line.length) this.#step();
    this.#finish();
    if (this.#waiting.length > 0) throw new ShellSyntaxError("a here-document has no text");
  }

  #step(): void {
    const rest = this.#line.slice(this.#at, this.#at + 4);
    const char = rest[0]!;
    if (char === "\n") {
      this.#finish();
      this.#endPipeline();
      this.#at++;
      this.#hereDocuments();
    } else if (char === " " || char === "\t") this.#at++;
    else if (rest.startsWith("\\\n")) this.#at += 2;
    else if (char === "#") this.#at = indexOrEnd(this.#line, "\n", this.#at);
    else if (/^[<>]\(/.test(rest)) this.#word();
    else if (/^(?:&>|[<>])/.test(rest)) this.#redirection();
    else if (/^[;&|()]/.test(char)) this.#separator(rest);
    else this.#word();
  }

  #separator(rest: string): void {
    if (rest.startsWith("()") || /^\(\s*\)/.test(this.#line.slice(this.#at, this.#at + 16))) {
      this.#function();
      return;
    }
    const text = /^(?:;;&|;;|;&|&&|\|\||\|&|[;&|()])/.exec(rest)![0];
    const piped = text === "|" || text === "|&";
    if (text === "(" && this.#current.words.length > 0) throw new ShellSyntaxError("a ( stands where none can be read");
    this.#finish(piped);
    if (text === "(") this.#depth++;
    else if (text === ")") this.#depth--;
    else if (!piped) this.#endPipeline();
    this.#at += text.length;
    if (text.startsWith(";;") || text === ";&") this.#casePattern();
  }

  #function(): void {
    const name = this.#current.words.at(-1)?.text ?? "";
    this.#current = emptyCommand();
    this.#at = this.#line.indexOf(")", this.#at) + 1;
    this.#functions.push({ name, braces: this.#braces });
  }

  #redirection(): void {
    const text = /^(?:&>>?|>>|>\||>&|<&|<>|<<<|<<-?|[<>])/.exec(this.#line.slice(this.#at, this.#at + 4))![0];
    this.#at += text.length;
    this.#skipBlanks();
    const word = this.#readWord();
    if (word.written === "") throw new ShellSyntaxError(`nothing follows ${text}`);
    if (text === "<<" || text === "<<-") {
      const quoted = word.quoted;
      this.#waiting.push({ command: this.#current, end: word.text, quoted, tabs: text === "<<-" });
    } else if (text === "<<<") this.#current.input += `${word.dynamic ? '"$()"' : word.text}\n`;
    else if (text === "<") this.#result.reads.push(word);
    else if (text === "<&" || (text === ">&" && /^(?:\d+|-)$/.test(word.text))) return;
    else this.#current.writes.push(word);
  }

  #word(): void {
    const command = this.#current;
    if (command.words.length === 0 && command.assignments.length === 0) {
      if (/^\[\[\s/.test(this.#line.slice(this.#at, this.#at + 3))) {
        this.#skipTo("]]");
        return;
      }
    }
    const word = this.#readWord();
    const isNumber = !word.quoted && /^\d+$/.test(word.text) && /[<>]/.test(this.#line[this.#at] ?? "");
    // `2>file`: the number belongs to the redirection.
    if (isNumber) return;
    if (command.words.length > 0) {
      command.words.push(word);
      return;
    }
    if (/^\w+(?:\[[^\]]*\])?\+?=/.test(word.written)) {
      // A list of values: `a=(x y)`.
      if (this.#line[this.#at] === "(" && word.text.endsWith("=")) this.#skipTo(")");
      command.assignments.push(word);
      return;
    }
    if (word.quoted || word.dynamic || command.assignments.length > 0 || !this.#keyword(word.text)) {
      command.words.push(word);
    }
  }

  /** True where the word was a part of the grammar and no command. */
  #keyword(text: string): boolean {
    if (OPENER.test(text)) this.#depth++;
    if (CLOSER.test(text)) this.#depth--;
    if (text === "{") this.#braces++;
    if (text === "}") {
      this.#braces--;
      if (this.#functions.at(-1)?.braces === this.#braces) this.#functions.pop();
    }
    if (KEYWORD.test(text)) return true;
    if (CLOSER.test(text)) {
      if (text === "esac") this.#cases--;
      return true;
    }
    if (text === "function") {
      this.#skipBlanks();
      this.#functions.push({ name: this.#readWord().text, braces: this.#braces });
      this.#skipBlanks();
      if (this.#line[this.#at] === "(") this.#at = this.#line.indexOf(")", this.#at) + 1;
      return true;
    }
    if (text === "for" || text === "select") {
      this.#forHead();
      return true;
    }
    if (text === "case") {
      this.#skipBlanks();
      this.#readWord();
      this.#skipBlanks();
      if (this.#readWord().text !== "in") throw new ShellSyntaxError("a case without in");
      this.#cases++;
      this.#casePattern();
      return true;
    }
    return false;
  }

  /** `for x in words`, up to what ends it. */
  #forHead(): void {
    this.#skipBlanks();
    if (this.#line.startsWith("((", this.#at)) {
      this.#skipTo("))");
      return;
    }
    const variable = /^\w*/.exec(this.#line.slice(this.#at))![0];
    if (STEERING.test(variable)) this.#result.unknown ??= `a loop sets ${variable}, which changes what programs do`;
    while (this.#at < this.#line.length && !/[;\n]/.test(this.#line[this.#at]!)) {
      if (/[&|()<>]/.test(this.#line[this.#at]!)) throw new ShellSyntaxError("a for that cannot be read");
      this.#readWord();
      this.#skipBlanks();
    }
  }

  /** The `a|b)` before the commands of a case, or the `esac` that ends it. */
  #casePattern(): void {
    if (this.#cases === 0) throw new ShellSyntaxError("a ;; outside of case");
    for (;;) {
      while (/[ \t\n(|]/.test(this.#line[this.#at] ?? "")) this.#at++;
      if (this.#at >= this.#line.length) throw new ShellSyntaxError("a case is never ended");
      if (this.#line[this.#at] === "#") this.#at = indexOrEnd(this.#line, "\n", this.#at);
      else if (this.#line[this.#at] === ")") {
        this.#at++;
        return;
      } else if (this.#readWord().text === "esac") {
        this.#cases--;
        return;
      }
    }
  }

  #readWord(): ShellWord {
    const { word, next } = readShellWord(this.#line, this.#at);
    if (next === this.#at)
      throw new ShellSyntaxError(`${JSON.stringify(this.#line.slice(this.#at, this.#at + 20))} cannot be read`);
    this.#at = next;
    for (const inner of word.commands) this.#include(inner);
    return word;
  }

  /** Commands inside a word or a here-document; they run as well. */
  #include(line: string): void {
    const inner = readShell(line);
    this.#result.commands.push(...inner.commands);
    this.#result.reads.push(...inner.reads);
    this.#result.unknown ??= inner.unknown;
    this.#result.recursive ||= inner.recursive;
  }

  /** Reads words and brackets up to `close`, for the sake of the substitutions in them. */
  #skipTo(close: string): void {
    this.#at += close === ")" ? 1 : 2;
    while (!this.#line.startsWith(close, this.#at)) {
      if (this.#at >= this.#line.length) throw new ShellSyntaxError(`a ${close} is missing`);
      if (/[ \t\n;&|()<>#]/.test(this.#line[this.#at]!)) this.#at++;
      else this.#readWord();
    }
    this.#at += close.length;
  }

  #skipBlanks(): void {
    for (;;) {
      if (/[ \t]/.test(this.#line[this.#at] ?? "")) this.#at++;
      else if (this.#line.startsWith("\\\n", this.#at)) this.#at += 2;
      else return;
    }
  }

  #hereDocuments(): void {
    for (const { command, end, quoted, tabs } of this.#waiting.splice(0)) {
      const lines: string[] = [];
      for (;;) {
        if (this.#at >= this.#line.length) break;
        const stop = indexOrEnd(this.#line, "\n", this.#at);
        const line = this.#line.slice(this.#at, stop);
        this.#at = stop + 1;
        if ((tabs ? line.replace(/^\t+/, "") : line) === end) break;
        lines.push(line);
      }
      command.input += `${lines.join("\n")}\n`;
      if (!quoted) {
        const text = lines.join("\n").replaceAll('"', '\\"');
        for (const inner of readShellWord(`"${text}"`, 0).word.commands) this.#include(inner);
      }
    }
  }

  #endPipeline(): void {
    if (this.#depth <= 0) this.#pipeline = [];
  }

  #finish(piped = false): void {
    const command = this.#current;
    this.#current = emptyCommand();
    if (command.words.length + command.assignments.length + command.writes.length === 0) {
      // Behind a group: what it writes is what its commands write.
      if (piped) this.#pipeline.push("group", ...this.#result.commands.map((one) => baseName(one)));
      return;
    }
    const [program] = command.words;
    if (program?.dynamic) this.#result.unknown ??= `the program's name is not visible in ${program.written}`;
    const name = baseName(command);
    if (this.#functions.some((open) => open.name !== "" && open.name === name)) this.#result.recursive = true;
    command.fedBy = [...this.#pipeline];
    this.#result.commands.push(command);
    if (piped) this.#pipeline.push(name);
  }
}

function indexOrEnd(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from);
  return at < 0 ? text.length : at;
}
