import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRedactor } from "../../src/base/redact.ts";
import { sleep } from "../../src/base/stream.ts";
import type { Clock } from "../../src/contracts/kit.ts";
import type { Answer, Ask, Question } from "../../src/contracts/question.ts";
import type { Tool, ToolResult, Toolset } from "../../src/contracts/tool.ts";
import { createExec } from "../../src/exec/index.ts";
import { builtinTools, createToolset } from "../../src/tools/index.ts";
import { createPermissions, type Permissions } from "../../src/tools/permissions.ts";

export interface TaskOptions {
  mode?: "ask" | "auto" | "read-only";
  allow?: string[];
  deny?: string[];
  secrets?: string[];
  images?: boolean;
  /** Offers fetch, as at a terminal, and todo. */
  attended?: boolean;
  network?: "none" | "loopback" | "all";
  /** Rules that were answered with "always" so far; more are added. */
  saved?: string[];
  addDirs?: string[];
  readable?: string[];
  tools?: Tool[];
  clock?: Clock;
  /** As in `ToolsetInput`, by path in the workspace. */
  seenEarlier?: Readonly<Record<string, number>>;
  /** What happens while a file is recorded that is about to be written; `path` is absolute. */
  beforeWrite?: (path: string) => Promise<void>;
  /** What is answered when the task asks; default: nobody is there. */
  answer?: (question: Question) => Answer;
}

/** A task's tools in a real folder, with the real exec. Delete it with `using`. */
export class TestTask implements AsyncDisposable {
  /** Holds `workspace`, `outside`, `output` and `temp`. */
  readonly base: string;
  readonly workspace: string;
  readonly outside: string;
  readonly toolset: Toolset;
  readonly permissions: Permissions;
  /** Questions that were asked. */
  readonly asked: Question[] = [];
  /** Live output. */
  live = "";
  readonly #close: () => Promise<void>;

  constructor(base: string, toolset: () => Toolset, permissions: Permissions, close: () => Promise<void>) {
    this.base = base;
    this.workspace = join(base, "workspace");
    this.outside = join(base, "outside");
    this.toolset = toolset();
    this.permissions = permissions;
    this.#close = close;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.base, { recursive: true, force: true });
  }

  /** Writes a file of the workspace. */
  put(path: string, content: string | Uint8Array): string {
    const whole = join(this.workspace, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
    return whole;
  }

  get(path: string): string {
    return readFileSync(join(this.workspace, path), "utf8");
  }

  /** One call; `args` as an object or as the text a model wrote. */
  call(name: string, args: unknown, signal: AbortSignal = new AbortController().signal): Promise<ToolResult> {
    const text = typeof args === "string" ? args : JSON.stringify(args);
    return this.toolset.call({ type: "tool_call", id: "c1", name, arguments: text }, this.ask, signal, (chunk) => {
      this.live += chunk;
    });
  }

  /** The text of a call that succeeds. */
  async ok(name: string, args: unknown): Promise<string> {
    const result = await this.call(name, args);
    if (result.isError) throw new Error(`${name} failed: ${result.text}`);
    return result.text;
  }

  /** The text of a call that fails. */
  async fails(name: string, args: unknown): Promise<string> {
    const result = await this.call(name, args);
    if (!result.isError) throw new Error(`${name} succeeded: ${result.text}`);
    return result.text;
  }

  answer: (question: Question) => Answer = () => ({ choice: "refuse", by: "policy" });

  readonly ask: Ask = async (question) => {
    const asked = { ...question, id: `q${this.asked.length + 1}` } as Question;
    this.asked.push(asked);
    return this.answer(asked);
  };
}

export async function openTask(options: TaskOptions = {}): Promise<TestTask> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-tools-")));
  const workspace = join(base, "workspace");
  for (const folder of ["workspace", "outside", "temp"]) mkdirSync(join(base, folder));
  const { mode = "auto", allow = [], deny = [], secrets = [], addDirs = [], attended = false, saved } = options;
  const redactor = createRedactor({ secrets });
  const permissions = createPermissions({
    mode,
    allow,
    deny,
    workspace,
    addDirs,
    redactor,
    network: options.network ?? "loopback",
    ...(saved ? { saved: { allow: saved, addAllow: async (rules) => void saved.push(...rules) } } : {}),
  });
  const offered = { images: options.images ?? false, web: { permissions, mayBeAsked: attended }, list: attended };
  const exec = await createExec({
    workspace,
    addDirs,
    env: { PATH: process.env.PATH, HOME: join(base, "outside") },
    mode: "off",
    network: "all",
    privateTemp: join(base, "temp"),
    graceMs: 200,
  });
  const make = () =>
    createToolset(options.tools ?? builtinTools(offered), {
      workspace,
      addDirs,
      exec,
      redactor,
      permissions,
      readable: options.readable ?? [],
      outputDir: join(base, "output"),
      ...(options.beforeWrite ? { beforeWrite: options.beforeWrite } : {}),
      seenEarlier: new Map(Object.entries(options.seenEarlier ?? {}).map(([path, at]) => [join(workspace, path), at])),
      clock: options.clock ?? { now: () => Date.now(), sleep },
    });
  const task = new TestTask(base, make, permissions, () => exec.close());
  if (options.answer) task.answer = options.answer;
  return task;
}
