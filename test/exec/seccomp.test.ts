import { describe, expect, test } from "bun:test";
import { type Sockets, seccompFilter } from "../../src/exec/seccomp.ts";
import { type Machine, numberOf, type Syscall } from "../../src/exec/syscalls.ts";

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const EAFNOSUPPORT = 0x00050061;
const KILL = 0x80000000;
const ARCHITECTURES = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };

/** What the kernel would answer: the four kinds of instruction that our filters are made of. */
function answer(filter: Uint8Array, architecture: number, number: number, args: readonly number[]): number {
  const view = new DataView(filter.buffer);
  const data = (offset: number) =>
    offset === 0 ? number : offset === 4 ? architecture : (args[(offset - 16) / 8] ?? 0) >>> 0;
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = view.getUint16(at * 8, true);
    const value = view.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean) => {
      at += view.getUint8(at * 8 + (holds ? 2 : 3));
    };
    if (code === 0x20) accumulator = data(value);
    else if (code === 0x15) jump(accumulator === value);
    else if (code === 0x35) jump(accumulator >= value);
    else if (code === 0x45) jump((accumulator & value) !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`instruction ${code}`);
  }
}

for (const machine of ["x86_64", "aarch64"] as const satisfies Machine[]) {
  describe(`the filter for ${machine}`, () => {
    const asks = (name: Syscall, args: number[] = [], sockets: Sockets = { unix: true, internet: true }) =>
      answer(seccompFilter(machine, sockets), ARCHITECTURES[machine], numberOf(name, machine), args);

    test("lets ordinary calls through", () => {
      for (const name of ["read", "write", "openat", "execve", "kill", "ioctl", "prctl", "clone"] as const) {
        expect(asks(name)).toBe(ALLOW);
      }
    });

    test("refuses ways into other processes and the kernel", () => {
      for (const name of ["ptrace", "process_vm_writev", "mount", "setns", "bpf", "keyctl", "finit_module"] as const) {
        expect(asks(name)).toBe(EPERM);
      }
      for (const name of ["userfaultfd", "perf_event_open", "open_by_handle_at", "kexec_load", "chroot"] as const) {
        expect(asks(name)).toBe(EPERM);
      }
    });

    test("has no io_uring and no clone3", () => {
      for (const name of ["io_uring_setup", "io_uring_enter", "clone3"] as const) expect(asks(name)).toBe(ENOSYS);
    });

    test("refuses new namespaces, not new processes", () => {
      const NEWUSER = 0x10000000;
      const THREAD = 0x3d0f00;
      expect(asks("clone", [NEWUSER | 17])).toBe(EPERM);
      expect(asks("unshare", [NEWUSER])).toBe(EPERM);
      expect(asks("clone", [THREAD])).toBe(ALLOW);
      expect(asks("unshare", [0x400])).toBe(ALLOW);
    });

    test("opens sockets by the mode of the network", () => {
      const [UNIX, INET, INET6, NETLINK, PACKET, VSOCK] = [1, 2, 10, 16, 17, 40];
      expect([UNIX, INET, INET6, NETLINK].map((family) => asks("socket", [family, 1, 0]))).toEqual(
        Array(4).fill(ALLOW),
      );
      expect([PACKET, VSOCK].map((family) => asks("socket", [family, 1, 0]))).toEqual(Array(2).fill(EAFNOSUPPORT));
      const NETFILTER = 12;
      expect(asks("socket", [NETLINK, 3, NETFILTER])).toBe(EAFNOSUPPORT);
      const closed = { unix: false, internet: false };
      for (const family of [UNIX, INET, INET6, NETLINK])
        expect(asks("socket", [family, 1, 0], closed)).toBe(EAFNOSUPPORT);
      expect(asks("socketpair", [UNIX, 1, 0], closed)).toBe(ALLOW);
      expect(asks("socketpair", [VSOCK, 1, 0])).toBe(EAFNOSUPPORT);
    });

    test("refuses keys pressed in another's terminal", () => {
      expect(asks("ioctl", [0, 0x5412])).toBe(EPERM);
      expect(asks("ioctl", [0, 0x5413])).toBe(ALLOW);
    });

    test("kills programs for another processor, whose numbers mean something else", () => {
      const i386 = 0x40000003;
      expect(answer(seccompFilter(machine, { unix: true, internet: true }), i386, 11, [])).toBe(KILL);
    });
  });
}

test("x86_64 has no second set of numbers", () => {
  const filter = seccompFilter("x86_64", { unix: true, internet: true });
  expect(answer(filter, ARCHITECTURES.x86_64, 0x40000000 + 41, [])).toBe(ENOSYS);
});
