/**
 * System calls by name, as numbers of x86_64 and aarch64 (Linux `asm/unistd_64.h` and `asm-generic/unistd.h`), and the
 * constants that go with them (`linux/{sched,mount,fcntl,prctl,landlock,seccomp,capability}.h`; the same on both).
 */
export type Machine = "x86_64" | "aarch64";

/** The machine of this process, undefined where it is one that is not known here. */
export function thisMachine(): Machine | undefined {
  if (process.platform !== "linux") return;
  return process.arch === "x64" ? "x86_64" : process.arch === "arm64" ? "aarch64" : undefined;
}

/** `[x86_64, aarch64]`; -1: the machine has no such call. */
const NUMBERS = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  capset: [126, 91],
  chdir: [80, 49],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  clone: [56, 220],
  clone3: [435, 435],
  close: [3, 57],
  connect: [42, 203],
  delete_module: [176, 106],
  dup3: [292, 24],
  execve: [59, 221],
  exit_group: [231, 94],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  getpid: [39, 172],
  getppid: [110, 173],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  ioperm: [173, -1],
  iopl: [172, -1],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  kill: [62, 129],
  landlock_add_rule: [445, 445],
  landlock_create_ruleset: [444, 444],
  landlock_restrict_self: [446, 446],
  lookup_dcookie: [212, 18],
  memfd_secret: [447, 447],
  mkdirat: [258, 34],
  mmap: [9, 222],
  modify_ldt: [154, -1],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  openat: [257, 56],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pidfd_open: [434, 434],
  pivot_root: [155, 41],
  ppoll: [271, 73],
  prctl: [157, 167],
  prlimit64: [302, 261],
  process_madvise: [440, 440],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  read: [0, 63],
  reboot: [169, 142],
  request_key: [249, 218],
  rt_sigaction: [13, 134],
  seccomp: [317, 277],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  socket: [41, 198],
  socketpair: [53, 199],
  swapoff: [168, 225],
  swapon: [167, 224],
  symlinkat: [266, 36],
  syslog: [103, 116],
  umount2: [166, 39],
  unlinkat: [263, 35],
  unshare: [272, 97],
  userfaultfd: [323, 282],
  uselib: [134, -1],
  vhangup: [153, 58],
  waitid: [247, 95],
  write: [1, 64],
} as const satisfies Record<string, readonly [number, number]>;

export type Syscall = keyof typeof NUMBERS;

/** The number of a call; -1 where the machine has none of this name. */
export function numberOf(name: Syscall, machine: Machine): number {
  return NUMBERS[name][machine === "x86_64" ? 0 : 1];
}

export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;

export const O_WRONLY = 0o1;
export const O_CREAT = 0o100;
export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;

export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIGCHLD = 17;

export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWCGROUP = 0x02000000;
export const CLONE_NEWUTS = 0x04000000;
export const CLONE_NEWIPC = 0x08000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;
export const CLONE_NEWTIME = 0x00000080;

export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const OPEN_TREE_CLONE = 1;
export const MOVE_MOUNT_F_EMPTY_PATH = 4;
export const MOUNT_ATTR_RDONLY = 1;
export const MOUNT_ATTR_NOSUID = 2;
export const MOUNT_ATTR_NODEV = 4;

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;

export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_CORE = 4;
export const RLIMIT_NPROC = 6;

export const P_ALL = 0;
export const WNOHANG = 1;
export const WEXITED = 4;
export const CLD_EXITED = 1;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;

export const ENOENT = 2;
export const EPERM = 1;
export const ENOSYS = 38;
export const EAFNOSUPPORT = 97;
