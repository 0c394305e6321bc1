import { getKey, type Layer, leaves, setKey } from "./config-layers.ts";

/**
 * How a project's file may change a setting. A cloned folder is not the user: it may ask for less, never for more.
 * `free`: to any value, once the user trusts the folder; `lower`, `higher`: only in this direction; `join`: added to
 * the user's list; a list of values: from left to right ever narrower.
 */
type Rule = "free" | "lower" | "higher" | "join" | readonly (string | boolean)[];

/** What is not named here is the user's alone: the embedder too, which is sent the memory of every folder. */
const RULES: Readonly<Record<string, Rule>> = {
  "models.executor": "free",
  "models.evaluator": "free",
  "models.planner": "free",
  "models.small_model": "free",
  "models.fallback.executor": "free",
  "iteration.max_iterations": "lower",
  "iteration.quality_threshold": "higher",
  "iteration.improvement_threshold": "free",
  "iteration.timeout_seconds": "lower",
  "iteration.token_budget": "lower",
  "iteration.skip_eval_confidence": "higher",
  "safety.max_cost_usd": "lower",
  "safety.abort_on_regression": [false, true],
  "safety.regression_threshold": "lower",
  "safety.tool_loop.warning": "lower",
  "safety.tool_loop.critical": "lower",
  "safety.tool_loop.circuit_breaker": "lower",
  "permissions.mode": ["auto", "ask", "read-only"],
  "permissions.deny": "join",
  "sandbox.mode": ["off", "workspace"],
  "sandbox.network": ["all", "loopback", "none"],
  "evaluate.checks": "free",
  "patterns.enabled": [true, false],
  "patterns.auto_propose": [true, false],
  "redaction.enabled": [false, true],
  "redaction.entropy": [false, true],
};

/** What a project's settings come to, given the user's complete settings. */
export interface ProjectSettings {
  /** What asks for less: it holds in any case. */
  narrower: Layer;
  /** What only a folder that the user trusts may set, and its keys. */
  free: Layer;
  freeKeys: string[];
  /** Keys that have no effect. Where a whole section is the user's alone, its name is listed once. */
  ignored: string[];
}

export function narrowed(project: Layer, user: Layer): ProjectSettings {
  const narrower: Layer = {};
  const free: Layer = {};
  const freeKeys: string[] = [];
  const ignored = new Set<string>();
  for (const [path, value] of leaves(project)) {
    const key = path.join(".");
    const rule = RULES[key];
    const own = getKey(user, path);
    if (rule === undefined) {
      const section = path[0] ?? key;
      ignored.add(Object.keys(RULES).some((known) => known.startsWith(`${section}.`)) ? key : `[${section}]`);
    } else if (rule === "free") {
      setKey(free, path, value);
      freeKeys.push(key);
    } else if (rule === "join") setKey(narrower, path, [...(own as unknown[]), ...(value as unknown[])]);
    else if (allowed(rule, value, own)) setKey(narrower, path, value);
    else ignored.add(key);
  }
  return { narrower, free, freeKeys, ignored: [...ignored] };
}

function allowed(rule: Exclude<Rule, "free" | "join">, value: unknown, own: unknown): boolean {
  if (rule === "lower") return (value as number) <= (own as number);
  if (rule === "higher") return (value as number) >= (own as number);
  return rule.indexOf(value as string | boolean) >= rule.indexOf(own as string | boolean);
}
