import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { Appender } from "../../src/base/files.ts";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import {
  createTranscript,
  firstEvent,
  isPassing,
  lastEvent,
  readTranscript,
  transcriptIds,
} from "../../src/readers/transcript.ts";
import { story, told } from "../cli/story.ts";

let dir = "";
let paths = { sessions: "" };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openkoi-transcript-"));
  paths = { sessions: join(dir, "data", "sessions") };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function read(path: string, after?: number): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of readTranscript(path, after)) events.push(event);
  return events;
}

async function write(events: readonly Event[], task = "t1"): Promise<string> {
  const transcript = createTranscript({ paths, task });
  for (const event of events) await transcript.receive(event);
  await transcript.close?.();
  return transcript.path;
}

describe("a transcript", () => {
  test("holds every durable event, in order, and nothing that only passes", async () => {
    const path = await write(story());
    const durable = story().filter((event) => !isPassing(event.type));
    expect(durable.length).toBeLessThan(story().length);
    expect(await read(path)).toEqual(durable);
  });

  test("is the user's alone", async () => {
    const path = await write(story());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(paths.sessions)).mode & 0o777).toBe(0o700);
  });

  test("can be read from a number on", async () => {
    const path = await write(story());
    expect((await read(path, 30)).map((event) => event.seq)[0]).toBe(31);
    expect(await read(path, 10_000)).toEqual([]);
  });

  test("has reached the system when an event was received, so that a killed process loses none", async () => {
    const transcript = createTranscript({ paths, task: "t1" });
    const [event] = story();
    void transcript.receive(event!);
    expect(await read(transcript.path)).toEqual([event!]);
  });

  test("is on the disk before and after every call that changes something", async () => {
    const synced: string[] = [];
    const append = Appender.prototype.append;
    Appender.prototype.append = async function (text, options = {}) {
      const event = JSON.parse(text) as Event;
      if (options.sync) synced.push(event.type === "tool_started" ? `${event.type} ${event.effect}` : event.type);
      return append.call(this, text, options);
    };
    try {
      const calls = (["read", "write", "execute", "network", "unknown"] as const).flatMap((effect): EventBody[] => [
        {
          type: "tool_started",
          call: { type: "tool_call", id: effect, name: "x", arguments: "" },
          effect,
          subject: "",
        },
        { type: "tool_finished", id: effect, name: "x", result: { text: "", isError: false }, ms: 1 },
      ]);
      await write(told([{ type: "phase", phase: "execute" }, ...calls, ...story().slice(-1)]));
    } finally {
      Appender.prototype.append = append;
    }
    expect(synced).toEqual([
      "tool_started write",
      "tool_finished",
      "tool_started execute",
      "tool_finished",
      "tool_started network",
      "tool_finished",
      "tool_started unknown",
      "tool_finished",
      "task_finished",
    ]);
  });

  test("cut off anywhere gives the events that are whole", async () => {
    const path = await write(story());
    const whole = await readFile(path);
    const all = await read(path);
    for (let size = 0; size <= whole.length; size += 97) {
      await writeFile(path, whole.subarray(0, size));
      const found = await read(path);
      expect(found).toEqual(all.slice(0, found.length));
      const ends = whole.subarray(0, size).filter((byte) => byte === 0x0a).length;
      expect(found.length).toBeGreaterThanOrEqual(ends);
    }
  });

  test("goes on after a line that a crash tore", async () => {
    const [one, two] = story().filter((event) => !isPassing(event.type));
    const path = await write([one!]);
    await appendFile(path, '{"v":1,"seq":2,"ty');
    await write([two!]);
    expect(await read(path)).toEqual([one!, two!]);
  });

  test("damaged in the middle says where", async () => {
    const path = await write(story());
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('{"v":1,"seq":3', '{"v":1,"se#:3'));
    const error = await read(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain("line 3 is not an event");
  });

  test("of a later version is refused", async () => {
    const path = await write(story().slice(0, 1));
    await writeFile(path, (await readFile(path, "utf8")).replace('"v":1', '"v":2'));
    expect(((await read(path).catch((caught: unknown) => caught)) as Error).message).toContain("later version");
  });

  test("that is missing is an error with a remedy, one that is empty is not", async () => {
    expect(await read(join(dir, "none.jsonl")).catch((caught: unknown) => caught)).toBeInstanceOf(UserError);
    const path = await write(story());
    await truncate(path, 0);
    expect(await read(path)).toEqual([]);
  });
});

describe("the ends of a transcript", () => {
  test("are found without reading it whole", async () => {
    const path = await write(story());
    const durable = story().filter((event) => !isPassing(event.type));
    expect(await firstEvent(path)).toEqual(durable[0]!);
    expect(await lastEvent(path)).toEqual(durable.at(-1)!);
  });

  test("also where the last line is longer than what is looked at first", async () => {
    const [started] = story();
    const long = { type: "warning", code: "plan", message: "x".repeat(1_000_000) } as const;
    const path = await write([started!, ...told([long, long])]);
    expect(await lastEvent(path)).toMatchObject(long);
    await writeFile(path, `${JSON.stringify(started)}\n`);
    expect(await lastEvent(path)).toEqual(started!);
  });

  test("are unknown where there is no file, or where it was torn", async () => {
    const path = await write(story());
    await appendFile(path, '{"v":1,"seq"');
    expect(await lastEvent(path)).toBeUndefined();
    expect(await lastEvent(join(dir, "none"))).toBeUndefined();
    expect(await firstEvent(join(dir, "none"))).toBeUndefined();
    await writeFile(path, "");
    expect([await firstEvent(path), await lastEvent(path)]).toEqual([undefined, undefined]);
  });

  test("the newest of all comes first", async () => {
    for (const id of ["20261122-1", "20261123-2", "20261121-3"]) await write(story(), id);
    expect(await transcriptIds(paths)).toEqual(["20261123-2", "20261122-1", "20261121-3"]);
    expect(await transcriptIds({ sessions: join(dir, "none") })).toEqual([]);
  });
});
