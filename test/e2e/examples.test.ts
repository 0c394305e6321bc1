import { afterEach, describe, expect, test } from "bun:test";
import { openStage, type Stage } from "../../examples/play.ts";
import { examples } from "../../examples/scripts.ts";
import { snapshot } from "../workspace/tree.ts";

let stage: Stage | undefined;
afterEach(() => stage?.remove());

/** Lines of the display that begin with this word. */
function lines(text: string, label: string): string[] {
  return [...text.matchAll(new RegExp(`^  ${label} +(.*)$`, "gm"))].map((match) => match[1]!);
}

const done = { code: 0, left: 0, refused: [] };

for (const example of examples()) {
  const lacking = example.needs.filter((program) => Bun.which(program) === null);
  describe.skipIf(lacking.length > 0)(`the ${example.name} project`, () => {
    test("shows baseline, evidence, findings and refinement, then is put back by undo", async () => {
      stage = openStage(example);
      const before = snapshot(stage.project);
      const { stderr, ...ended } = await stage.task(example.refined);
      expect(ended).toMatchObject(done);
      expect(lines(stderr, "baseline")[0]).toContain("3 passed, 1 failed");
      expect(lines(stderr, "blocker").length).toBeGreaterThan(0);
      expect(lines(stderr, "resolved").length).toBeGreaterThanOrEqual(lines(stderr, "blocker").length);
      expect(stderr).toContain("iteration 2 of 3");
      expect(stderr).toMatch(/^accepted {2}score 0\.9/m);
      expect(snapshot(stage.project)).not.toEqual(before);
      expect((await stage.undo("last")).stdout).toContain("as before the task");
      expect(snapshot(stage.project)).toEqual(before);
    });

    test("goes back to the best result where a later one is worse, and says so", async () => {
      stage = openStage(example);
      const before = snapshot(stage.project);
      await stage.task(example.refined);
      const { stderr, ...ended } = await stage.task(example.rolledBack);
      expect(ended).toMatchObject(done);
      expect(stderr).toMatch(/✗ .*\n/);
      expect(lines(stderr, "held by")).toContain("1 new failure");
      expect(lines(stderr, "restored")).toEqual(["1 file as in the best result"]);
      expect(stderr).toMatch(/^accepted {2}score 0\.80 {2}3 iterations, best 1/m);
      expect((await stage.undo("last")).stdout).toContain("as before the task");
      expect((await stage.undo("first")).stdout).toContain("as before the task");
      expect(snapshot(stage.project)).toEqual(before);
    });
  });
}
