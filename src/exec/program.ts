import { DATA_AT, elfFile, FRAME, LOAD, RECORD_BYTES, RECORDS_AT } from "./machine.ts";
import { type Machine, numberOf, type Syscall } from "./syscalls.ts";

/** A place among the records that calls can go on at; `place()` says where it is. */
export interface Label {
  record: number | undefined;
}

/** Stands for the result of the call before. */
export const PREVIOUS = Symbol("result of the call before");
export type Word = number | typeof PREVIOUS;

export interface CallOptions {
  /** Where the result is written: an address, or an argument (from 0) of the call at a label. */
  into?: number | { label: Label; argument: number };
  /** Where to go on instead of at the next call: on any result, where it is 0, positive, an error. */
  always?: Label;
  zero?: Label;
  positive?: Label;
  /** `ignore`: at the next call. Absent: at the program's `onError`. */
  error?: Label | "ignore";
}

interface Call {
  name: Syscall | "load";
  words: number[];
  into: number | { label: Label; argument: number };
  options: CallOptions;
  onError: Label;
}

/** Writes a list of system calls (machine.ts). */
export class Program {
  /** Where calls go that fail and do not say otherwise. */
  onError: Label;
  readonly #machine: Machine;
  #data = new Uint8Array(4096);
  #used: number = FRAME.bytes;
  readonly #calls: Call[] = [];
  readonly #texts = new Map<string, number>();
  readonly #rows = new Map<string, number>();
  readonly #nowhere: number;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#nowhere = this.space(16);
    this.onError = this.label();
    this.poke(FRAME.fault, this.#nowhere);
  }

  /** Zeroed memory of the program; its address. */
  space(bytes: number): number {
    const at = this.#used;
    this.#used = (at + bytes + 7) & ~7;
    if (this.#used > this.#data.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.#used + 1)));
      larger.set(this.#data);
      this.#data = larger;
    }
    return DATA_AT + at;
  }

  bytes(content: Uint8Array): number {
    const at = this.space(content.length);
    this.#data.set(content, at - DATA_AT);
    return at;
  }

  /** A text with a zero at its end. */
  text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const at = this.bytes(Buffer.from(`${text}\0`));
    this.#texts.set(text, at);
    return at;
  }

  /** 64-bit numbers in a row. */
  longs(...values: number[]): number {
    const at = this.space(values.length * 8);
    values.forEach((value, index) => {
      this.poke(at + 8 * index, value);
    });
    return at;
  }

  poke(address: number, value: number): void {
    putLong(new Uint32Array(this.#data.buffer), (address - DATA_AT) / 4, value);
  }

  /** The next number of a row that begins at `first`, for descriptors that the program gives out itself. */
  take(row: string, first: number): number {
    const next = this.#rows.get(row) ?? first;
    this.#rows.set(row, next + 1);
    return next;
  }

  label(): Label {
    return { record: undefined };
  }

  /** The next call is where `label` leads to. */
  place(label: Label): void {
    label.record = this.#calls.length;
  }

  call(name: Syscall, args: readonly Word[], options: CallOptions = {}): void {
    this.#push(name, args, options);
  }

  /** Writes a constant to an address at run time. */
  store(value: number, into: number): void {
    this.load(this.longs(value), 0, { into });
  }

  /** The 64-bit word at `address`, minus `minus`. */
  load(address: Word, minus: number, options: CallOptions = {}): void {
    this.#push("load", [address, minus], options);
  }

  exit(code: Word): void {
    this.call("exit_group", [code]);
  }

  #push(name: Syscall | "load", args: readonly Word[], options: CallOptions): void {
    const record = this.#calls.length;
    const words = args.map((arg, index) => {
      if (arg !== PREVIOUS) return arg;
      this.#calls[record - 1]!.into = argumentAt(record, index);
      return 0;
    });
    this.#calls.push({ name, words, into: options.into ?? this.#nowhere, options, onError: this.onError });
  }

  /** The call whose record is at `address`, with the path it was about, for messages. */
  describe(address: number): string {
    const call = this.#calls[(address - RECORDS_AT) / RECORD_BYTES];
    if (!call) return "a call";
    const texts = [...this.#texts].filter(([text, at]) => text !== "" && call.words.includes(at));
    return [call.name, ...texts.map(([text]) => text)].join(" ");
  }

  /** The whole program as parts of an ELF file. */
  assemble(): [number, Uint8Array][] {
    const records = new Uint32Array((this.#calls.length * RECORD_BYTES) / 4);
    this.#calls.forEach((call, index) => {
      const { always, zero, positive, error } = call.options;
      let at = index * 22;
      const put = (value: number) => {
        putLong(records, at, value);
        at += 2;
      };
      put(call.name === "load" ? LOAD : numberOf(call.name, this.#machine));
      for (const word of call.words) put(word);
      at = index * 22 + 14;
      put(typeof call.into === "number" ? call.into : argumentAt(targetOf(call.into.label, 0), call.into.argument));
      for (const label of [positive ?? always, zero ?? always, error === "ignore" ? always : (error ?? call.onError)]) {
        put(RECORDS_AT + targetOf(label, index + 1) * RECORD_BYTES);
      }
    });
    return elfFile(this.#machine, this.#data.slice(0, this.#used), new Uint8Array(records.buffer));
  }
}

/**
 * A 64-bit number as two halves, two's complement, exact up to 2^53. BigInt would be slower, and a program needs
 * thousands. Both machines that are known here are little endian, as the processes that write for them.
 */
function putLong(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / 2 ** 32);
}

function argumentAt(record: number, argument: number): number {
  return RECORDS_AT + record * RECORD_BYTES + 8 * (argument + 1);
}

function targetOf(label: Label | undefined, otherwise: number): number {
  if (!label) return otherwise;
  if (label.record === undefined) throw new Error("a label of the program was never placed");
  return label.record;
}
