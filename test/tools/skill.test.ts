import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenedSkill, Skill, SkillShelf } from "../../src/contracts/skill.ts";
import { builtinTools, defineTool } from "../../src/tools/index.ts";
import { createSkillTool } from "../../src/tools/skill.ts";
import { openTask } from "./task.ts";

const NEEDS = { os: [], bins: [], anyBins: [], env: [], config: [], always: false };

function skill(name: string, folder?: string): Skill {
  return {
    name,
    description: `Does ${name}.`,
    kind: "task",
    source: "user",
    folder,
    file: `${folder ?? "bundled"}/SKILL.md`,
    categories: [],
    needs: NEEDS,
    approved: true,
    warnings: [],
  };
}

/** A shelf that remembers what was opened. */
function shelf(skills: Skill[], opened: Partial<OpenedSkill> = {}): SkillShelf & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    offered: () => skills,
    open(name) {
      asked.push(name);
      const found = skills.find((one) => one.name === name);
      return found && { skill: found, body: "The body.", files: [], more: 0, ...opened };
    },
  };
}

describe("skill", () => {
  test("without a name lists what there is", async () => {
    await using task = await openTask({ tools: [defineTool(createSkillTool(shelf([skill("a"), skill("b")])))] });
    expect(await task.ok("skill", {})).toBe("- a: Does a.\n- b: Does b.");
    expect(await task.ok("skill", { name: " " })).toBe("- a: Does a.\n- b: Does b.");
  });

  test("gives the body, the folder and the files of a skill", async () => {
    const files = [{ path: "run.sh", bytes: 12 }];
    const own = shelf([skill("a", "/skills/a")], { files, more: 3 });
    await using task = await openTask({ tools: [defineTool(createSkillTool(own))] });
    expect(await task.ok("skill", { name: "a" })).toBe(
      "Skill a in /skills/a. Its files, for the other tools: run.sh (12 B), and 3 more\n\nThe body.",
    );
    expect(own.asked).toEqual(["a"]);
  });

  test("of a bundled one is its body alone", async () => {
    await using task = await openTask({ tools: [defineTool(createSkillTool(shelf([skill("a")])))] });
    expect(await task.ok("skill", { name: "a" })).toBe("The body.");
  });

  test("names the nearest one for a name that is not there, and lists them", async () => {
    await using task = await openTask({ tools: [defineTool(createSkillTool(shelf([skill("invoices")])))] });
    expect(await task.fails("skill", { name: "invoice" })).toBe(
      "There is no skill invoice. Did you mean invoices? There are:\n- invoices: Does invoices.",
    );
  });

  test("needs no permission, and its folder can be read but not written", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-skill-")));
    try {
      mkdirSync(join(folder, "references"));
      writeFileSync(join(folder, "references/more.md"), "more\n");
      const own = defineTool(createSkillTool(shelf([skill("a", folder)])));
      await using task = await openTask({
        mode: "auto",
        tools: [...builtinTools({ images: false }), own],
        readable: [folder],
      });
      await task.ok("skill", { name: "a" });
      expect(await task.ok("read", { path: join(folder, "references/more.md") })).toContain("more");
      expect(await task.fails("write", { path: join(folder, "new"), content: "x" })).toContain("outside the workspace");
      expect(task.asked).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("is offered only where there is a skill", () => {
    const names = (skills?: SkillShelf) =>
      builtinTools({ images: false, ...(skills ? { skills } : {}) }).map(({ name }) => name);
    expect(names()).not.toContain("skill");
    expect(names(shelf([]))).not.toContain("skill");
    expect(names(shelf([skill("a")]))).toContain("skill");
  });
});
