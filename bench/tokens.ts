import type { Usage } from "../src/contracts/message.ts";
import { argumentsOf, estimated, type FakeRequest, type ScriptedTurn } from "../test/fakes/script.ts";
import type { Message } from "./requests.ts";

export type Role = "planner" | "executor" | "judge" | "other";

/** One request and its answer, in tokens (bytes by four). */
export interface Exchange {
  role: Role;
  /** The executor's own; of the judge the one that is judged; 0 for the planner. */
  iteration: number;
  input: number;
  /** The part of `input` that a provider with prompt caching has seen before. */
  cached: number;
  output: number;
  /** What the conversation so far adds to the task, the answer included: turns and tool results. */
  history: number;
}

/** OpenAI's automatic caching: prefixes of 1024 tokens and more, in steps of 128. */
const CACHE = { least: 1024, step: 128 };

/** Counts the exchanges of one run. */
export class Tokens {
  readonly exchanges: Exchange[] = [];
  readonly #prompts: string[] = [];

  /** The usage to report for this answer. */
  count(request: FakeRequest, turn: ScriptedTurn, role: Role, iteration: number): Partial<Usage> {
    const { messages, tools } = request.body as { messages: Message[]; tools?: unknown };
    const prompt = `${JSON.stringify(tools ?? [])}${JSON.stringify(messages).slice(0, -1)}`;
    const input = estimated(prompt);
    const cached = this.#cached(prompt);
    this.#prompts.push(prompt);
    const calls = (turn.calls ?? []).map((call) => call.name + argumentsOf(call)).join("");
    const output = estimated((turn.text ?? "") + calls);
    const first = messages.findIndex((message) => message.role === "user");
    const history = estimated(JSON.stringify(messages.slice(first + 1))) + output;
    this.exchanges.push({ role, iteration, input, cached, output, history });
    return { input: input - cached, cacheRead: cached, output };
  }

  #cached(prompt: string): number {
    const longest = Math.max(0, ...this.#prompts.map((earlier) => commonPrefix(earlier, prompt)));
    const tokens = Math.floor(longest / 4);
    return tokens < CACHE.least ? 0 : tokens - (tokens % CACHE.step);
  }
}

export interface TokenSums {
  /** Everything that was sent and answered. */
  sent: number;
  /** The same without what a prompt cache had. */
  uncached: number;
  /** What would have been sent had every iteration's work carried the whole history. */
  naive: number;
  /** The same, had the judgements been made in that one conversation too. */
  naiveWithJudge: number;
}

/**
 * The naive sums add to every request of an iteration the turns and tool results of the iterations before it, and nothing
 * else: neither the findings of earlier iterations nor what the judge answered is counted, so they are a lower bound.
 */
export function sums(exchanges: readonly Exchange[]): TokenSums {
  const total: TokenSums = { sent: 0, uncached: 0, naive: 0, naiveWithJudge: 0 };
  for (const each of exchanges) {
    const sent = each.input + each.output;
    total.sent += sent;
    total.uncached += sent - each.cached;
    total.naive += sent + (each.role === "executor" ? historyBefore(exchanges, each.iteration) : 0);
    const known = each.role === "judge" ? each.iteration + 1 : each.role === "executor" ? each.iteration : 0;
    total.naiveWithJudge += sent + historyBefore(exchanges, known);
  }
  return total;
}

function historyBefore(exchanges: readonly Exchange[], iteration: number): number {
  const lastOf = new Map<number, number>();
  for (const each of exchanges) {
    if (each.role === "executor" && each.iteration < iteration) lastOf.set(each.iteration, each.history);
  }
  return [...lastOf.values()].reduce((sum, history) => sum + history, 0);
}

function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at;
}
