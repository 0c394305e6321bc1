import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startOpenAiFake } from "../test/fakes/openai-server.ts";
import type { Example, ExampleTask } from "./scripts.ts";

const BINARY = resolve(import.meta.dir, "../dist/openkoi");

/** A copy of an example project in a temporary folder, with the compiled binary to work in it. */
export interface Stage {
  project: string;
  /** Runs a task with the answers that its script has; the model is the only thing that is not real. */
  task(task: ExampleTask, args?: readonly string[]): Promise<Ended>;
  /** `openkoi undo`: of the last task, or of the one before it. */
  undo(which: "last" | "first"): Promise<Ended>;
  remove(): void;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
  /** Answers that the script had left, and requests that the server refused: both are for tests to find none. */
  left: number;
  refused: string[];
}

export function openStage({ name }: Pick<Example, "name">): Stage {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-example-")));
  const project = join(root, name);
  const home = join(root, "home");
  mkdirSync(home);
  cpSync(join(import.meta.dir, name), project, { recursive: true });
  // Its compiler is the one of this repository. A task's temporary folder is its own: a clone below it has to be named.
  const modules = resolve(import.meta.dir, "../node_modules");
  const named = modules.startsWith(join(realpathSync(tmpdir()), "/")) ? ["--add-dir", modules] : [];
  if (existsSync(join(project, "tsconfig.json"))) symlinkSync(modules, join(project, "node_modules"));
  const env = {
    HOME: home,
    OPENKOI_HOME: home,
    PATH: `${join(modules, ".bin")}:/usr/local/bin:/usr/bin:/bin`,
    LANG: "C.UTF-8",
    TMPDIR: tmpdir(),
  };
  const openkoi = async (args: readonly string[]) => {
    const child = Bun.spawn([BINARY, ...args], { cwd: project, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { code, stdout, stderr };
  };
  return {
    project,
    async task({ description, turns }, args = []) {
      const server = startOpenAiFake(turns);
      try {
        const config = `[models]\nexecutor = "scripted/example"\n[providers.scripted]\nbase_url = "${server.baseUrl}"\n`;
        writeFileSync(join(home, "config.toml"), config);
        const ended = await openkoi(["--yes", ...named, ...args, description]);
        const refused = server.requests.flatMap((request) => request.refused ?? []);
        return { ...ended, left: turns.length - server.requests.length, refused };
      } finally {
        await server.stop();
      }
    },
    async undo(which) {
      const ids = [...(await openkoi(["undo", "--list"])).stdout.matchAll(/\d{8}-\d{6}-\w+/g)].map(([id]) => id);
      return { ...(await openkoi(["undo", ...(which === "last" ? [] : ids.slice(-1))])), left: 0, refused: [] };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
