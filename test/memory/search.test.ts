import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { termsOf } from "../../src/base/words.ts";
import { fuse } from "../../src/memory/fusion.ts";
import { findKeywords, rankByAll, rarest } from "../../src/memory/keywords.ts";
import { ALL_SCOPES } from "../../src/memory/scope.ts";
import { DAY, never, openRig, type Rig } from "./support.ts";

const WORDS = ["alpha", "beta", "gamma", "delta", "épsilon", "src/zeta.ts", "etaTheta", "日本語", "12", "iota_kappa"];

async function found(rig: Rig, text: string, most = 10): Promise<string[]> {
  return (await rig.memory.search(text, most, never)).map((hit) => hit.text);
}

describe("keyword search", () => {
  test("finds every text that holds all words of the query, whatever else it holds", () => {
    const text = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 6 }).map((words) => words.join(" "));
    const property = fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 12 }), text, async (texts, query) => {
      using rig = openRig();
      for (const each of texts) rig.note(each);
      await rig.memory.tend(10_000, never);
      const terms = termsOf(query);
      const hits = new Set(findKeywords(rig.database, rarest(rig.database, terms), ALL_SCOPES, 100));
      const missed = texts.filter((each, at) => {
        const there = new Set(termsOf(each));
        return terms.every((term) => there.has(term)) && !hits.has(at + 1);
      });
      expect(missed).toEqual([]);
    });
    return fc.assert(property, { numRuns: 10 });
  });

  test("is ranked by all words, also those that are too frequent to ask for", async () => {
    using rig = openRig();
    rig.note("A zebra in the meadow eats grass all day long");
    rig.note("A zebra in the street stops the traffic");
    await rig.memory.tend(10_000, never);
    rig.database.query("UPDATE chunk_terms SET chunks = 500 WHERE term = 'zebra'").run();
    rig.database.query("UPDATE chunk_terms SET chunks = 20000 WHERE term = 'meadow'").run();
    rig.database.query("UPDATE chunk_terms SET chunks = 100000 WHERE term = ''").run();
    const terms = termsOf("zebra meadow");
    expect(rarest(rig.database, terms)).toEqual(["zebra"]);
    expect(rankByAll(rig.database, terms, [2, 1])).toEqual([1, 2]);
    expect((await found(rig, "zebra meadow"))[0]).toContain("meadow");
  });

  test("asks for the rarest words alone, where the others are everywhere", async () => {
    using rig = openRig();
    rig.database
      .query(
        "INSERT INTO chunk_terms (term, chunks) VALUES ('', 900000), ('often', 5900), ('rare', 3), ('all', 800000)",
      )
      .run();
    expect(rarest(rig.database, termsOf("all often rare unknown"))).toEqual(["rare", "often"]);
    expect(rarest(rig.database, ["often"])).toEqual(["often"]);
    expect(rarest(rig.database, ["all"])).toEqual([]);
  });
});

describe("reciprocal rank fusion", () => {
  test("adds 1 / (10 + place) of each list, and an entry counts once a list", () => {
    const scores = fuse([
      ["a", "b", "a"],
      ["c", "a"],
    ]);
    expect(scores.get("a")).toBeCloseTo(1 / 11 + 1 / 12, 12);
    expect(scores.get("b")).toBeCloseTo(1 / 12, 12);
    expect(scores.get("c")).toBeCloseTo(1 / 11, 12);
  });

  test("what stands before another in every list stands before it in the end", () => {
    const list = fc.uniqueArray(fc.nat(20), { minLength: 1 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const scores = fuse([a, b]);
        const place = (entries: number[], entry: number) => (entries.includes(entry) ? entries.indexOf(entry) : 1e9);
        const all = [...scores.keys()];
        for (const x of all) {
          for (const y of all) {
            const before = place(a, x) <= place(a, y) && place(b, x) <= place(b, y);
            if (x !== y && before) expect(scores.get(x)!).toBeGreaterThanOrEqual(scores.get(y)!);
          }
        }
      }),
    );
  });
});

