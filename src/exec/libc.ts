import { dlopen, ptr } from "bun:ffi";

/**
 * The few calls that Bun has no function for. Linux only: there `Bun.spawn` would hand out sockets as standard output,
 * and `echo >/dev/stderr` fails on a socket.
 */
export interface Libc {
  /** A pipe, close-on-exec. */
  pipe(): { read: number; write: number };
  /** A file in memory without a name, close-on-exec. */
  memfd(name: string): number;
  /** The result of a system call, -1 where it failed. */
  call(number: number, ...args: (number | Uint8Array)[]): number;
}

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETFL = 4;
const MFD_CLOEXEC = 1;

/** Undefined where there is no libc to be found: another system, or a name not known here. */
export function openLibc(): Libc | undefined {
  if (process.platform !== "linux") return;
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const name of ["libc.so.6", `libc.musl-${machine}.so.1`]) {
    try {
      return bind(name);
    } catch {
      // Not this one.
    }
  }
  return;
}

function bind(name: string): Libc {
  const { symbols } = dlopen(name, {
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    memfd_create: { args: ["ptr", "u32"], returns: "i32" },
    syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
  });
  return {
    pipe() {
      const ends = new Int32Array(2);
      if (symbols.pipe2(ptr(ends), O_CLOEXEC) !== 0) throw new Error("cannot make a pipe: too many open files");
      const [read, write] = ends as unknown as [number, number];
      // Only our end: the flag of the other would be seen by the child, and few programs expect it.
      symbols.fcntl(read, F_SETFL, O_NONBLOCK);
      return { read, write };
    },
    memfd(label) {
      const fd = symbols.memfd_create(ptr(Buffer.from(`${label}\0`)), MFD_CLOEXEC);
      if (fd < 0) throw new Error("cannot make a file in memory");
      return fd;
    },
    call(number, ...args) {
      const words = Array.from({ length: 6 }, (_, index) => {
        const arg = args[index] ?? 0;
        return typeof arg === "number" ? arg : ptr(arg);
      }) as [number, number, number, number, number, number];
      return Number(symbols.syscall(number, ...words));
    },
  };
}
