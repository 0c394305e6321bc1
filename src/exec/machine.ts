import type { Machine } from "./syscalls.ts";

/**
 * A program for Linux of a few kilobytes whose only content is a list of system calls.
 *
 * Entering a sandbox takes a process with one thread (a user namespace cannot be joined by several) that does some
 * hundred system calls and then becomes the command. Bun has many threads and needs 6 ms to start. This program needs
 * 0.2 ms: it is an ELF file, made in memory, with one loop that reads a record, does the call, stores the result and
 * goes on at one of three places, depending on the result's sign.
 *
 * A record has eleven 64-bit words:
 *
 *     number, six arguments, address for the result, next record if > 0, if = 0, if < 0 (an error)
 *
 * A negative number is no system call but a load: the result is the word at the first argument minus the second.
 * Records can write into each other's arguments; that is how a descriptor gets from `open` to the call that needs it.
 */
export const RECORD_BYTES = 11 * 8;
export const LOAD = -1;

const CODE_AT = 0x400000;
/** Data begin here: first the frame, then whatever the program needs. */
export const DATA_AT = 0x801000;
/** Records begin here. */
export const RECORDS_AT = 0x1001000;

/**
 * The frame, words at `DATA_AT`: the initial stack pointer (where argc and argv lie), the address of the environment,
 * and the address where an error is noted (the failed record's address and the result).
 */
export const FRAME = { stack: DATA_AT, environment: DATA_AT + 8, fault: DATA_AT + 16, bytes: 64 } as const;

/**
 * ```asm
 * _start:  mov  ebp, DATA_AT             ; the frame
 *          mov  [rbp], rsp
 *          mov  rax, [rsp]               ; argc
 *          lea  rax, [rsp+rax*8+16]
 *          mov  [rbp+8], rax             ; the environment
 *          mov  ebx, RECORDS_AT
 * next:    mov  rax, [rbx]
 *          mov  rdi, [rbx+8]
 *          mov  rsi, [rbx+16]
 *          test rax, rax
 *          js   load
 *          mov  rdx, [rbx+24]
 *          mov  r10, [rbx+32]
 *          mov  r8,  [rbx+40]
 *          mov  r9,  [rbx+48]
 *          syscall
 * store:   mov  rcx, [rbx+56]
 *          mov  [rcx], rax
 *          test rax, rax
 *          js   error
 *          je   zero
 *          mov  rbx, [rbx+64]
 *          jmp  next
 * zero:    mov  rbx, [rbx+72]
 *          jmp  next
 * error:   mov  rcx, [rbp+16]
 *          mov  [rcx], rbx
 *          mov  [rcx+8], rax
 *          mov  rbx, [rbx+80]
 *          jmp  next
 * load:    mov  rax, [rdi]
 *          sub  rax, rsi
 *          jmp  store
 * ```
 */
const CODE_X86_64 =
  "bd00108000 48896500 488b0424 488d44c410 48894508 bb00100001 " +
  "488b03 488b7b08 488b7310 4885c0 783d 488b5318 4c8b5320 4c8b4328 4c8b4b30 0f05 " +
  "488b4b38 488901 4885c0 780e 7406 488b5b40 ebca 488b5b48 ebc4 " +
  "488b4d10 488919 48894108 488b5b50 ebb3 488b07 4829f0 ebcd";

/**
 * ```asm
 * _start:  movz x20, #0x1000             // the frame, DATA_AT
 *          movk x20, #0x80, lsl #16
 *          mov  x9, sp
 *          str  x9, [x20]
 *          ldr  x10, [x9]                // argc
 *          add  x10, x9, x10, lsl #3
 *          add  x10, x10, #16
 *          str  x10, [x20, #8]           // the environment
 *          movz x19, #0x1000             // RECORDS_AT
 *          movk x19, #0x100, lsl #16
 * next:    ldr  x8, [x19]
 *          ldp  x0, x1, [x19, #8]
 *          tbnz x8, #63, load
 *          ldp  x2, x3, [x19, #24]
 *          ldp  x4, x5, [x19, #40]
 *          svc  #0
 * store:   ldr  x9, [x19, #56]
 *          str  x0, [x9]
 *          cmp  x0, #0
 *          b.lt error
 *          b.eq zero
 *          ldr  x19, [x19, #64]
 *          b    next
 * zero:    ldr  x19, [x19, #72]
 *          b    next
 * error:   ldr  x9, [x20, #16]
 *          stp  x19, x0, [x9]
 *          ldr  x19, [x19, #80]
 *          b    next
 * load:    ldr  x0, [x0]
 *          sub  x0, x0, x1
 *          b    store
 * ```
 */
const CODE_AARCH64 = [
  0xd2820014, 0xf2a01014, 0x910003e9, 0xf9000289, 0xf940012a, 0x8b0a0d2a, 0x9100414a, 0xf900068a, 0xd2820013,
  0xf2a02013, 0xf9400268, 0xa9408660, 0xb7f80228, 0xa9418e62, 0xa9429664, 0xd4000001, 0xf9401e69, 0xf9000120,
  0xf100001f, 0x540000cb, 0x54000060, 0xf9402273, 0x17fffff4, 0xf9402673, 0x17fffff2, 0xf9400a89, 0xa9000133,
  0xf9402a73, 0x17ffffee, 0xf9400000, 0xcb010000, 0x17fffff1,
] as const;

const PAGE = 0x1000;
/** Pages may be as large on aarch64: file offset and address of a segment must be equal modulo this. */
const ALIGN = 0x10000;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** The parts of the ELF file, as `[offset, bytes]`; between them are holes. */
export function elfFile(machine: Machine, data: Uint8Array, records: Uint8Array): [number, Uint8Array][] {
  const recordsOffset = PAGE + Math.ceil(data.length / ALIGN) * ALIGN;
  const code = machine === "x86_64" ? Buffer.from(CODE_X86_64.replaceAll(" ", ""), "hex") : littleEndian(CODE_AARCH64);
  const segments: [flags: number, offset: number, address: number, bytes: number][] = [
    [PF_R | PF_X, 0, CODE_AT, PAGE],
    [PF_R | PF_W, PAGE, DATA_AT, data.length],
    [PF_R | PF_W, recordsOffset, RECORDS_AT, records.length],
  ];
  const headerBytes = 64 + 56 * segments.length;
  const head = new DataView(new ArrayBuffer(PAGE));
  head.setUint32(0, 0x7f454c46); // \x7fELF
  head.setUint32(4, 0x02010100); // 64 bit, little endian, version 1
  head.setUint16(16, 2, true); // executable at fixed addresses
  head.setUint16(18, machine === "x86_64" ? 62 : 183, true);
  head.setUint32(20, 1, true);
  head.setBigUint64(24, BigInt(CODE_AT + headerBytes), true); // entry
  head.setBigUint64(32, 64n, true); // program headers follow
  head.setUint16(52, 64, true);
  head.setUint16(54, 56, true);
  head.setUint16(56, segments.length, true);
  segments.forEach(([flags, offset, address, bytes], index) => {
    const at = 64 + 56 * index;
    head.setUint32(at, 1, true); // to be loaded
    head.setUint32(at + 4, flags, true);
    for (const [word, value] of [offset, address, address, bytes, bytes, ALIGN].entries()) {
      head.setBigUint64(at + 8 + 8 * word, BigInt(value), true);
    }
  });
  new Uint8Array(head.buffer).set(code, headerBytes);
  return [
    [0, new Uint8Array(head.buffer)],
    [PAGE, data],
    [recordsOffset, records],
  ];
}

function littleEndian(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  return new Uint8Array(view.buffer);
}
