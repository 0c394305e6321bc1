import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makePrivateTemp, removeAbandonedTemps } from "../src/private-temp.ts";

const folder = mkdtempSync(join(tmpdir(), "temps-"));
afterAll(() => rmSync(folder, { recursive: true }));
const DAY = 86_400_000;

/** A name as a process that has ended would have given it: this system, a start that is not ours. */
function nameOf(how: { started?: string; place?: string } = {}): string {
  using own = makePrivateTemp();
  const [pid, started, place] = basename(own.path).slice("openkoi-".length).split(".");
  return `openkoi-${pid}.${how.started ?? started}.${how.place ?? place}.abc123`;
}

test("a private folder is there until it is disposed of", () => {
  const temp = makePrivateTemp();
  writeFileSync(join(temp.path, "exported"), "KEY=value");
  temp[Symbol.dispose]();
  expect(existsSync(temp.path)).toBe(false);
});

test.skipIf(process.platform !== "linux")(
  "folders of dead processes go, those of living ones and of others stay",
  () => {
    const [dead, living, foreign] = [nameOf({ started: "1" }), nameOf(), nameOf({ place: "elsewhere" })];
    for (const name of [dead, living, foreign, "openkoi-demo-abc123", "other"]) mkdirSync(join(folder, name));
    symlinkSync(join(folder, "other"), join(folder, nameOf({ started: "2" })));
    const now = Date.now();
    removeAbandonedTemps(now, folder);
    const left = readdirSync(folder);
    expect(left).not.toContain(dead);
    expect(left).toEqual(expect.arrayContaining([living, foreign, "openkoi-demo-abc123", "other"]));
    utimesSync(join(folder, foreign), new Date(now - 40 * DAY), new Date(now - 40 * DAY));
    removeAbandonedTemps(now, folder);
    expect(readdirSync(folder)).not.toContain(foreign);
  },
);
