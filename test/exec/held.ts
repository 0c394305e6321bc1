import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { SandboxPosture } from "../../src/contracts/exec.ts";
import type { ExecInput } from "../../src/exec/index.ts";
import type { Answer, Order } from "./driver.ts";

/** Who runs the agent: this user, or one without rights. */
export type User = "this user" | "nobody";
export const NOBODY = 65534;

const project = resolve(import.meta.dir, "../..");

interface Places {
  readonly workspace: string;
  readonly home: string;
  readonly outside: string;
}

/** An agent under test with a workspace, a home with secrets, and a folder outside that nobody may touch. */
export interface Held extends Places {
  readonly posture: SandboxPosture;
  readonly pid: number;
  run(line: string, options?: Omit<Order, "line">): Promise<Answer>;
  kill(): void;
  close(): Promise<void>;
}

/** The users that agents can run as here: root can become anybody, provided that the project is readable for all. */
export function users(): User[] {
  if (process.getuid?.() !== 0 || !Bun.which("setpriv")) return ["this user"];
  const tried = Bun.spawnSync([...becoming("nobody"), process.execPath, "--version"], { cwd: "/" });
  const readable = Bun.spawnSync([...becoming("nobody"), "cat", join(project, "src/exec/index.ts")], { cwd: "/" });
  return tried.success && readable.success ? ["this user", "nobody"] : ["this user"];
}

export function becoming(user: User): string[] {
  return user === "nobody" ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
}

/** Not in `/tmp`: that is private in the sandbox, and what cannot be seen is no test of what may be written. */
export function scratch(user: User): string {
  const parent = [join(project, "node_modules/.cache"), join(homedir(), ".cache"), "/var/cache"]
    .filter((folder) => !/^\/(var\/)?tmp\//.test(folder))
    .map((folder) => join(folder, "openkoi-tests"))
    .find((folder) => canMake(folder) && canReach(user, folder));
  if (!parent) throw new Error("there is no folder outside of /tmp to test the sandbox in: put the project elsewhere");
  const folder = mkdtempSync(join(parent, "exec-"));
  if (user === "nobody") chownSync(folder, NOBODY, NOBODY);
  return folder;
}

/** Root's home is closed to others. */
function canReach(user: User, folder: string): boolean {
  return user === "this user" || Bun.spawnSync([...becoming(user), "ls", folder], { cwd: "/" }).success;
}

function canMake(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

export async function startHeld(
  user: User,
  options: Partial<Omit<ExecInput, "workspace" | "privateTemp">> & { before?: (places: Places) => void } = {},
): Promise<Held> {
  const base = scratch(user);
  const at = (name: string) => join(base, name);
  for (const name of ["workspace", "home/.ssh", "home/.npm", "home/.openkoi", "outside/folder", "temp"]) {
    mkdirSync(at(name), { recursive: true });
  }
  writeFileSync(at("home/.ssh/id_ed25519"), "PRIVATE KEY OF THE TEST\n");
  writeFileSync(at("home/.openkoi/auth.json"), "OWN KEY OF THE TEST\n");
  writeFileSync(at("home/.bashrc"), "# start-up file\n");
  writeFileSync(at("outside/file"), "untouched\n");
  writeFileSync(at("workspace/file"), "of the workspace\n");
  options.before?.({ workspace: at("workspace"), home: at("home"), outside: at("outside") });
  if (user === "nobody") Bun.spawnSync(["chown", "-R", `${NOBODY}:${NOBODY}`, base]);
  const { before: _, ...rest } = options;
  const child = Bun.spawn([...becoming(user), process.execPath, join(import.meta.dir, "driver.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
    cwd: at("workspace"),
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: at("home"),
      OPENAI_API_KEY: "sk-the-key-of-the-agent",
    },
  });
  const lines = linesOf(child.stdout);
  const ask = async (order: unknown) => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    await child.stdin.flush();
    const { value, done } = await lines.next();
    if (done) throw new Error("the agent under test has ended");
    return JSON.parse(value);
  };
  const { posture, pid } = await ask({
    workspace: at("workspace"),
    addDirs: [],
    mode: "workspace",
    network: "loopback",
    privateTemp: at("temp"),
    graceMs: 100,
    hidden: [at("home/.openkoi")],
    caches: at("home/.openkoi/data/cache"),
    ...rest,
  });
  return {
    posture,
    pid,
    workspace: at("workspace"),
    home: at("home"),
    outside: at("outside"),
    run: (line, order = {}) => ask({ line, ...order }),
    kill: () => child.kill("SIGKILL"),
    async close() {
      child.stdin.end();
      await child.exited;
      rmSync(base, { recursive: true, force: true });
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Copies a folder of test data into the workspace, for the agent's user. */
export function bring(from: string, to: string, user: User): void {
  cpSync(from, to, { recursive: true });
  if (user === "nobody") Bun.spawnSync(["chown", "-R", `${NOBODY}:${NOBODY}`, to]);
}

/** True while a process with this text in its command line exists. */
export function alive(text: string): boolean {
  return Bun.spawnSync(["pgrep", "-f", text]).success;
}
