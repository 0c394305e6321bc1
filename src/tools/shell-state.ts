import { randomId } from "../base/crypto/random.ts";

/** Only commands with one of these words can change what is kept; all others run as they are. */
const CHANGES = /(?:^|[\s;&|({])(?:cd|pushd|popd|export|unset|source|\.|declare|typeset|set)\s/;

/**
 * The folder and the exported variables that the shell commands of one task hand on to each other. The shell itself
 * writes them to a file in the task's private temp when it ends, and the next one reads it: what a command left behind
 * is only ever read inside the sandbox.
 */
export class ShellState {
  readonly #file = `"$TMPDIR/.shell-${randomId(12)}"`;
  readonly #folders: string;
  #used = false;

  /** `folders`: outside of these, `cd` does not last: what follows could no longer be judged by its text. */
  constructor(folders: readonly string[]) {
    this.#folders = folders.map((folder) => `${quote(`${folder.replace(/\/$/, "")}/`)}*`).join("|");
  }

  /**
   * The line that runs `command` with the state of those before it, and keeps its own unless `passing`. What is added
   * is one line, so that line numbers in error messages are off by one.
   */
  wrap(command: string, passing = false): string {
    const keeps = !passing && CHANGES.test(`${command} `);
    const before: string[] = [];
    if (this.#used) before.push(`{ . ${this.#file} && cd "$KOI_FOLDER"; } 2>/dev/null; unset KOI_FOLDER`);
    if (keeps) {
      this.#used = true;
      before.push(`trap ${quote(this.#keep())} EXIT`);
    }
    return before.length === 0 ? command : `${before.join("; ")}\n${command}`;
  }

  #keep(): string {
    const outside =
      'echo "[$PWD is outside the workspace: the next command starts in the workspace again]"; KOI_FOLDER=.';
    const choose = `KOI_FOLDER=$PWD; case "$PWD/" in ${this.#folders}) ;; *) ${outside};; esac`;
    return `${choose}; export KOI_FOLDER; export -p >${this.#file}`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
