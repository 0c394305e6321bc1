import { describe, expect, test } from "bun:test";
import type { Embedder } from "../../src/contracts/provider.ts";
import type { CallRecord } from "../../src/contracts/task.ts";
import { fakeEmbedder, never, openRig, type Rig } from "./support.ts";

const GROUPS = [
  ["car", "automobile", "vehicle"],
  ["invoice", "bill", "payment"],
  ["tree", "forest", "oak"],
];

async function found(rig: Rig, text: string): Promise<string[]> {
  return (await rig.memory.search(text, 10, never)).map((hit) => hit.text);
}

async function tendAll(rig: Rig): Promise<void> {
  while (!(await rig.memory.tend(10_000, never)));
}

function spaces(rig: Rig) {
  return rig.database
    .query<{ ref: string; complete: number; vectors: number }, []>(
      "SELECT ref, complete, (SELECT count(*) FROM chunk_vectors WHERE id >> 40 = embedders.id) AS vectors FROM embedders ORDER BY id",
    )
    .all();
}

describe("a provider's embedder", () => {
  test("finds by meaning what has no word in common, once the texts have its vectors", async () => {
    const fake = fakeEmbedder(GROUPS);
    using rig = openRig({ embedder: async () => fake.embedder });
    rig.note("The automobile is red");
    rig.note("An oak lost its leaves");
    expect(await found(rig, "car")).toEqual([]);
    expect(fake.asked).toEqual([]);
    await tendAll(rig);
    expect(await found(rig, "car")).toEqual(["The automobile is red"]);
  });

  test("is paid for each request that it answered, at its price, also where the next one fails", async () => {
    const { embedder } = fakeEmbedder(GROUPS);
    const calls: CallRecord[] = [];
    let fails = false;
    const dear: Embedder = {
      ...{ ref: embedder.ref, dimensions: embedder.dimensions, pricePerMillion: 20 },
      async embed(texts, signal, paid) {
        paid?.(1000);
        if (fails) throw new Error("the second batch was refused");
        paid?.(500);
        return embedder.embed(texts, signal);
      },
    };
    using rig = openRig({ embedder: async () => dear, onSpent: (call) => void calls.push(call) });
    rig.note("The automobile is red");
    await rig.memory.tend(10_000, never);
    const tended = calls.splice(0);
    expect(tended[0]).toMatchObject({
      role: "embedder",
      model: "fake/meanings",
      costUsd: 0.03,
      usage: { input: 1500 },
    });
    await rig.memory.search("car", 3, never);
    await rig.memory.search("car", 3, never);
    expect(calls.splice(0)).toHaveLength(1);
    fails = true;
    await rig.memory.search("vehicle", 3, never);
    await rig.memory.search("forest", 3, never);
    expect(calls).toMatchObject([{ usage: { input: 1000 } }]);
  });

  test("recalls by meaning, and nothing that is far", async () => {
    const fake = fakeEmbedder(GROUPS);
    using rig = openRig({ embedder: async () => fake.embedder });
    await rig.learn("Payment terms are thirty days");
    await rig.learn("An oak needs water");
    await tendAll(rig);
    const cue = { text: "Print the invoice", workspace: "/work", task: "now", tokens: 1000 };
    const [memento, ...others] = await rig.memory.recall(cue, never);
    expect(memento!.text).toContain("Payment terms");
    expect(memento!.why).toContain("in meaning");
    expect(others).toEqual([]);
  });

  test("is asked for each text once, whoever wrote it again, and for a question once a process", async () => {
    const fake = fakeEmbedder(GROUPS);
    using rig = openRig({ embedder: async () => fake.embedder });
    rig.note("The automobile is red");
    await tendAll(rig);
    const before = fake.asked.flat().length;
    rig.note("The automobile is red");
    await tendAll(rig);
    expect(fake.asked.flat().length).toBe(before);
    expect(spaces(rig).find(({ ref }) => ref === "fake/meanings")).toMatchObject({ complete: 1, vectors: 2 });
    await found(rig, "car");
    await found(rig, "car");
    expect(fake.asked.flat().filter((text) => text === "car").length).toBe(1);
  });

  test("gets no secrets, in texts or questions", async () => {
    const fake = fakeEmbedder(GROUPS);
    const hide = (text: string) => text.replaceAll("a known secret", "[[secret:1]]");
    using rig = openRig({ embedder: async () => fake.embedder, hide });
    rig.note(`The automobile opens with a known secret`);
    rig.note(`${"oak ".repeat(1998)}a known secret`);
    await tendAll(rig);
    await found(rig, "a car with a known secret");
    expect(fake.asked.flat().some((text) => text.includes("car with [[secret:1]]"))).toBe(true);
    expect(fake.asked.flat().filter((text) => text.includes("a known"))).toEqual([]);
  });

  test("that fails is said once, and the built-in one serves for the rest of the run", async () => {
    const fake = fakeEmbedder(GROUPS);
    using rig = openRig({ embedder: async () => fake.embedder });
    rig.note("The automobile is red");
    await tendAll(rig);
    fake.fail(new Error("no credit"));
    expect(await found(rig, "car")).toEqual([]);
    expect(await found(rig, "red automobiles")).toEqual(["The automobile is red"]);
    await tendAll(rig);
    expect(rig.warnings).toEqual(["the embedder failed, the built-in one is used in this run: no credit"]);
  });

  test("that is called off has not failed", async () => {
    const fake = fakeEmbedder(GROUPS);
    using rig = openRig({ embedder: async () => fake.embedder });
    rig.note("The automobile is red");
    await tendAll(rig);
    const stop = new AbortController();
    const searched = rig.memory.search("car", 10, stop.signal);
    stop.abort(new Error("no longer wanted"));
    await expect(searched).rejects.toThrow("no longer wanted");
    expect(await found(rig, "car")).toEqual(["The automobile is red"]);
    expect(rig.warnings).toEqual([]);
  });

  test("that cannot be opened is said once, too", async () => {
    using rig = openRig({
      embedder: async () => {
        throw new Error("no such model");
      },
    });
    rig.note("The automobile is red");
    await tendAll(rig);
    expect(await found(rig, "automobile")).toEqual(["The automobile is red"]);
    expect(rig.warnings).toEqual(["the embedder failed, the built-in one is used in this run: no such model"]);
  });

  test("that answers with too few vectors, or with none, has failed", async () => {
    const broken: Embedder = { ref: "x/y", dimensions: 2, embed: async () => ({ vectors: [], tokens: 0 }) };
    using rig = openRig({ embedder: async () => broken });
    rig.note("The automobile is red");
    await tendAll(rig);
    expect(rig.warnings.length).toBe(1);
    expect(await found(rig, "automobile")).toEqual(["The automobile is red"]);
  });

  test("that is changed embeds anew a piece at a time; until then the built-in one is searched, afterwards the old vectors go", async () => {
    const first = fakeEmbedder(GROUPS, { ref: "fake/first" });
    const second = fakeEmbedder(GROUPS, { ref: "fake/second", dimensions: 8 });
    let now = first;
    using rig = openRig({ embedder: async () => now.embedder });
    for (let at = 0; at < 300; at++) rig.note(`Vehicle number ${at} was sold`);
    await tendAll(rig);
    const { createMemory } = await import("../../src/memory/memory.ts");
    now = second;
    const next = createMemory({
      database: () => rig.database,
      now: () => rig.clock.now,
      decayRate: 0.05,
      hide: (text) => text,
      embedder: async () => second.embedder,
      skills: async () => [],
      onWarning: () => {},
    });
    // Nothing but one piece: the allowance is over at once.
    expect(await next.tend(0, never)).toBe(false);
    expect((await next.search("vehicle 17", 3, never))[0]?.text).toBe("Vehicle number 17 was sold");
    expect(second.asked.flat()).not.toContain("vehicle 17");
    while (!(await next.tend(10_000, never)));
    expect((await next.search("automobile", 3, never)).length).toBe(3);
    expect(spaces(rig).map(({ ref }) => ref.replace(/@.*/, ""))).toEqual(["builtin/hashed-1", "fake/second"]);
    expect(rig.database.query("SELECT count(*) AS n FROM chunk_vectors").get()).toEqual({ n: 600 });
  });

  test("that gives vectors of another length begins a set of its own", async () => {
    const short = fakeEmbedder(GROUPS, { dimensions: 8 });
    const long = fakeEmbedder(GROUPS, { dimensions: 24 });
    let current = short.embedder;
    const changing: Embedder = {
      ref: "fake/meanings",
      dimensions: undefined,
      embed: (texts, signal) => current.embed(texts, signal),
    };
    using rig = openRig({ embedder: async () => changing });
    rig.note("The automobile is red");
    await tendAll(rig);
    current = long.embedder;
    rig.note("The tree is green");
    await tendAll(rig);
    await tendAll(rig);
    expect(await found(rig, "forest")).toEqual(["The tree is green"]);
    expect(await found(rig, "vehicle")).toEqual(["The automobile is red"]);
  });
});

