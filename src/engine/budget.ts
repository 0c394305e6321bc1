import { formatTokens, formatUsd } from "../base/text.ts";
import type { Limits } from "../contracts/event.ts";
import type { Message, Usage } from "../contracts/message.ts";
import type { ModelInfo, ModelRequest } from "../contracts/provider.ts";
import type { CallRecord, Saved, Spent } from "../contracts/task.ts";
import { measure } from "./measure.ts";
import { Stop } from "./stop.ts";

/** A call that may produce fewer tokens than this is not worth making. */
const LEAST_OUTPUT = 256;
const WARN_AT = 0.8;
/** The smallest budget that is worth naming, USD. */
const LEAST_USD = 0.01;

/** USD of one call, or null where the price is unknown. */
export function costOf(usage: Usage, info: ModelInfo): number | null {
  const price = info.price;
  if (!price) return null;
  return (
    (usage.input * price.input +
      usage.output * price.output +
      usage.cacheRead * price.cacheRead +
      usage.cacheWrite * price.cacheWrite) /
    1e6
  );
}

/** Tokens that count against the token budget: input that was not cached, and output. */
export function countedTokens(usage: Usage): number {
  return usage.input + usage.cacheWrite + usage.output;
}

export function nothingSpent(): Spent {
  return {
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    costUsd: 0,
    costKnown: true,
    calls: 0,
  };
}

export function nothingSaved(): Saved {
  return { deltaFeedback: 0, skippedEvaluation: 0, incrementalEvaluation: 0, caching: 0 };
}

/** The sum after one more call. Never changes `spent`. */
export function addCall(spent: Spent, call: CallRecord): Spent {
  const usage = { ...spent.usage };
  for (const key of Object.keys(usage) as (keyof Usage)[]) usage[key] += call.usage[key];
  return {
    usage,
    costUsd: spent.costUsd + (call.costUsd ?? 0),
    costKnown: spent.costKnown && call.costUsd !== null,
    calls: spent.calls + 1,
  };
}

/** What the task may spend and has spent. Asked before each call, told after it. */
export class Budget {
  spent: Spent;
  readonly #limits: Limits;
  #warned = false;
  /** Why a call that was wanted could not be made. */
  #refused: string | undefined;
  readonly #unpriced = new Set<string>();
  /** Tokens that the provider holds in its cache, by the first message of the conversation whose prefix they are. */
  readonly #cached = new WeakMap<Message, number>();

  /** `spent`: by earlier runs of the same task. */
  constructor(limits: Limits, spent: Spent = nothingSpent()) {
    this.#limits = limits;
    this.spent = spent;
  }

  /** Why no more can be spent, and how more is allowed: everything is spent, or too little is left for a call that was wanted. */
  get exhausted(): string | undefined {
    if (this.#refused !== undefined || this.#share < 1) return this.#refused;
    const { budgetUsd, tokenBudget } = this.#limits;
    const money = shareOf(this.spent.costUsd, budgetUsd) >= shareOf(countedTokens(this.spent.usage), tokenBudget);
    return money ? `the budget is used up ${this.#money(0)}` : `the token budget is used up ${this.#tokens(0)}`;
  }

  /** `next`: USD that the next call may cost. */
  #money(next: number): string {
    const { costUsd } = this.spent;
    const limit = this.#limits.budgetUsd;
    const more = Math.ceil(100 * Math.max(2 * limit, 2 * (costUsd + next), LEAST_USD)) / 100;
    return `(${formatUsd(costUsd)} of ${formatUsd(limit)} spent; --budget ${more} allows more)`;
  }

  /** `next`: tokens that the next call may take. */
  #tokens(next: number): string {
    const used = countedTokens(this.spent.usage);
    const limit = this.#limits.tokenBudget;
    const more = 1000 * Math.ceil(Math.max(2 * limit, 2 * (used + next)) / 1000);
    const way = `OPENKOI_ITERATION_TOKEN_BUDGET=${more}, or token_budget under [iteration] in the config, allows more`;
    return `(${formatTokens(used)} of ${formatTokens(limit)} tokens used; ${way})`;
  }

  /** True from where the user is warned on. */
  get scarce(): boolean {
    return this.#share >= WARN_AT;
  }

  /** The greater part used up, of money or of tokens. A budget of nothing is used up by the first cent. */
  get #share(): number {
    const { budgetUsd, tokenBudget } = this.#limits;
    return Math.max(shareOf(this.spent.costUsd, budgetUsd), shareOf(countedTokens(this.spent.usage), tokenBudget));
  }

  /**
   * The request's output limit, clamped to what the model can give and to what is left. Throws `Stop` where the input
   * alone, or a worthwhile answer, would go over the budget.
   */
  admit(request: ModelRequest, info: ModelInfo): number {
    const input = measure(request);
    const cached = Math.min(this.#cached.get(request.messages[0]!) ?? 0, input);
    const fresh = input - cached;
    const room = Math.max(LEAST_OUTPUT, info.context - input);
    const wanted = Math.min(request.maxTokens, info.maxOutput, room);
    const tokensLeft = this.#limits.tokenBudget - countedTokens(this.spent.usage) - fresh;
    let output = Math.min(wanted, tokensLeft);
    let inputUsd = 0;
    if (info.price) {
      inputUsd = (fresh * Math.max(info.price.input, info.price.cacheWrite) + cached * info.price.cacheRead) / 1e6;
      const usdLeft = this.#limits.budgetUsd - this.spent.costUsd - inputUsd;
      if (info.price.output > 0) output = Math.min(output, Math.floor((usdLeft * 1e6) / info.price.output));
      else if (usdLeft < 0) output = 0;
    }
    if (output < Math.min(LEAST_OUTPUT, wanted)) {
      const why =
        output === tokensLeft
          ? `the token budget ${this.#tokens(fresh + wanted)}`
          : `the budget ${this.#money(inputUsd + (wanted * (info.price?.output ?? 0)) / 1e6)}`;
      this.#refused = `the next call would go over ${why}`;
      throw new Stop("abort_budget", this.#refused);
    }
    return output;
  }

  /** The conversation that begins with this message is not what the provider holds any more. */
  forget(first: Message): void {
    this.#cached.delete(first);
  }

  /** True with the first call of each model whose price is unknown: only tokens limit what it does. */
  isFirstUnpriced({ model, costUsd }: CallRecord): boolean {
    if (costUsd !== null || this.#unpriced.has(model)) return false;
    this.#unpriced.add(model);
    return true;
  }

  /** Counts a finished call; `request` where it was the engine's own. Returns a warning the first time 80 % are used. */
  add(call: CallRecord, request?: ModelRequest): string | undefined {
    this.spent = addCall(this.spent, call);
    if (request) this.#cached.set(request.messages[0]!, call.usage.cacheRead + call.usage.cacheWrite);
    if (this.#warned || this.#share < WARN_AT) return undefined;
    this.#warned = true;
    return `${Math.round(this.#share * 100)} % of the budget is used`;
  }
}

function shareOf(used: number, limit: number): number {
  return used === 0 ? 0 : used / limit;
}
