import { isObject } from "../../base/schema.ts";
import { objects, text } from "./values.ts";

/**
 * Arguments of a call that come in pieces (`partialArgs`): a JSON path and a value each; a string may come in several
 * pieces (cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling, streaming).
 */
export class ArgumentPieces {
  readonly #root: Record<string, unknown> = {};
  /** Path of the string that goes on. */
  #growing: string | undefined;

  take(pieces: unknown): void {
    for (const piece of objects(pieces)) {
      const path = text(piece["jsonPath"]);
      const keys = keysOf(path);
      if (keys.length === 0) continue;
      const value = stated(piece);
      const before = this.#growing === path ? read(this.#root, keys) : undefined;
      write(this.#root, keys, typeof before === "string" && typeof value === "string" ? before + value : value);
      this.#growing = piece["willContinue"] === true ? path : undefined;
    }
  }

  json(): string {
    return JSON.stringify(this.#root);
  }
}

function stated(piece: Record<string, unknown>): unknown {
  for (const kind of ["stringValue", "numberValue", "boolValue"]) if (piece[kind] !== undefined) return piece[kind];
  return null;
}

type Key = string | number;

/** `$.a.b[0]['c d']` → a, b, 0, c d. */
function keysOf(path: string): Key[] {
  const keys: Key[] = [];
  for (const [, name, index, quoted] of path.matchAll(/\.([^.[\]]+)|\[(\d{1,6})\]|\[['"](.*?)['"]\]/g)) {
    keys.push(index === undefined ? (name ?? quoted ?? "") : Number(index));
  }
  return keys;
}

function read(holder: unknown, keys: readonly Key[]): unknown {
  let value = holder;
  for (const key of keys) {
    if (!(isObject(value) || Array.isArray(value)) || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<Key, unknown>)[key];
  }
  return value;
}

/** Makes objects and lists on the way. Names like `__proto__` are names like any other. */
function write(root: object, keys: readonly Key[], value: unknown): void {
  let holder = root as Record<Key, unknown>;
  for (const [depth, key] of keys.entries()) {
    const next = keys[depth + 1];
    let content: unknown = value;
    if (next !== undefined) {
      const there = Object.hasOwn(holder, key) ? holder[key] : undefined;
      content = typeof there === "object" && there !== null ? there : typeof next === "number" ? [] : {};
    }
    Object.defineProperty(holder, key, { value: content, writable: true, enumerable: true, configurable: true });
    holder = content as Record<Key, unknown>;
  }
}
