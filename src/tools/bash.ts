import description from "../../embed/tools/bash.md" with { type: "text" };
import { type Infer, s } from "../base/schema.ts";
import { stripControl } from "../base/text.ts";
import type { BackgroundProcess, SpawnResult } from "../contracts/exec.ts";
import type { Tool, ToolContext, ToolOutput } from "../contracts/tool.ts";
import { Mistake } from "./mistake.ts";
import { ShellState } from "./shell-state.ts";

const DEFAULT_SECONDS = 120;
const MAX_SECONDS = 3600;

/** Kept of a command's output, bytes: more than a result may hold, so that the whole can be saved and searched. */
const KEPT_OUTPUT = 8 * 1024 * 1024;

/** `exec` ends the command at its limit; the wrapper's own limit comes only if that fails. */
const GRACE_MS = 20_000;

type BashArguments = Infer<ReturnType<typeof parameters>>;

/** One for each task: it knows the task's jobs and the state of its shell. */
export function createBash(): Tool<BashArguments> {
  const jobs = new Map<number, BackgroundProcess>();
  let state: ShellState | undefined;

  return {
    name: "bash",
    description: description.trim(),
    parameters: parameters(),
    effect: "execute",
    effectOf: ({ command }) => (command === undefined ? "read" : "execute"),
    timeoutMs: (args) => secondsOf(args) * 1000 + GRACE_MS,
    subject: ({ command, job, kill }) => command ?? (job === undefined ? "" : `${kill ? "kill " : ""}job ${job}`),

    async run(args, context) {
      const { command, background, job, kill } = args;
      if (command === undefined) return await lookAt(jobs, job, kill === true);
      if (command.trim() === "") throw new Mistake('command is empty: give one, e.g. {"command":"ls"}.');
      state ??= new ShellState([context.workspace, ...context.addDirs]);
      return background
        ? await start(command, state, jobs, context)
        : report(await execute(command, secondsOf(args), state, context), secondsOf(args));
    },
  };
}

function parameters() {
  return s.object({
    command: s.optional(s.string()),
    timeout: s.optional(s.integer(undefined, { min: 1 })),
    background: s.optional(s.boolean()),
    job: s.optional(s.integer()),
    kill: s.optional(s.boolean()),
  });
}

function secondsOf({ timeout = DEFAULT_SECONDS }: BashArguments): number {
  return Math.min(timeout, MAX_SECONDS);
}

function execute(command: string, seconds: number, state: ShellState, context: ToolContext): Promise<SpawnResult> {
  return context.exec.run(
    {
      argv: context.exec.shell(state.wrap(command)),
      cwd: context.workspace,
      timeoutMs: seconds * 1000,
      maxOutput: KEPT_OUTPUT,
      onOutput: (chunk) => context.emit(chunk),
    },
    context.signal,
  );
}

function report(result: SpawnResult, seconds: number): ToolOutput {
  const output = readable(result.output);
  const notes: string[] = [];
  if (result.omitted > 0) notes.push(`${result.omitted} bytes of output are lost from its middle`);
  if (result.timedOut) notes.push(`stopped after ${seconds} s: raise timeout, or use background`);
  else if (result.signal) notes.push(`killed by ${result.signal}`);
  else if (result.code !== 0) notes.push(`exit ${result.code}`);
  if (result.leftovers && !result.timedOut)
    notes.push("processes it left running were ended; use background to keep one");
  if (output === "" && notes.length === 0) notes.push("exit 0, no output");
  return {
    text: [output, ...(notes.length > 0 ? [`[${notes.join("; ")}]`] : [])].filter((part) => part !== "").join("\n"),
    isError: result.timedOut || result.signal !== null || result.code !== 0,
  };
}

/** Without colours, and of lines that were overwritten (progress bars) the last version. */
function readable(output: string): string {
  return stripControl(output.replace(/[^\n]*\r(?!\n|$)/g, "")).replace(/\n+$/, "");
}

async function start(
  command: string,
  state: ShellState,
  jobs: Map<number, BackgroundProcess>,
  context: ToolContext,
): Promise<ToolOutput> {
  const process = await context.exec.start({
    argv: context.exec.shell(state.wrap(command, true)),
    cwd: context.workspace,
  });
  jobs.set(process.id, process);
  return { text: `Started job ${process.id}. {"job":${process.id}} reads its new output, with "kill":true ends it.` };
}

async function lookAt(
  jobs: Map<number, BackgroundProcess>,
  id: number | undefined,
  kill: boolean,
): Promise<ToolOutput> {
  if (id === undefined) throw new Mistake('Give a command, or the job to look at: {"command":"ls"} or {"job":1}.');
  const process = jobs.get(id);
  if (!process) {
    const known =
      jobs.size > 0 ? `Jobs: ${[...jobs.keys()].join(", ")}.` : "No job was started; background starts one.";
    throw new Mistake(`There is no job ${id}. ${known}`);
  }
  const running = process.ended === undefined;
  if (kill && running) await process.kill();
  const { output, omitted } = process.read();
  const lost = omitted > 0 ? `; ${omitted} bytes before were lost` : "";
  return {
    text: [readable(output), `[job ${id} ${stateOf(process, kill && running)}${lost}]`].filter(Boolean).join("\n"),
  };
}

function stateOf({ ended }: BackgroundProcess, killed: boolean): string {
  if (killed) return "was killed";
  if (!ended) return "is running";
  return ended.signal ? `was killed by ${ended.signal}` : `ended with exit ${ended.code}`;
}
