import { type HunkOptions, hunks } from "../base/hunks.ts";
import { giveWay } from "../base/stream.ts";
import type { Diff, FileChange } from "../contracts/workspace.ts";
import { changedPaths, type Entry, type State } from "./state.ts";

/** Lines shown before and after a change, unless more are wanted. */
const CONTEXT = 3;
/** Bytes at the start in which a NUL means: not text (as git has it). */
const SNIFFED = 8000;
const SLICE = 12;

/**
 * What changed from one state to another, as git writes it (https://git-scm.com/docs/diff-format), so that `git apply`
 * understands it. Where it does not fit into `maxBytes`, each file gets a fair share: one huge lock file does not hide
 * the rest. `read` gives a recorded file's content, `around` the lines to be shown around the changes of a file.
 */
export async function diffStates(
  from: State,
  to: State,
  maxBytes: number,
  read: (entry: Entry) => Uint8Array,
  around: (path: string) => number = () => CONTEXT,
): Promise<Diff> {
  const changes: FileChange[] = [];
  const sections: string[] = [];
  let turn = performance.now();
  for (const path of changedPaths(from, to)) {
    const before = fileOnly(from.entries.get(path));
    const after = fileOnly(to.entries.get(path));
    if (!before && !after) continue;
    const { change, text } = describeChange(path, before, after, { maxBytes, context: around(path), read });
    changes.push(change);
    if (text !== "") sections.push(text);
    if (performance.now() - turn > SLICE) {
      await giveWay();
      turn = performance.now();
    }
  }
  const sizes = sections.map((text) => Buffer.byteLength(text));
  const share = fairShare(sizes, maxBytes);
  const truncated = sizes.some((size) => size > share);
  return { changes, text: sections.map((text) => cutLines(text, share)).join(""), truncated };
}

function fileOnly(entry: Entry | undefined): Entry | undefined {
  return entry?.kind === "dir" ? undefined : entry;
}

interface Manner extends HunkOptions {
  read: (entry: Entry) => Uint8Array;
}

function describeChange(
  path: string,
  before: Entry | undefined,
  after: Entry | undefined,
  manner: Manner,
): { change: FileChange; text: string } {
  const kind = kindOfChange(before, after);
  const change: FileChange = { path, kind };
  if (kind === "mode") return { change: { ...change, added: 0, removed: 0 }, text: header(path, before, after) };
  const { read } = manner;
  const oldText = before ? textOf(before, read) : "";
  const newText = after ? textOf(after, read) : "";
  // A file that became a link is two changes for git.
  if (before && after && before.kind !== after.kind) {
    const parts = [describeChange(path, before, undefined, manner), describeChange(path, undefined, after, manner)];
    if (oldText !== undefined && newText !== undefined) {
      change.added = parts[1]!.change.added!;
      change.removed = parts[0]!.change.removed!;
    }
    return { change, text: parts.map((part) => part.text).join("") };
  }
  const head = header(path, before, after);
  if (oldText === undefined || newText === undefined) {
    const [a, b] = names(path, before, after);
    return { change, text: `${head}Binary files ${a} and ${b} differ\n` };
  }
  const body = hunks(oldText, newText, manner);
  change.added = body.added;
  change.removed = body.removed;
  if (body.text === "") return { change, text: head };
  const [a, b] = names(path, before, after);
  return { change, text: `${head}--- ${tabbed(a)}\n+++ ${tabbed(b)}\n${body.text}` };
}

function kindOfChange(before: Entry | undefined, after: Entry | undefined): FileChange["kind"] {
  if (!before) return "created";
  if (!after) return "deleted";
  const same = before.kind === after.kind && before.kind !== "opaque" && before.content === after.content;
  return same ? "mode" : "changed";
}

/** The content as text; undefined for what is not text or was not recorded. */
function textOf(entry: Entry, read: (entry: Entry) => Uint8Array): string | undefined {
  if (entry.kind === "link") return entry.content;
  if (entry.kind !== "file") return undefined;
  const bytes = read(entry);
  if (bytes.subarray(0, SNIFFED).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // An old encoding; this one gives every byte a character of its own, so that differing lines differ.
    return new TextDecoder("latin1").decode(bytes);
  }
}

function header(path: string, before: Entry | undefined, after: Entry | undefined): string {
  const lines = [`diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}`];
  if (!before && after) lines.push(`new file mode ${gitMode(after)}`);
  else if (before && !after) lines.push(`deleted file mode ${gitMode(before)}`);
  else if (before && after && gitMode(before) !== gitMode(after)) {
    lines.push(`old mode ${gitMode(before)}`, `new mode ${gitMode(after)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Links are 120000; of files git knows two modes, but the truth is shown. */
function gitMode(entry: Entry): string {
  return entry.kind === "link" ? "120000" : `100${entry.mode.toString(8).padStart(3, "0")}`;
}

function names(path: string, before: Entry | undefined, after: Entry | undefined): [string, string] {
  return [before ? quoted(`a/${path}`) : "/dev/null", after ? quoted(`b/${path}`) : "/dev/null"];
}

/** `patch` takes a name to end at white space unless a tab follows. */
function tabbed(name: string): string {
  return name.includes(" ") ? `${name}\t` : name;
}

/** Names with a quote, a backslash or a control character are quoted as in C. */
function quoted(name: string): string {
  if (!/["\\\x00-\x1f\x7f]/.test(name)) return name;
  const escapes: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\" };
  const escaped = name.replace(
    /["\\\x00-\x1f\x7f]/g,
    (char) => escapes[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}

/** The largest size that each of `sizes` may have so that all together keep within `total`. */
function fairShare(sizes: readonly number[], total: number): number {
  let left = total;
  let share = total;
  [...sizes]
    .sort((a, b) => a - b)
    .forEach((size, index) => {
      share = Math.floor(left / (sizes.length - index));
      left -= Math.min(size, share);
    });
  return share;
}

/** The first whole lines of `text` that fit into `bytes`. */
function cutLines(text: string, bytes: number): string {
  if (bytes <= 0) return "";
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  return encoded.toString("utf8", 0, encoded.lastIndexOf(10, bytes - 1) + 1);
}
