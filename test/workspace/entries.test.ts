import { expect, test } from "bun:test";
import fc from "fast-check";
import { Entries } from "../../src/workspace/entries.ts";
import type { Entry } from "../../src/workspace/state.ts";

const path = fc.constantFrom("a", "b", "a/x", "a/y", "a/b/x", "a-b", "../lib/z");
const entry = fc.record({
  path,
  kind: fc.constantFrom("file" as const, "opaque" as const),
  mode: fc.constantFrom(0o644, 0o755),
  size: fc.nat(2),
  mtime: fc.nat(2),
  ctime: fc.constant(1),
  ino: fc.constant(1),
  content: fc.constantFrom("one", "two"),
  place: fc.constant(undefined),
});
const changes = fc.array(fc.oneof(entry, path), { maxLength: 8 });

/** What a plain map makes of it; a path alone is one that is gone. */
function applied(before: ReadonlyMap<string, Entry>, steps: readonly (Entry | string)[]): Map<string, Entry> {
  const map = new Map(before);
  for (const step of steps) {
    if (typeof step === "string") map.delete(step);
    else map.set(step.path, step);
  }
  return map;
}

function drafted(before: Entries, steps: readonly (Entry | string)[]): Entries {
  const draft = before.draft();
  for (const step of steps) {
    if (typeof step === "string") draft.set(step, undefined);
    else draft.set(step.path, step);
  }
  return draft.done();
}

const shown = (entries: Entries): Entry[] => [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));

test("entries are what a map would be, whatever is set and taken away, and stay so when a draft of them changes", () => {
  fc.assert(
    fc.property(fc.array(entry), changes, (start, steps) => {
      const map = applied(new Map(), start);
      const before = Entries.of(start);
      const after = drafted(before, steps);
      const changed = applied(map, steps);
      for (const [entries, plain] of [
        [before, map],
        [after, changed],
      ] as const) {
        expect(shown(entries)).toEqual(shown(Entries.of(plain.values())));
        expect(entries.size).toBe(plain.size);
        for (const one of ["a", "a/x", "a/b/x", "../lib/z", "none"]) expect(entries.get(one)).toBe(plain.get(one)!);
      }
      const differing = [...new Set([...map.keys(), ...changed.keys()])].filter(
        (one) => map.get(one) !== changed.get(one),
      );
      expect(after.differing(before).sort()).toEqual(differing.sort());
      expect(before.differing(after).sort()).toEqual(differing.sort());
    }),
  );
});

test("the hash tells what they are, not how they came about", () => {
  fc.assert(
    fc.property(fc.array(entry), changes, (start, steps) => {
      const before = Entries.of(start);
      const hash = before.hash();
      const after = drafted(before, steps);
      expect(after.hash()).toBe(Entries.of(shown(after).reverse()).hash());
      expect(before.hash()).toBe(hash);
      const told = (entries: Entries): string =>
        JSON.stringify(
          shown(entries).map(({ path, kind, mode, content, size, mtime }) =>
            kind === "opaque" ? [path, kind, mode, content, size, mtime] : [path, kind, mode, content],
          ),
        );
      expect(after.hash() === hash).toBe(told(after) === told(before));
    }),
  );
});