describe("a search of the memory", () => {
  test("of an empty memory finds nothing, and so does an empty query", async () => {
    using rig = openRig();
    expect(await found(rig, "anything")).toEqual([]);
    rig.note("A note about parsers and tokens");
    for (const query of ["", "  ", "…", "the of"]) expect(await found(rig, query)).toEqual([]);
  });

  test("finds by words and by parts of words, best first, and says how sure it is", async () => {
    using rig = openRig();
    rig.note("The tokenizer of the configuration parser is slow");
    rig.note("Deploying to production needs a tag");
    rig.note("A parser for dates");
    const hits = await rig.memory.search("configuration parser", 10, never);
    expect(hits.map(({ text }) => text)).toEqual([
      "The tokenizer of the configuration parser is slow",
      "A parser for dates",
    ]);
    expect(hits[0]!.score).toBeGreaterThan(0.9);
    expect(hits[0]!.score).toBeLessThanOrEqual(1);
    expect(await found(rig, "configured parsers")).toContain("The tokenizer of the configuration parser is slow");
  });

  test("says of which folder a text is", async () => {
    using rig = openRig();
    for (const [content, workspace] of [
      ["Prefer spaces over tabs", "/one"],
      ["Numbers are read as decimals", null],
    ] as const) {
      const lesson = { type: "preference", content, category: "general", confidence: 1 } as const;
      await rig.memory.save(lesson, { task: null, workspace }, never);
    }
    expect((await rig.memory.search("tabs", 1, never))[0]?.workspace).toBe("/one");
    expect((await rig.memory.search("decimals", 1, never))[0]?.workspace).toBeNull();
  });

  test("finds names however they are written, and texts in any script", async () => {
    using rig = openRig();
    rig.note("parseConfigFile throws in src/base/config.ts");
    rig.note("日本語のテストが失敗する");
    rig.note("Der Umlaut in Ärgernis ging verloren");
    expect((await found(rig, "parse_config_file"))[0]).toContain("parseConfigFile");
    expect((await found(rig, "テスト"))[0]).toContain("日本語");
    expect((await found(rig, "ärgernis"))[0]).toContain("Umlaut");
    expect((await found(rig, "base/config.ts"))[0]).toContain("parseConfigFile");
  });

  test("what is newer stands before what is as good and older", async () => {
    using rig = openRig();
    rig.note("Releases are made by the script release.sh");
    rig.clock.now += 200 * DAY;
    rig.note("Releases are made by the script release.sh!");
    expect((await found(rig, "how releases are made"))[0]).toEndWith("!");
  });

  test("what was forgotten, or rewritten by anybody, is found no more under its old words", async () => {
    using rig = openRig();
    rig.note("Zebras graze");
    rig.note("Lions sleep");
    expect(await found(rig, "zebras")).toEqual(["Zebras graze"]);
    rig.database.query("DELETE FROM memory_chunks WHERE text LIKE 'Zebras%'").run();
    expect(await found(rig, "zebras")).toEqual([]);
    // The number of the row that went last is given again.
    rig.database.query("DELETE FROM memory_chunks").run();
    rig.note("Giraffes eat");
    expect(await found(rig, "lions")).toEqual([]);
    expect(await found(rig, "giraffes")).toEqual(["Giraffes eat"]);
  });

  test("a text of megabytes can be kept, and asked with", async () => {
    using rig = openRig();
    const long = `Beginning marmalade ${"word salad ".repeat(200_000)}`;
    rig.note(long);
    expect((await found(rig, "marmalade"))[0]?.length).toBe(long.length);
    expect((await found(rig, long)).length).toBe(1);
  });

  test("finds the same in a process that has just begun", async () => {
    using rig = openRig();
    for (let at = 0; at < 200; at++) rig.note(`Note ${at} about topic ${at % 17} and widget${at}`);
    while (!(await rig.memory.tend(10_000, never)));
    const warm = await rig.memory.search("widget42 topic", 10, never);
    const { createMemory } = await import("../../src/memory/memory.ts");
    const { openDatabase } = await import("../../src/memory/database.ts");
    using again = openDatabase({ path: rig.database.path, now: () => rig.clock.now, onNotice: () => {} });
    const cold = createMemory({
      database: () => again,
      now: () => rig.clock.now,
      decayRate: 0.05,
      hide: (text) => text,
      embedder: async () => undefined,
      skills: async () => [],
      onWarning: () => {},
    });
    expect(await cold.search("widget42 topic", 10, never)).toEqual(warm);
    expect(warm[0]!.text).toContain("widget42");
  });
});

describe("two processes", () => {
  test("that index the same chunks at once leave each of them there once", async () => {
    using rig = openRig();
    for (let at = 0; at < 50; at++) rig.note(`Note ${at} on widget${at}`);
    const { openDatabase } = await import("../../src/memory/database.ts");
    const { indexWaiting } = await import("../../src/memory/indexing.ts");
    const { Spaces } = await import("../../src/memory/spaces.ts");
    using other = openDatabase({ path: rig.database.path, now: () => rig.clock.now, onNotice: () => {} });
    const done = { spent: () => true };
    indexWaiting(other, new Spaces(other, () => rig.clock.now), done);
    indexWaiting(rig.database, new Spaces(rig.database, () => rig.clock.now), done);
    expect(rig.database.query("SELECT chunks FROM chunk_terms WHERE term = 'widget7'").get()).toEqual({ chunks: 1 });
    expect(rig.database.query("SELECT count(*) AS n FROM chunk_vectors").get()).toEqual({ n: 50 });
    expect((await found(rig, "widget7"))[0]).toBe("Note 7 on widget7");
  });
});
