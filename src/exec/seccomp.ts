import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  EAFNOSUPPORT,
  ENOSYS,
  EPERM,
  type Machine,
  numberOf,
  type Syscall,
} from "./syscalls.ts";

/** Answered with "no such call": programs then take another way. `clone3` hides its flags from a filter. */
const MISSING: readonly Syscall[] = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"];

/** Answered with "not permitted": ways into other processes, into the kernel, and out of the sandbox. */
const REFUSED: readonly Syscall[] = [
  ...(["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise"] as const),
  ...(["mount", "umount2", "pivot_root", "chroot", "setns", "mount_setattr", "move_mount", "open_tree"] as const),
  ...(["open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "open_by_handle_at", "fanotify_init"] as const),
  ...(["bpf", "perf_event_open", "userfaultfd", "memfd_secret", "lookup_dcookie", "move_pages"] as const),
  ...(["keyctl", "add_key", "request_key"] as const),
  ...(["init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"] as const),
  ...(["swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup"] as const),
  ...(["settimeofday", "clock_settime", "clock_adjtime", "sethostname", "setdomainname"] as const),
  ...(["ioperm", "iopl", "modify_ldt", "uselib"] as const),
];

const NAMESPACE_FLAGS =
  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/** Keys pressed in somebody else's terminal. */
const REFUSED_IOCTLS = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */, 0x5423 /* TIOCSETD */] as const;

/** Which kinds of socket may be made; `pairs` stay always, they lead nowhere else. */
export interface Sockets {
  unix: boolean;
  internet: boolean;
}

// linux/bpf_common.h and linux/seccomp.h
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const ERRNO = 0x00050000;
const NUMBER = 0;
const ARCHITECTURE = 4;
/** Offset of the low half of an argument. */
const argument = (index: number) => 16 + 8 * index;
const AUDIT_ARCH: Record<Machine, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
/** Numbers from here on are the x32 variant of x86_64, which would go around every other test. */
const X32 = 0x40000000;

type Instruction = [code: number, value: number, ifTrue?: number, ifFalse?: number];

/**
 * The filter (`struct sock_filter[]`) for the commands of a task. What is not named is allowed: the point is to close
 * doors, not to guess what every tool needs.
 */
export function seccompFilter(machine: Machine, sockets: Sockets): Uint8Array {
  const filter: Instruction[] = [
    [LOAD_WORD, ARCHITECTURE],
    [JUMP_EQUAL, AUDIT_ARCH[machine], 1, 0],
    [RETURN, KILL_PROCESS],
    [LOAD_WORD, NUMBER],
  ];
  if (machine === "x86_64") filter.push([JUMP_AT_LEAST, X32, 0, 1], [RETURN, ERRNO | ENOSYS]);
  const on = (name: Syscall, body: Instruction[]) => {
    const number = numberOf(name, machine);
    if (number >= 0) filter.push([JUMP_EQUAL, number, 0, body.length], ...body);
  };
  for (const name of MISSING) on(name, [[RETURN, ERRNO | ENOSYS]]);
  for (const name of REFUSED) on(name, [[RETURN, ERRNO | EPERM]]);
  for (const [name, flags] of [
    ["clone", NAMESPACE_FLAGS],
    ["unshare", NAMESPACE_FLAGS | CLONE_NEWTIME],
  ] as const) {
    on(name, [
      [LOAD_WORD, argument(0)],
      [JUMP_ANY_BIT, flags, 0, 1],
      [RETURN, ERRNO | EPERM],
      [RETURN, ALLOW],
    ]);
  }
  on("ioctl", [
    [LOAD_WORD, argument(1)],
    ...REFUSED_IOCTLS.flatMap((request): Instruction[] => [
      [JUMP_EQUAL, request, 0, 1],
      [RETURN, ERRNO | EPERM],
    ]),
    [RETURN, ALLOW],
  ]);
  on("socketpair", families([AF_UNIX]));
  on("socket", [
    ...(sockets.internet ? netlinkRoute() : []),
    ...families([...(sockets.unix ? [AF_UNIX] : []), ...(sockets.internet ? [AF_INET, AF_INET6] : [])]),
  ]);
  filter.push([RETURN, ALLOW]);
  return encode(filter);
}

function families(allowed: readonly number[]): Instruction[] {
  return [
    [LOAD_WORD, argument(0)],
    ...allowed.flatMap((family): Instruction[] => [
      [JUMP_EQUAL, family, 0, 1],
      [RETURN, ALLOW],
    ]),
    [RETURN, ERRNO | EAFNOSUPPORT],
  ];
}

/** The list of network interfaces (`getifaddrs`) comes by netlink, protocol 0; the other protocols stay closed. */
function netlinkRoute(): Instruction[] {
  return [
    [LOAD_WORD, argument(0)],
    [JUMP_EQUAL, AF_NETLINK, 0, 4],
    [LOAD_WORD, argument(2)],
    [JUMP_EQUAL, 0, 0, 1],
    [RETURN, ALLOW],
    [RETURN, ERRNO | EAFNOSUPPORT],
  ];
}

function encode(filter: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(filter.length * 8));
  filter.forEach(([code, value, ifTrue = 0, ifFalse = 0], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, value >>> 0, true);
  });
  return new Uint8Array(view.buffer);
}
