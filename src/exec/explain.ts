import { isAbsolute, resolve } from "node:path";

/** What the sandbox of this task allows, as far as a failure can be explained by it. */
export interface Held {
  cwd: string;
  /** Folders that commands may write in. */
  writable: readonly string[];
  /** Folders and files that are seen as empty. */
  hidden: readonly string[];
  network: "none" | "loopback" | "all";
}

/** Most notes for one command: one of each rule is enough to act on. */
const MOST_NOTES = 3;

const WRITE = /read-only file system|EROFS|permission denied|EACCES|operation not permitted|EPERM/i;
const MISSING = /no such file or directory|ENOENT/i;
const NETWORK =
  /network is unreachable|ENETUNREACH|could not resolve|temporary failure in name resolution|EAI_AGAIN|getaddrinfo|no route to host|name or service not known/i;
/** A path as error messages show it: quoted, or ended by a colon or white space. */
const PATH = /['"`‘]((?:\/|~\/|\.\.?\/)[^'"`’]+)['"`’]|(?:^|[\s(])((?:\/|\.\.\/)[^\s:'"`,)]+)/g;

/**
 * Explains a command that failed in the sandbox: which path or host, which rule, and how the user can allow it. Reads the
 * command's own error messages, so it is a help and no record: silent where nothing points at the sandbox. Pure.
 */
export function explainFailure(output: string, held: Held): string[] {
  const notes = new Set<string>();
  for (const line of output.split("\n")) {
    if (notes.size >= MOST_NOTES) break;
    const refused = WRITE.test(line);
    if (refused || MISSING.test(line)) {
      for (const path of pathsIn(line, held.cwd)) addPathNote(notes, path, refused, held);
    }
    if (held.network !== "all" && NETWORK.test(line)) {
      notes.add(networkNote(held.network));
    }
  }
  return [...notes].slice(0, MOST_NOTES);
}

/** Why a command found nobody. */
export function networkNote(network: Held["network"]): string {
  return `${reachOf(network)} ([sandbox] network = "${network}"); the user can set it to "all"`;
}

/** How far commands get. */
export function reachOf(network: Held["network"]): string {
  return network === "none" ? "commands have no network" : "commands reach only their own loopback";
}

/** `refused`: the system said no. Otherwise it said that there is nothing, as it does of what is hidden. */
function addPathNote(notes: Set<string>, path: string, refused: boolean, held: Held): void {
  const within = (folder: string) => path === folder || path.startsWith(`${folder}/`);
  if (held.hidden.some(within)) {
    notes.add(`${path} is hidden from commands, because keys or private data lie there`);
  } else if (!refused) {
    return;
  } else if (/^\/(?:proc|sys)\//.test(path)) {
    // No folder that could be added: the kernel's own.
    return;
  } else if (!held.writable.some(within)) {
    notes.add(`${path} is outside the workspace and read-only for commands; the user can allow it with --add-dir`);
  } else if (/\/\.git\/(?:config|hooks)(?:\/|$)|\/\.openkoi(?:\/|$)/.test(path)) {
    notes.add(`${path} is protected: what lies there would run with the user's rights later`);
  }
}

/** A shell says who it is and in which line before it says what happened. */
const SPEAKER = /^\S*sh: (?:line )?\d+: /;

function pathsIn(line: string, cwd: string): string[] {
  return [...line.replace(SPEAKER, "").matchAll(PATH)].map((match) => {
    const path = match[1] ?? match[2]!;
    return isAbsolute(path) ? path : resolve(cwd, path);
  });
}
