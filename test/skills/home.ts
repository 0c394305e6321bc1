import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Paths, resolvePaths } from "../../src/base/paths.ts";

/** A home folder and a project beside it, for one test. */
export interface TestHome extends Disposable {
  /** Absolute and real; holds `home` and `project`. */
  base: string;
  paths: Paths;
  project: string;
  /** Writes files below `base`. */
  put(files: Record<string, string>): void;
}

export function testHome(): TestHome {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-skills-")));
  const project = join(base, "project");
  mkdirSync(project);
  return {
    base,
    paths: resolvePaths({ HOME: join(base, "home") }),
    project,
    put(files) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(base, name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    },
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** The text of a small skill; `more` is YAML. */
export function skillText(name: string, description = `Does ${name}.`, more = "", body = "Do it."): string {
  return `---\nname: ${name}\ndescription: ${description}\n${more}${more ? "\n" : ""}---\n\n${body}\n`;
}

/** The text of a small evaluator. */
export function evaluatorText(name: string, categories: string, body = "Judge."): string {
  const yaml = `kind: evaluator\ndimensions: [{name: quality, weight: 1}]\nmetadata: {categories: [${categories}]}`;
  return skillText(name, `Judges ${name}.`, yaml, body);
}
