import { KindFinder } from "./credential-kinds.ts";
import { encodeBase64 } from "./crypto/base64.ts";
import { sha256Hex } from "./crypto/sha256.ts";
import { LiteralFinder } from "./literals.ts";

/** Takes secrets out of text and puts them back. */
export interface Redactor {
  /** Every secret is replaced by its placeholder. Text without secrets comes back unchanged, and twice is like once. */
  hide(text: string): string;
  /**
   * Every placeholder made or known here is replaced by what it stands for. For tool arguments: apply it to the parsed
   * strings, because a secret may hold quotes.
   */
  reveal(text: string): string;
  /** Hides in a stream of pieces: a secret that is cut in two is still found, and only what may be one is held back. */
  stream(): RedactedStream;
  /** One more secret, from now on, also for streams that are open. */
  add(secret: string): void;
}

export interface RedactedStream {
  /** What can be said now; "" while everything is held back. */
  push(chunk: string): string;
  /** The rest. */
  end(): string;
}

/** Shorter ones occur everywhere by chance. */
const MIN_SECRET = 8;
/** What a stream holds back at most, in characters, where no word ever ends. */
const MAX_HELD = 16 * 1024;
const PLACEHOLDER = /\[\[secret:[0-9a-f]+(?:-\w+)?\]\]/g;

/**
 * Makes a redactor. A secret (of 8 characters or more) is found as it is, URL-encoded, JSON-escaped and within base64;
 * each form has its own placeholder, so that `reveal(hide(text))` is `text`. `kinds` adds the known forms of credentials
 * (credential-kinds.ts), `entropy` to those what only looks made by chance (randomness.ts).
 *
 * A placeholder reads `[[secret:1f0c92ab]]`: the number is a hash of the secret, so that it is the same in every run and
 * nobody who does not know the secret can write a text that draws it out.
 */
export function createRedactor(options: { secrets: readonly string[]; kinds?: boolean; entropy?: boolean }): Redactor {
  const finder = options.kinds ? new KindFinder(options.entropy ?? false) : undefined;
  const redactor = new SecretRedactor(finder);
  for (const secret of options.secrets) redactor.add(secret);
  return redactor;
}

class SecretRedactor implements Redactor {
  /** Placeholder of each form of each secret. */
  readonly #names = new Map<string, string>();
  /** What each placeholder stands for: the forms above, and what the kinds found. */
  readonly #meanings = new Map<string, string>();
  readonly #kinds: KindFinder | undefined;
  /** Of all forms; made when it is needed, because secrets come one after the other. */
  #literals: LiteralFinder | undefined;

  constructor(kinds: KindFinder | undefined) {
    this.#kinds = kinds;
  }

  add(secret: string): void {
    const bare = secret.trim();
    if (bare.length < MIN_SECRET || this.#names.has(bare)) return;
    const tag = this.#tag(bare);
    for (const [label, form] of formsOf(bare)) {
      if (this.#names.has(form)) continue;
      this.#names.set(form, label ? `[[secret:${tag}-${label}]]` : `[[secret:${tag}]]`);
      this.#meanings.set(this.#names.get(form)!, form);
    }
    this.#literals = undefined;
  }

  hide(text: string): string {
    return this.#hideKinds(this.#hideLiterals(text, true).done);
  }

  reveal(text: string): string {
    if (this.#meanings.size === 0 || !text.includes("[[secret:")) return text;
    return text.replace(PLACEHOLDER, (placeholder) => this.#meanings.get(placeholder) ?? placeholder);
  }

  stream(): RedactedStream {
    let cut = "";
    let word = "";
    const flow = (chunk: string, last: boolean): string => {
      const { done, rest } = this.#hideLiterals(cut + chunk, last);
      cut = rest;
      if (!this.#kinds) return done;
      const text = word + done;
      const at = last || text.length > MAX_HELD ? text.length : this.#kinds.divideAt(text);
      word = text.slice(at);
      return this.#hideKinds(text.slice(0, at));
    };
    return { push: (chunk) => flow(chunk, false), end: () => flow("", true) };
  }

  /** `rest` begins where a secret may have been cut; "" where `last` says that nothing follows. */
  #hideLiterals(text: string, last: boolean): { done: string; rest: string } {
    if (this.#names.size === 0) return { done: text, rest: "" };
    this.#literals ??= new LiteralFinder([...this.#names.keys()]);
    const finder = this.#literals;
    const parts: string[] = [];
    let at = 0;
    let cut = last ? text.length : finder.cutAt(text, 0);
    for (let hit = finder.next(text, 0); hit && hit.start < cut; hit = finder.next(text, at)) {
      const form = finder.literals[hit.index]!;
      parts.push(text.slice(at, hit.start), this.#names.get(form)!);
      at = hit.start + form.length;
      if (at > cut) cut = finder.cutAt(text, at);
    }
    if (at === 0 && cut === text.length) return { done: text, rest: "" };
    parts.push(text.slice(at, cut));
    return { done: parts.join(""), rest: text.slice(cut) };
  }

  #hideKinds(text: string): string {
    if (!this.#kinds) return text;
    return this.#kinds.replace(text, (secret) => {
      const name = this.#names.get(secret) ?? `[[secret:${this.#tag(secret)}]]`;
      this.#meanings.set(name, secret);
      return name;
    });
  }

  /** 8 digits of a hash, more where two secrets share them. */
  #tag(secret: string): string {
    const hash = sha256Hex(`openkoi secret\n${secret}`);
    for (let length = 8; ; length += 8) {
      const tag = hash.slice(0, length);
      const meaning = this.#meanings.get(`[[secret:${tag}]]`);
      if (meaning === undefined || meaning === secret) return tag;
    }
  }
}

/** The forms in which a secret may appear, by label; the secret itself has none. */
function* formsOf(secret: string): Generator<[label: string, form: string]> {
  yield ["", secret];
  yield ["json", JSON.stringify(secret).slice(1, -1)];
  yield ["url", encoded(secret)];
  yield ["form", encoded(secret).replaceAll("%20", "+")];
  for (const [label, form] of base64Forms(secret)) {
    yield [`b${label}`, form];
    yield [`u${label}`, form.replaceAll("+", "-").replaceAll("/", "_")];
  }
}

/** A lone surrogate, which no URL can hold, leaves the text as it is. */
function encoded(secret: string): string {
  return secret.isWellFormed() ? encodeURIComponent(secret) : secret;
}

/**
 * Within base64 a secret has three faces, by how many bytes stand before it (`user:` in a basic-auth header, say). Of
 * each, what does not depend on the bytes around it; and with the last digit, where the secret is the end.
 */
function* base64Forms(secret: string): Generator<[label: string, form: string]> {
  const bytes = new TextEncoder().encode(secret);
  for (let before = 0; before < 3; before++) {
    const shifted = new Uint8Array(before + bytes.length);
    shifted.set(bytes, before);
    const text = encodeBase64(shifted).replace(/=+$/, "");
    const start = Math.ceil((before * 8) / 6);
    yield [`${before}e`, text.slice(start)];
    yield [`${before}`, text.slice(start, Math.floor((shifted.length * 8) / 6))];
  }
}
