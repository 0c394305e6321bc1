import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePlace, never, open, type Place } from "./tree.ts";

/** How many files are small, and how many are 8 MB: 2 GB in all. */
const SMALL = 20_000;
const LARGE = 250;
const LARGE_BYTES = 8e6;

/** On a loaded machine it takes its time. */
const PATIENCE = 600_000;

let place: Place;
beforeEach(() => {
  place = makePlace();
  // Without blocks on the disk, and yet to be read as a whole.
  for (let at = 0; at < LARGE; at++) {
    const path = join(place.workspace, `zz-large${at}.bin`);
    writeFileSync(path, `${at}`);
    truncateSync(path, LARGE_BYTES);
  }
});
afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

function putSmallFiles(): void {
  for (let at = 0; at < SMALL; at++) {
    const folder = join(place.workspace, `package${at % 20}`, `module${Math.floor(at / 20) % 20}`);
    if (at < 400) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${at}.ts`), `export const value = ${at};\n`);
  }
}

test(
  "20,000 files and 2 GB are recorded up to the limit, what is beyond is said, and a change goes back",
  async () => {
    putSmallFiles();
    const task = open(place);
    const before = await task.record(never());
    const covered = Math.floor((1e9 - SMALL * 27) / LARGE_BYTES);
    expect(before.files).toBe(SMALL + covered);
    expect(before.uncovered).toEqual([expect.stringContaining("files beyond 1 GB in all")]);
    const changed = join(place.workspace, "package3/module0/file3.ts");
    appendFileSync(changed, "changed\n");
    const after = await task.record(never());
    expect((await task.diff(before, after, 1000)).changes).toMatchObject([
      { path: "package3/module0/file3.ts", added: 1 },
    ]);
    await task.restore(before, after, never());
    expect(readFileSync(changed, "utf8")).toBe("export const value = 3;\n");
    await task.close();
  },
  PATIENCE,
);

test(
  "with more in the config 2 GB are covered",
  async () => {
    const task = open(place, "all", { limits: { totalBytes: 3e9 } });
    expect(await task.record(never())).toMatchObject({ files: LARGE, uncovered: [] });
    await task.close();
  },
  PATIENCE,
);
