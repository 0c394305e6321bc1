import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The compiled binary is the product: end-to-end tests drive nothing else. */
export const BINARY = resolve(import.meta.dir, "../../dist/openkoi");

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** A place for one test: an empty HOME and a project folder beside it. */
export interface Place {
  home: string;
  project: string;
  /** Environment of a machine without keys: PATH, HOME and nothing of ours. */
  env: Record<string, string>;
  write(files: Record<string, string>): void;
  remove(): void;
}

export function makePlace(files: Record<string, string> = {}): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-e2e-")));
  const home = join(root, "home");
  const project = join(root, "project");
  mkdirSync(home);
  mkdirSync(project);
  const place: Place = {
    home,
    project,
    env: {
      HOME: home,
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      LANG: "C.UTF-8",
      TMPDIR: tmpdir(),
    },
    write(more) {
      for (const [name, text] of Object.entries(more)) {
        const path = join(project, name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  place.write(files);
  return place;
}

/** Writes `~/.openkoi/config.toml` with a local OpenAI-compatible server as the only provider. */
export function useServer(place: Place, url: string, extra = ""): void {
  const folder = join(place.home, ".openkoi");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "config.toml"),
    `[models]\nexecutor = "local/test-model"\n[providers.local]\nbase_url = "${url}"\n${extra}`,
  );
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string | "open";
  cwd?: string;
}

export type Child = ReturnType<typeof start>;

export function start(place: Place, args: readonly string[], options: RunOptions = {}) {
  const { stdin } = options;
  const child = Bun.spawn([BINARY, ...args], {
    cwd: options.cwd ?? place.project,
    env: { ...place.env, ...options.env },
    stdin: stdin === undefined ? "ignore" : stdin === "open" ? "pipe" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  return child;
}

export async function openkoi(place: Place, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = start(place, args, options);
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

/** What is done as soon as a text stands on the screen: `type` is typed, or `act` is called with the process. */
export interface Step {
  when: string;
  type?: string;
  act?(child: { kill(signal: "SIGKILL"): void }): void;
}

/** How long a terminal is waited for that a process still has open, ms. */
const LINGER_MS = 2000;

/**
 * Runs a shell command on a terminal of its own; `$OPENKOI` is the binary. The steps are taken one after the other;
 * `undone` of them did not come.
 */
export async function onTerminal(at: Place, command: string, steps: readonly Step[], size = { cols: 80, rows: 24 }) {
  let seen = "";
  let from = 0;
  const left = [...steps];
  const decoder = new TextDecoder();
  const closed = Promise.withResolvers<void>();
  const child = Bun.spawn(["/bin/bash", "-c", command], {
    cwd: at.project,
    env: { ...at.env, TERM: "xterm", OPENKOI: BINARY },
    terminal: {
      ...size,
      data(terminal, chunk) {
        seen += decoder.decode(chunk, { stream: true });
        const found = left[0] ? seen.indexOf(left[0].when, from) : -1;
        if (found < 0) return;
        const { when, type = "", act } = left.shift()!;
        from = found + when.length;
        if (act) act(child);
        else terminal.write(type);
      },
      exit: () => closed.resolve(),
    },
  });
  const code = await child.exited;
  // What it wrote last may still be on its way.
  await Promise.race([closed.promise, Bun.sleep(LINGER_MS)]);
  child.terminal?.close();
  return { code, seen, undone: left.length };
}
