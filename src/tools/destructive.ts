import { resolve } from "node:path";
import type { ShellWord } from "../base/shell/words.ts";
import type { CommandLine, Invocation } from "./command.ts";
import { gitReason } from "./git-command.ts";
import { isLong } from "./long-option.ts";
import { movesOutside } from "./moving.ts";
import { isInside, type Roots } from "./paths.ts";

/**
 * What cannot be taken back in a command line, in words; undefined where nothing is seen. Such commands are asked about
 * in every mode. It is no sandbox: a script may do the same unseen, and what it then may do is for `exec/` to hold.
 */
export function destructiveReason(line: CommandLine, roots: Roots): string | undefined {
  if (line.recursive) return "a function calls itself without end";
  const moved = line.invocations.some((one) => movesOutside(one, roots));
  for (const invocation of line.invocations) {
    const device = invocation.writes.find((word) => isDevice(word.text));
    if (device) return `it writes to the device ${device.text}`;
    const reason = reasonOf(invocation, line, { roots, moved });
    if (reason) return reason;
  }
  return undefined;
}

interface Surroundings {
  roots: Roots;
  /** The line goes to a folder outside, so that relative paths mean something else. */
  moved: boolean;
}

function reasonOf(one: Invocation, line: CommandLine, around: Surroundings): string | undefined {
  const args = one.args.map((word) => word.text);
  const has = (pattern: RegExp) => args.some((text) => pattern.test(text));
  switch (one.name) {
    case "rm":
      return has(/^-[a-zA-Z]*[rR]/) || args.some((text) => isLong(text, "recursive"))
        ? outside(one, around, "rm removes")
        : undefined;
    case "find":
      return has(/^-delete$/) ? findReason(one, args, around) : undefined;
    case "chmod":
    case "chown":
    case "chgrp":
      if (!has(/^-[a-zA-Z]*R/) && !args.some((text) => isLong(text, "recursive"))) return undefined;
      return outside({ ...one, args: operands(one.args).slice(1) }, around, `${one.name} changes`);
    case "git":
      return gitReason(one.args);
    case "dd":
      return has(/^of=\/dev\/(?!null$|stdout$|stderr$)/) ? "dd writes to a device" : undefined;
    case "truncate":
    case "shred":
    case "wipefs":
      return one.name === "wipefs" || has(/^\/dev\//) ? `${one.name} destroys a device` : undefined;
    case "tee":
      return has(/^\/dev\/(?!null$|stdout$|stderr$|tty$)/) ? "tee writes to a device" : undefined;
    case "fdisk":
    case "sfdisk":
    case "parted":
    case "mkswap":
      return `${one.name} changes disks`;
    case "shutdown":
    case "reboot":
    case "halt":
    case "poweroff":
      return `${one.name} stops the machine`;
    case "init":
    case "telinit":
      return has(/^[06]$/) ? "it stops the machine" : undefined;
    case "systemctl":
      return has(/^(?:poweroff|reboot|halt|kexec|suspend|hibernate)$/) ? "it stops the machine" : undefined;
    case "kill":
      return args.at(-1) === "-1" && args.length > 1 ? "it kills every process" : undefined;
    case "crontab":
      return has(/^-r$/) ? "it removes the crontab" : undefined;
    case "gh":
    case "glab":
      return args[1] === "delete" ? `${one.name} ${args[0]} delete cannot be undone` : undefined;
    case "docker":
    case "podman":
      return has(/^prune$/) || /^(?:volume|image) rm$/.test(args.slice(0, 2).join(" "))
        ? `${one.name} removes data`
        : undefined;
    case "kubectl":
      return args[0] === "delete" ? "kubectl delete removes resources" : undefined;
    case "terraform":
    case "tofu":
      return has(/^-?-?destroy$/) ? `${one.name} destroy removes resources` : undefined;
    case "aws":
      return has(/^(?:rb|delete-.*|terminate-.*)$/) || (has(/^rm$/) && has(/^--recursive$/))
        ? "aws removes resources"
        : undefined;
    case "npm":
    case "pnpm":
    case "yarn":
    case "cargo":
    case "twine":
      return /^(?:publish|unpublish|yank|upload)$/.test(operands(one.args)[0]?.text ?? "")
        ? `${one.name} publishes`
        : undefined;
    case "dropdb":
      return "dropdb removes a database";
    case "redis-cli":
      return has(/^flush(?:all|db)$/i) ? "it empties the database" : undefined;
    default:
      if (/^mkfs/.test(one.name)) return "mkfs formats a device";
      if (isInterpreter(one) && one.fedBy.some((name) => FETCHES.test(name))) return "it runs what it downloads";
      return SQL.test(one.name) ? sqlReason(line) : undefined;
  }
}

const FETCHES = /^(?:curl|wget|fetch|aria2c|nc|ncat)$/;
const SQL =
  /^(?:psql|pgcli|mysql|mariadb|mycli|sqlite3?|litecli|sqlcmd|duckdb|clickhouse(?:-client)?|cockroach|mongosh?)$/;

function isInterpreter({ name, args }: Invocation): boolean {
  const reads = args.every((word) => word.text.startsWith("-")) || args.some((word) => /^-\w*s$/.test(word.text));
  return reads && /^(?:(?:ba|da|z|k|a|fi)?sh|python[\d.]*|node|bun|deno|perl|ruby|php)$/.test(name);
}

/** The statement may come from an argument, a here-document, or a program before in the pipeline. */
function sqlReason(line: CommandLine): string | undefined {
  const text = line.invocations.map((one) => `${one.args.map((word) => word.text).join(" ")} ${one.input}`).join(" ");
  const found =
    /\b(?:drop\s+(?:table|database|schema|view|index|role|user)|truncate\s+(?:table\s+)?\w|dropDatabase|\.drop\(\))/i.exec(
      text,
    )?.[0] ?? /\bdelete\s+from\s+[\w."`]+\s*(?:;|$|["'])/i.exec(text)?.[0];
  return found ? `the statement ${found.trim()} removes data` : undefined;
}

/** Where one of the paths may lie outside what the task may change, or is all of it. */
function outside(one: Invocation, around: Surroundings, what: string): string | undefined {
  const targets = operands(one.args);
  const far = targets.find((word) => !isHarmless(word, around));
  if (far) return `${what} ${far.written}, which is not surely inside the workspace`;
  const unseen = one.given || (targets.length === 0 && one.fedBy.length > 0);
  return unseen ? `${what} what another program names` : undefined;
}

function isHarmless(word: ShellWord, { roots, moved }: Surroundings): boolean {
  if (word.dynamic || word.text === "" || /^~/.test(word.text) || word.text === "{}") return false;
  // Of a pattern, what stands before it decides; `*` alone is everything that is there.
  const fixed = word.glob ? word.text.replace(/[^/]*[*?[].*$/s, "") : word.text;
  if (!fixed.startsWith("/") && (moved || /(?:^|\/)\.\.(?:\/|$)/.test(word.text))) return false;
  const path = resolve(roots.workspace, fixed === "" ? "." : fixed);
  const folders = [roots.workspace, ...roots.addDirs];
  const whole = folders.includes(path) || (word.glob && folders.includes(resolve(path)));
  if (whole) return word.glob && /[^*?./]/.test(word.text.slice(fixed.length));
  if (path.split("/").includes(".git")) return false;
  return [...folders, "/tmp", "/var/tmp"].some((folder) => path !== folder && isInside(path, folder));
}

/** Of everything that is there, a condition makes a choice. */
function findReason(one: Invocation, args: readonly string[], around: Surroundings): string | undefined {
  const starts = one.args.slice(0, firstOption(args));
  const chooses = args.some((text) => /^-(?:i?name|i?path|i?regex|empty|size|[acm](?:time|min)|newer\w*)$/.test(text));
  const far = chooses && !around.moved ? starts.filter((word) => !/^\.\/?$/.test(word.text)) : starts;
  return far.length === 0 && starts.length > 0 ? undefined : outside({ ...one, args: far }, around, "find removes");
}

function isDevice(path: string): boolean {
  return /^\/dev\/(?!null$|zero$|stdin$|stdout$|stderr$|tty$|fd\/|shm\/)/.test(path);
}

function operands(args: readonly ShellWord[]): ShellWord[] {
  const end = args.findIndex((word) => word.text === "--");
  return args.filter((word, index) => (end >= 0 && index > end) || (index !== end && !word.text.startsWith("-")));
}

function firstOption(args: readonly string[]): number {
  const at = args.findIndex((text) => text.startsWith("-"));
  return at < 0 ? args.length : at;
}
