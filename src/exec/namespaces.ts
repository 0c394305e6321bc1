import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { FRAME } from "./machine.ts";
import { isWithin, type Policy } from "./policy.ts";
import { PREVIOUS, Program } from "./program.ts";
import * as sys from "./syscalls.ts";

/** Said by the keeper when it has its namespaces and waits for its user mapping, and when all is set up. */
export const KEEPER_WAITS = 0x77;
export const KEEPER_READY = 0x72;

/** What the keeper needs beside the policy. */
export interface KeeperInput {
  machine: sys.Machine;
  policy: Policy;
  sockets: readonly string[];
  network: "none" | "loopback" | "all";
  agent: number;
}

/** The namespaces that the commands of a task share; each has a PID namespace of its own beside. */
export function sharedNamespaces(network: KeeperInput["network"]): number {
  const always = sys.CLONE_NEWUSER | sys.CLONE_NEWNS | sys.CLONE_NEWIPC | sys.CLONE_NEWUTS;
  return network === "all" ? always : always | sys.CLONE_NEWNET;
}

/**
 * The keeper: a process that makes the namespaces of a task, arranges the mounts in them, and then sleeps until the
 * agent dies or kills it. Commands join it (command.ts).
 *
 * Paths stay what they are. Everything becomes read-only; then the writable folders are mounted on themselves,
 * writable; secrets are covered by emptiness; and what must not change inside of a writable folder is mounted on
 * itself, read-only. A folder that is a mount point cannot be renamed, so `mv .git` cannot get around it.
 */
export function keeperProgram(input: KeeperInput): Program {
  const { network } = input;
  const program = new Program(input.machine);
  const fault = program.space(16);
  program.poke(FRAME.fault, fault);
  program.call("unshare", [sharedNamespaces(network)]);
  dieWith(program, input.agent);
  say(program, KEEPER_WAITS);
  const mapped = program.space(8);
  const gone = program.label();
  program.call("read", [0, mapped, 1], { zero: gone });
  if (network === "loopback") bringLoopbackUp(program);
  arrangeMounts(program, input);
  say(program, KEEPER_READY);
  const sleep = program.label();
  program.place(sleep);
  program.call("ppoll", [0, 0, 0, 0, 0], { always: sleep, error: sleep });
  program.place(gone);
  program.exit(0);
  program.place(program.onError);
  program.call("write", [1, fault, 16], { error: "ignore" });
  program.exit(1);
  return program;
}

/** The process is killed when `parent` dies. To be said after every change of credentials, which forgets it. */
export function dieWith(program: Program, parent: number): void {
  program.call("prctl", [sys.PR_SET_PDEATHSIG, sys.SIGKILL, 0, 0, 0]);
  // It may have died just before.
  const alive = program.label();
  const pid = program.space(8);
  program.call("getppid", [], { into: pid });
  program.load(pid, parent, { zero: alive });
  program.exit(1);
  program.place(alive);
}

function say(program: Program, byte: number): void {
  program.call("write", [1, program.bytes(Uint8Array.of(byte)), 1]);
}

/** A new network namespace has a loopback device that is down. */
function bringLoopbackUp(program: Program): void {
  const SIOCSIFFLAGS = 0x8914;
  const IFF_UP_AND_RUNNING = 0x41;
  const request = new Uint8Array(40); // struct ifreq: name[16], flags
  request.set(Buffer.from("lo"));
  request[16] = IFF_UP_AND_RUNNING;
  program.call("socket", [sys.AF_INET, sys.SOCK_DGRAM | sys.O_CLOEXEC, 0]);
  program.call("ioctl", [PREVIOUS, SIOCSIFFLAGS, program.bytes(request)]);
}

/** Clones of mounts are kept at descriptors from here on. */
const FIRST_FD = 100;
const READ_ONLY = sys.MOUNT_ATTR_RDONLY | sys.MOUNT_ATTR_NOSUID | sys.MOUNT_ATTR_NODEV;
const HARMLESS = sys.MOUNT_ATTR_NOSUID | sys.MOUNT_ATTR_NODEV;
const HARMLESS_MOUNT = sys.MS_NOSUID | sys.MS_NODEV;

function arrangeMounts(program: Program, { policy, sockets }: KeeperInput): void {
  const { clone, move, attributes, bind, folder, tmpfs } = mounting(program);
  program.call("mount", [0, program.text("/"), 0, sys.MS_REC | sys.MS_PRIVATE, 0]);

  // Taken before anything is covered or made read-only.
  const temps = ["/tmp", "/var/tmp"].filter((at) => existsSync(at)).map((at) => ({ at, fd: clone(policy.temp) }));
  const own = policy.writable.map((at) => ({ at, fd: clone(at) }));
  const caches = clone(policy.caches);
  const visible = policy.visible.map((at) => ({ at, fd: clone(at) }));
  const devices = DEVICES.map((name) => ({ at: `/dev/${name}`, fd: clone(`/dev/${name}`) }));

  attributes("/", READ_ONLY, true);
  arrangeDevices(program, devices);

  if (policy.cached.length > 0) move(caches, policy.caches);
  for (const { folder: at, upper, work } of policy.cached) {
    const options = program.text(`lowerdir=${at},upperdir=${upper},workdir=${work},userxattr`);
    const overlay = program.text("overlay");
    // Where the file system cannot do it, the folder stays read-only.
    program.call("mount", [overlay, program.text(at), overlay, HARMLESS_MOUNT, options], { error: "ignore" });
  }

  const covers = [...policy.hidden.folders, ...temps.map(({ at }) => at)];
  /** A folder inside of a covered one needs a place to be mounted on. */
  const makePlace = (path: string) => {
    const cover = covers.find((at) => path !== at && isWithin(path, at));
    if (cover) for (const at of between(cover, path)) folder(at);
  };
  const putBack = (at: string, fd: number, flags: number) => {
    makePlace(at);
    attributes(fd, flags, true);
    move(fd, at);
  };
  const open = [...own, ...visible];
  const steps: Step[] = [
    ...temps.map(({ at, fd }): Step => [at, () => putBack(at, fd, HARMLESS)]),
    ...policy.hidden.folders.map((at): Step => {
      const hasOpenings = open.some((opening) => isWithin(opening.at, at));
      return [at, () => (hasOpenings ? tmpfs(at, "size=1m,mode=755") : bind(EMPTY.folder, at))];
    }),
    ...[...policy.hidden.files, ...sockets].map((at): Step => [at, () => bind(EMPTY.file, at)]),
    ...visible.map(({ at, fd }): Step => [at, () => putBack(at, fd, READ_ONLY)]),
    ...own.map(({ at, fd }): Step => [at, () => putBack(at, fd, HARMLESS)]),
  ];
  // From the outside in: what is mounted later lies on top.
  steps.sort(([a], [b]) => a.length - b.length);
  for (const [, put] of steps) put();
  for (const at of policy.hidden.folders) attributes(at, READ_ONLY, false);
  // A folder that is mounted on itself cannot be renamed.
  for (const at of policy.anchored) bind(at, at);
  for (const at of policy.guarded) {
    bind(at, at);
    attributes(at, READ_ONLY, true);
  }
}

