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

/**
 * Runs the binary on a terminal of its own; `$OPENKOI` is its path; `type` is typed as soon as `when` stands there, each
 * after the one before. Where nothing is to be typed, `act` is called with the process.
 */
export async function onTerminal(
  at: Place,
  command: string,
  keys: readonly { when: string; type?: string; act?(child: { kill(signal: "SIGKILL"): void }): void }[],
) {
  let seen = "";
  let from = 0;
  const left = [...keys];
  const child = Bun.spawn(["/bin/sh", "-c", command], {
    cwd: at.project,
    env: { ...at.env, TERM: "xterm", OPENKOI: BINARY },
    terminal: {
      cols: 80,
      rows: 24,
      data(terminal, chunk) {
        seen += new TextDecoder().decode(chunk);
        const at = left[0] ? seen.indexOf(left[0].when, from) : -1;
        if (at < 0) return;
        const { when, type = "", act } = left.shift()!;
        from = at + when.length;
        if (act) act(child);
        else terminal.write(type);
      },
    },
  });
  const code = await child.exited;
  await Bun.sleep(50);
  return { code, seen };
}
