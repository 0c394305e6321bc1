import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pkg from "../../embed/demo/package.json.txt" with { type: "text" };
import priceTest from "../../embed/demo/price.test.ts.txt" with { type: "text" };
import price from "../../embed/demo/price.ts.txt" with { type: "text" };
import recording from "../../embed/demo/recording.jsonl.txt" with { type: "text" };
import { createApp } from "../app.ts";
import { type Env, readEnv } from "../base/env.ts";
import { Exit, type ExitCode } from "../base/errors.ts";
import type { CommandLine } from "./args.ts";
import { createDisplay, printOutcome } from "./display/index.ts";
import { standardError } from "./display/standard.ts";
import { watchSignals } from "./signals.ts";

export const DEMO_TASK = "The tests of price.ts fail. Make total() do what its comment says.";

const INTRO = `A small project with failing tests is set up in a temporary folder. Engine,
tools, file changes and test runs are real; only the model is recorded: its
answers were written by hand, so this needs no key and no network.
The task: ${DEMO_TASK}

`;

/** `openkoi demo`: the whole cycle, offline, in a temporary folder that is removed again. */
export async function demo({ flags }: CommandLine): Promise<ExitCode> {
  const signals = watchSignals();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-demo-")));
  try {
    const project = layOut(folder, process.execPath);
    if (!flags.quiet) standardError().write(INTRO);
    const display = createDisplay({
      quiet: flags.quiet ?? false,
      verbose: flags.verbose ?? false,
      format: "text",
      resumable: false,
    });
    const task = await createApp(demoEnv(readEnv(), folder)).start({
      dir: project,
      description: DEMO_TASK,
      overrides: { "permissions.mode": "auto" },
      replay: join(folder, "recording.jsonl"),
      readers: display.readers,
      answer: async () => ({ choice: "stop", by: "policy" }),
      signal: signals.signal,
    });
    const outcome = await task.outcome;
    await printOutcome(display.output, "text", outcome, task.task.id);
    if (display.output.fault) throw display.output.fault;
    return outcome.status === "accepted" ? Exit.ok : Exit.failure;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    signals.stop();
  }
}

/** Writes the project, the recording, and a `bun` that is this very binary. */
export function layOut(folder: string, binary: string): string {
  const project = join(folder, "price");
  const bin = join(folder, "bin");
  mkdirSync(project);
  mkdirSync(bin);
  writeFileSync(join(project, "package.json"), pkg);
  writeFileSync(join(project, "price.ts"), price);
  writeFileSync(join(project, "price.test.ts"), priceTest);
  writeFileSync(join(folder, "recording.jsonl"), recording);
  writeFileSync(join(bin, "bun"), `#!/bin/sh\nBUN_BE_BUN=1 exec '${binary}' "$@"\n`);
  chmodSync(join(bin, "bun"), 0o755);
  return project;
}

/** Nothing of the user's own settings, keys or data takes part. */
export function demoEnv(env: Env, folder: string): Env {
  const kept = ["HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "NO_COLOR", "CI"].map((name) => [name, env[name]]);
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(folder, "bin")}:${env["PATH"] ?? "/usr/bin:/bin"}`,
    OPENKOI_HOME: join(folder, "home"),
  };
}
