import { realpathSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import type { Redactor } from "../base/redact.ts";
import { closest } from "../base/text.ts";
import type { Exec } from "../contracts/exec.ts";
import type { Clock } from "../contracts/kit.ts";
import type { ToolCallBlock } from "../contracts/message.ts";
import type { Ask } from "../contracts/question.ts";
import type { Tool, ToolContext, ToolOutput, ToolResult, Toolset } from "../contracts/tool.ts";
import { parseArguments, plainName } from "./arguments.ts";
import { explainSystemError, Mistake } from "./mistake.ts";
import { type Permissions, refusalText } from "./permissions.ts";
import { createSeenFiles } from "./seen.ts";
import { fitResult } from "./truncate.ts";

export interface ToolsetInput {
  /** Absolute and real (no links in it). */
  workspace: string;
  /** Absolute and real. */
  addDirs: readonly string[];
  exec: Exec;
  redactor: Redactor;
  permissions: Permissions;
  /** This task's own folder for results that were cut; made when needed. */
  outputDir: string;
  /** Further folders that may be read, absolute and real. */
  readable?: readonly string[];
  /** Calls that earlier runs of the task made: their results keep their names. */
  earlierCalls?: number;
  /** Files that earlier runs of the task saw, and when (seen-earlier.ts). */
  seenEarlier?: ReadonlyMap<string, number>;
  /** Hears of a file (absolute, real) before a tool changes it. */
  beforeWrite?(path: string): Promise<void>;
  /** Hears that a tool is about to run something of which nobody knows what it changes. */
  beforeCommand?(): Promise<void>;
  /** Hears that it has ended, however it did. */
  afterCommand?(): Promise<void>;
  clock: Clock;
}

/** For tools that do not set their own, ms. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** A tool of any parameters, as the list of a toolset takes it: its `run` is only ever given what its schema accepts. */
export function defineTool<P>(tool: Tool<P>): Tool {
  return tool as Tool;
}

/**
 * The one wrapper of all tools: arguments read and checked, secrets put back, permission, time limit, abort, secrets
 * taken out, length. What the model did wrong is a result; only the task's abort is thrown.
 */
export function createToolset(tools: readonly Tool[], input: ToolsetInput): Toolset {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const seen = createSeenFiles(input.clock, input.seenEarlier);
  let saved = input.earlierCalls ?? 0;

  const find = (name: string) => byName.get(name) ?? byName.get(plainName(name));

  async function run(call: ToolCallBlock, ask: Ask, signal: AbortSignal, emit: (chunk: string) => void) {
    const { redactor } = input;
    const tool = find(call.name);
    if (!tool) return failure(unknownTool(call.name, [...byName.keys()]));
    const parsed = parseArguments(tool, call.arguments, (text) => redactor.reveal(text));
    if (!parsed.ok) return failure(redactor.hide(parsed.message));

    const live = redactor.stream();
    const say = (chunk: string) => {
      if (chunk !== "") emit(chunk);
    };
    const contextWith = (own: AbortSignal): ToolContext => ({
      workspace: input.workspace,
      addDirs: input.addDirs,
      // Asked for only where a path lies elsewhere: few do.
      get readable() {
        return [...realFolders(input.outputDir), ...(input.readable ?? [])];
      },
      exec: input.exec,
      seen,
      signal: own,
      mayRead: (path) => input.permissions.mayRead(path),
      hide: (text) => redactor.hide(text),
      beforeWrite: async (path) => input.beforeWrite?.(path),
      emit: (chunk) => say(live.push(chunk)),
    });
    try {
      const subject = tool.subject(parsed.value);
      const request = {
        tool: tool.name,
        effect: tool.effectOf?.(parsed.value) ?? tool.effect,
        subject,
        destroys: tool.destroys?.(parsed.value),
        detail: async () => (await tool.preview?.(parsed.value, contextWith(signal))) ?? subject,
      };
      const verdict = await input.permissions.decide(request, ask, signal);
      if (verdict !== "allow") {
        return {
          ...failure(refusalText(verdict)),
          ...(verdict.denied ? { denied: true, reason: verdict.refuse } : {}),
        };
      }
      const act = () => withinTime(tool, parsed.value, contextWith, signal, input.clock);
      const output = await (request.effect === "execute" ? watched(act, input) : act());
      say(live.end());
      const note = parsed.unknown.length > 0 ? `\n[unknown, so ignored: ${parsed.unknown.join(", ")}]` : "";
      return await finish(output, redactor.hide(output.text + note), `${tool.name}-${++saved}`);
    } catch (error) {
      signal.throwIfAborted();
      return failure(redactor.hide(explain(tool.name, error)));
    }
  }

  async function finish(output: ToolOutput, text: string, name: string): Promise<ToolResult> {
    return {
      ...(await fitResult(text, input.outputDir, name)),
      isError: output.isError ?? false,
      ...(output.images ? { images: output.images } : {}),
      ...(output.changed ? { changed: output.changed.map((path) => input.redactor.hide(path)) } : {}),
    };
  }

  return {
    specs: tools.map(({ name, description, parameters }) => ({ name, description, parameters: parameters.json })),
    effect(call) {
      const tool = find(call.name);
      if (!tool?.effectOf) return tool?.effect;
      const parsed = parseArguments(tool, call.arguments, (text) => text);
      return parsed.ok ? tool.effectOf(parsed.value) : tool.effect;
    },
    subject(call) {
      const tool = find(call.name);
      const parsed = tool && parseArguments(tool, call.arguments, (text) => text);
      return parsed?.ok ? tool!.subject(parsed.value) : "";
    },
    async call(call, ask, signal, emit) {
      signal.throwIfAborted();
      return await run(call, ask, signal, emit);
    },
  };
}

/** A folder that was not needed so far holds nothing to read. */
function realFolders(folder: string): string[] {
  try {
    return [realpathSync(folder)];
  } catch {
    return [];
  }
}

function failure(text: string): ToolResult {
  return { text, isError: true };
}

function unknownTool(name: string, names: readonly string[]): string {
  const near = closest(name, names);
  return `There is no tool ${name}.${near ? ` Did you mean ${near}?` : ""} Tools: ${names.join(", ")}.`;
}

/** Runs something of which nobody knows what it changes, between a look at the files before and one after. */
async function watched<T>(act: () => Promise<T>, { beforeCommand, afterCommand }: ToolsetInput): Promise<T> {
  await beforeCommand?.();
  try {
    return await act();
  } finally {
    await afterCommand?.();
  }
}

/** Runs the tool until it ends, its time is up or the task is aborted; also a tool that does not look at its signal. */
async function withinTime(
  tool: Tool,
  args: unknown,
  contextWith: (signal: AbortSignal) => ToolContext,
  signal: AbortSignal,
  clock: Clock,
): Promise<ToolOutput> {
  signal.throwIfAborted();
  const limitMs = tool.timeoutMs?.(args) ?? DEFAULT_TIMEOUT_MS;
  const stop = new AbortController();
  const done = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
  });
  clock.sleep(limitMs, done.signal).then(
    () => stop.abort(new Mistake(`${tool.name} was stopped after ${limitMs / 1000} s. Ask for less at once.`)),
    () => {},
  );
  try {
    return await Promise.race([tool.run(args, contextWith(stop.signal)), stopped]);
  } finally {
    // With a reason of our own no error is made, which nobody would see.
    done.abort("done");
    signal.removeEventListener("abort", onAbort);
  }
}

function explain(name: string, error: unknown): string {
  if (error instanceof Mistake) return error.message;
  return `${name} failed: ${explainSystemError(error) ?? messageOf(error)}.`;
}
