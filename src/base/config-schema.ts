import { type Infer, type Schema, s } from "./schema.ts";

/** `T` with every property and list unchangeable, all the way down. */
export type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** All settings of one run, complete and frozen. Keys are spelled as in `config.toml`. */
export type Config = DeepReadonly<Infer<ReturnType<typeof configSchema>>>;

/** An object that may be missing as a whole: its keys then have their own defaults. */
function section<T>(inner: Schema<T>): Schema<T> {
  return { json: inner.json, optional: true, check: (value, path, context) => inner.check(value ?? {}, path, context) };
}

const text = (fallback = "") => s.withDefault(s.string(), fallback);
const texts = () => s.withDefault(s.array(s.string()), []);
const flag = (fallback: boolean) => s.withDefault(s.boolean(), fallback);
const count = (fallback: number, min = 1, max?: number) =>
  s.withDefault(s.integer(undefined, max === undefined ? { min } : { min, max }), fallback);
const share = (fallback: number) => s.withDefault(s.number(undefined, { min: 0, max: 1 }), fallback);
/** A month of work. */
const MOST_SECONDS = 30 * 24 * 60 * 60;
/** Nobody serves a larger window. */
const tokens = () => s.integer(undefined, { min: 1, max: 100_000_000 });
const amount = (fallback: number) => s.withDefault(s.number(undefined, { min: 0 }), fallback);

/** `config.toml` (PRODUCT.md, section 2) with every default. */
export function configSchema() {
  return s.object({
    models: section(
      s.object({
        executor: text(),
        evaluator: text(),
        planner: text(),
        embedder: text(),
        small_model: text(),
        fallback: section(s.object({ executor: texts() })),
      }),
    ),
    iteration: section(
      s.object({
        max_iterations: count(3, 0),
        quality_threshold: share(0.8),
        improvement_threshold: share(0.05),
        timeout_seconds: count(1800, 1, MOST_SECONDS),
        token_budget: count(1_000_000),
        skip_eval_confidence: share(0.95),
      }),
    ),
    safety: section(
      s.object({
        max_cost_usd: amount(2),
        abort_on_regression: flag(true),
        regression_threshold: share(0.2),
        tool_loop: section(s.object({ warning: count(10), critical: count(20), circuit_breaker: count(30) })),
      }),
    ),
    permissions: section(
      s.object({
        mode: s.withDefault(s.choice(["ask", "auto", "read-only"]), "ask"),
        allow: texts(),
        deny: texts(),
      }),
    ),
    sandbox: section(
      s.object({
        mode: s.withDefault(s.choice(["off", "workspace"]), "workspace"),
        network: s.withDefault(s.choice(["none", "loopback", "all"]), "loopback"),
      }),
    ),
    evaluate: section(s.object({ checks: texts() })),
    checkpoints: section(s.object({ max_file_mb: amount(10), max_files: count(50_000), max_total_mb: amount(1000) })),
    patterns: section(
      s.object({
        enabled: flag(true),
        mine_interval_hours: count(24),
        min_confidence: share(0.7),
        min_samples: count(3),
        auto_propose: flag(true),
      }),
    ),
    memory: section(
      s.object({ compaction: flag(true), learning_decay_rate: amount(0.05), max_storage_mb: count(500) }),
    ),
    plugins: section(s.object({ wasm: texts(), scripts: texts(), mcp: s.withDefault(s.array(mcpServer()), []) })),
    integrations: s.withDefault(s.record(integration()), {}),
    daemon: section(s.object({ auto_execute: flag(true), concurrency: count(2) })),
    api: section(
      s.object({
        enabled: flag(true),
        port: count(9742, 0, 65_535),
        token: text(),
        webhooks: section(s.object({ on_task_complete: text(), on_task_failed: text(), on_budget_warning: text() })),
      }),
    ),
    skills: section(s.object({ sources: texts() })),
    redaction: section(s.object({ enabled: flag(false), entropy: flag(false) })),
    telemetry: section(s.object({ otlp_endpoint: text() })),
    fleet: section(s.object({ database_url: text() })),
    providers: s.withDefault(s.record(provider()), {}),
  });
}

/** Either `command` (stdio) or `url` (HTTP). */
function mcpServer() {
  return s.object({
    name: s.string(undefined, { minLength: 1 }),
    enabled: flag(true),
    command: text(),
    args: texts(),
    env: s.withDefault(s.record(s.string()), {}),
    url: text(),
    headers: s.withDefault(s.record(s.string()), {}),
  });
}

function integration() {
  return s.object({
    enabled: flag(true),
    channels: texts(),
    /** Who may give tasks; empty: nobody but the owner. */
    allow_from: texts(),
    /** Permission mode of the tasks that come from here. */
    mode: s.withDefault(s.choice(["ask", "auto", "read-only"]), "ask"),
  });
}

/** Any OpenAI-compatible endpoint. */
function provider() {
  return s.object({
    base_url: text(),
    /** "": what the vendor's own service speaks; for servers of one's own, Chat Completions. */
    wire: s.withDefault(s.choice(["", "chat", "responses"]), ""),
    api_key_env: text(),
    default_model: text("auto"),
    models: texts(),
    display_name: text(),
    /** Tokens, of every model of the provider, whatever the catalogue or its own list says. */
    context: s.optional(tokens()),
    max_output: s.optional(tokens()),
  });
}