describe("the built-in embedder's weights", () => {
  test("are counted anew as the memory grows, and vectors of two counts are never compared", async () => {
    using rig = openRig();
    for (let at = 0; at < 60; at++) rig.note(`Widget ${at} is painted in colour ${at % 7}`);
    await tendAll(rig);
    const [only, ...others] = spaces(rig);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ complete: 1, vectors: 60 });
    expect(only!.ref).toBe("builtin/hashed-1@60");
    rig.note("Widget 60 is painted in colour 4");
    await tendAll(rig);
    expect(spaces(rig)).toEqual([{ ref: "builtin/hashed-1@60", complete: 1, vectors: 61 }]);
    expect((await found(rig, "widget 33"))[0]).toBe("Widget 33 is painted in colour 5");
  });

  test("while the new vectors are made, the old ones are searched and go on growing", async () => {
    using rig = openRig();
    for (let at = 0; at < 200; at++) rig.note(`Widget ${at} is painted in colour ${at % 7}`);
    expect(await rig.memory.tend(0, never)).toBe(false);
    rig.note("Widget 200 is painted in gold");
    expect((await found(rig, "golden widget"))[0]).toBe("Widget 200 is painted in gold");
    await tendAll(rig);
    expect(spaces(rig).map(({ vectors }) => vectors)).toEqual([201]);
  });
});

describe("tending", () => {
  test("an empty memory, or one where nothing is left to do, is over at once", async () => {
    using rig = openRig();
    expect(await rig.memory.tend(0, never)).toBe(true);
    rig.note("One");
    await tendAll(rig);
    expect(await rig.memory.tend(0, never)).toBe(true);
  });

  test("stops when it is told to", async () => {
    using rig = openRig();
    for (let at = 0; at < 600; at++) rig.note(`Widget ${at}`);
    expect(await rig.memory.tend(60_000, AbortSignal.abort())).toBe(false);
  });
});
