import type { Program } from "./program.ts";
import { PREVIOUS } from "./program.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "./syscalls.ts";

// linux/landlock.h
const WRITE_FILE = 1 << 1;
const READ_FILE = 1 << 2;
const READ_DIR = 1 << 3;
/** remove_dir … make_sym, bits 4 to 12. */
const CHANGE_FOLDER = 0x1ff0;
const REFER = 1 << 13;
const TRUNCATE = 1 << 14;
const IOCTL_DEV = 1 << 15;
const NET_BIND_AND_CONNECT = 3;
const SCOPE_ABSTRACT_UNIX = 1;
const SCOPE_SIGNAL = 2;
const RULE_PATH_BENEATH = 1;

/** Oldest version that holds truncation, without which "no writing" is not true. */
export const LANDLOCK_NEEDED = 3;
/** Landlock that keeps signals inside. */
export const LANDLOCK_SIGNALS = 6;

export interface LandlockRules {
  /** Folders with everything in them. */
  writable: readonly string[];
  /** Single files that may be written, such as `/dev/null`. */
  writableFiles: readonly string[];
  /**
   * What may be read, folders with everything in them and files; undefined: everything. Reading is only held where
   * mounts cannot hide what must not be seen.
   */
  readable: { folders: readonly string[]; files: readonly string[] } | undefined;
  /** No TCP at all. */
  noTcp: boolean;
  /** No abstract unix sockets of others. */
  noAbstractSockets: boolean;
}

/** Restricts the process by Landlock. `abi`: the kernel's version of it, at least `LANDLOCK_NEEDED`. */
export function restrictByLandlock(program: Program, abi: number, rules: LandlockRules): void {
  const reading = rules.readable ? READ_FILE | READ_DIR : 0;
  const onFile = WRITE_FILE | TRUNCATE | (abi >= 5 ? IOCTL_DEV : 0);
  const onFolder = onFile | CHANGE_FOLDER | REFER;
  const network = abi >= 4 && rules.noTcp ? NET_BIND_AND_CONNECT : 0;
  const scoped = abi >= LANDLOCK_SIGNALS ? SCOPE_SIGNAL | (rules.noAbstractSockets ? SCOPE_ABSTRACT_UNIX : 0) : 0;
  const attributes = program.longs(onFolder | reading, network, scoped);
  const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  program.call("landlock_create_ruleset", [attributes, size, 0]);
  program.call("dup3", [PREVIOUS, RULESET_FD, O_CLOEXEC]);
  for (const path of rules.writable) allow(program, path, onFolder | reading);
  for (const path of rules.writableFiles) allow(program, path, onFile | (rules.readable ? READ_FILE : 0));
  for (const path of rules.readable?.folders ?? []) allow(program, path, READ_FILE | READ_DIR);
  for (const path of rules.readable?.files ?? []) allow(program, path, READ_FILE);
  program.call("landlock_restrict_self", [RULESET_FD, 0]);
}

/** High enough to be free. */
const RULESET_FD = 90;

/** What does not exist needs no rule. */
function allow(program: Program, path: string, access: number): void {
  // struct landlock_path_beneath_attr: the rights, then the descriptor that `openat` writes.
  const rule = program.longs(access, 0);
  const next = program.label();
  program.call("openat", [AT_FDCWD, program.text(path), O_PATH | O_CLOEXEC, 0], { into: rule + 8, error: next });
  program.call("landlock_add_rule", [RULESET_FD, RULE_PATH_BENEATH, rule, 0], { error: "ignore" });
  program.place(next);
}
