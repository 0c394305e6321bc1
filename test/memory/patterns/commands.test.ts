import { afterEach, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryDatabase, openDatabase } from "../../../src/memory/database.ts";
import { noteCommand, takeCommands } from "../../../src/memory/patterns/commands.ts";
import { recentUsage } from "../../../src/memory/patterns/events.ts";
import { NOW } from "./log.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function open(): { memory: MemoryDatabase; file: string; texts: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), "openkoi-commands-"));
  const memory = openDatabase({ path: join(folder, "openkoi.db"), now: () => NOW, onNotice: () => {} });
  ends.push(() => {
    memory.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const texts = () => recentUsage(memory, NOW).map(({ kind, text }) => `${kind} ${text}`);
  return { memory, file: join(folder, "commands.jsonl"), texts };
}

const note = (text: string, ago = 60_000) => ({ at: NOW - ago, text, outcome: "ok" as const });

test("commands that were noted become events, and their file goes", () => {
  const { memory, file, texts } = open();
  takeCommands(memory, file);
  noteCommand(file, note("undo", 2000));
  noteCommand(file, note("learn list", 1000));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(texts()).toEqual([]);
  takeCommands(memory, file);
  expect(texts()).toEqual(["command undo", "command learn list"]);
  expect(existsSync(file)).toBe(false);
});

test("what a killed process had begun to take in is taken in once", () => {
  const { memory, file, texts } = open();
  noteCommand(file, note("undo"));
  renameSync(file, `${file}.abcd`);
  noteCommand(file, note("status"));
  takeCommands(memory, file);
  takeCommands(memory, file);
  expect(texts().sort()).toEqual(["command status", "command undo"]);
  expect(readdirSync(join(file, "..")).filter((name) => name.startsWith("commands"))).toEqual([]);
});

test("torn and foreign lines are left out, and the file does not grow for ever", () => {
  const { memory, file, texts } = open();
  appendFileSync(file, `{"id":"c-1","at":"x","text":"a","outcome":"ok"}\n[]\nno json\n{"id":"c-2","at":${NOW}\n`);
  noteCommand(file, note("undo"));
  appendFileSync(file, "x".repeat(300_000));
  const before = statSync(file).size;
  noteCommand(file, note("never"));
  expect(statSync(file).size).toBe(before);
  takeCommands(memory, file);
  expect(texts()).toEqual(["command undo"]);
});