type Step = [at: string, put: () => void];

/** The folders from below `outer` down to `inner`. */
function between(outer: string, inner: string): string[] {
  const folders: string[] = [];
  for (let at = inner; at !== outer; at = dirname(at)) folders.unshift(at);
  return folders;
}

/** Mounted over what must not be seen. */
const EMPTY = { folder: "/dev/.empty", file: "/dev/.none" } as const;

/** Harmless devices. `tty` answers that there is none. */
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"] as const;

/** A `/dev` with nothing that leads to hardware. */
function arrangeDevices(program: Program, devices: readonly { at: string; fd: number }[]): void {
  const { move, attributes, folder, tmpfs } = mounting(program);
  tmpfs("/dev", "size=1m,mode=755");
  for (const { at, fd } of devices) {
    // Not for writing: while a file is open for writing, its mount cannot become read-only.
    program.call("openat", [sys.AT_FDCWD, program.text(at), sys.O_CREAT | sys.O_CLOEXEC, 0o666]);
    move(fd, at);
  }
  for (const [target, at] of [
    ["/proc/self/fd", "/dev/fd"],
    ["/proc/self/fd/0", "/dev/stdin"],
    ["/proc/self/fd/1", "/dev/stdout"],
    ["/proc/self/fd/2", "/dev/stderr"],
    ["pts/ptmx", "/dev/ptmx"],
  ] as const) {
    program.call("symlinkat", [program.text(target), sys.AT_FDCWD, program.text(at)]);
  }
  for (const at of ["/dev/shm", "/dev/pts", EMPTY.folder]) folder(at);
  program.call("openat", [sys.AT_FDCWD, program.text(EMPTY.file), sys.O_CREAT | sys.O_CLOEXEC, 0o444]);
  attributes("/dev", READ_ONLY, false);
  tmpfs("/dev/shm", "mode=1777,size=25%");
  const devpts = program.text("devpts");
  const flags = sys.MS_NOSUID | sys.MS_NOEXEC;
  program.call("mount", [devpts, program.text("/dev/pts"), devpts, flags, program.text("newinstance,ptmxmode=0666")]);
}

/** The steps that mounts are arranged with. Descriptors are numbered from `FIRST_FD`. */
function mounting(program: Program) {
  const attributeSets = new Map<number, number>();
  return {
    /** A copy of the mount at `path`, with those below it, mounted nowhere yet; its descriptor. */
    clone(path: string): number {
      const fd = program.take("descriptor", FIRST_FD);
      const flags = sys.OPEN_TREE_CLONE | sys.AT_RECURSIVE | sys.O_CLOEXEC;
      program.call("open_tree", [sys.AT_FDCWD, program.text(path), flags]);
      program.call("dup3", [PREVIOUS, fd, sys.O_CLOEXEC]);
      return fd;
    },
    move(fd: number, path: string): void {
      const [nothing, to] = [program.text(""), program.text(path)];
      program.call("move_mount", [fd, nothing, sys.AT_FDCWD, to, sys.MOVE_MOUNT_F_EMPTY_PATH]);
    },
    /** Adds flags to a mount. */
    attributes(mount: number | string, flags: number, recursive: boolean): void {
      // struct mount_attr: set, clear, propagation, user namespace
      const set = attributeSets.get(flags) ?? program.longs(flags, 0, 0, 0);
      attributeSets.set(flags, set);
      const [fd, path] = typeof mount === "string" ? [sys.AT_FDCWD, mount] : [mount, ""];
      const how = (recursive ? sys.AT_RECURSIVE : 0) | (path === "" ? sys.AT_EMPTY_PATH : 0);
      program.call("mount_setattr", [fd, program.text(path), how, set, 32]);
    },
    bind(from: string, to: string): void {
      program.call("mount", [program.text(from), program.text(to), 0, sys.MS_BIND | sys.MS_REC, 0]);
    },
    /** Made where it is missing. */
    folder(path: string): void {
      program.call("mkdirat", [sys.AT_FDCWD, program.text(path), 0o755], { error: "ignore" });
    },
    tmpfs(path: string, options: string): void {
      const name = program.text("tmpfs");
      program.call("mount", [name, program.text(path), name, HARMLESS_MOUNT, program.text(options)]);
    },
  };
}
