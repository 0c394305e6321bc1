import { messageOf, ProviderError } from "../base/errors.ts";
import { abortable } from "../base/stream.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";
import { withNote } from "./retry.ts";

/** A model that failed is left alone this long, unless the provider says how long. */
const COOLDOWN_MS = 60_000;

/** A later model of a chain. `open` rejects, with the reason, where it cannot be used. */
export interface Link {
  ref: string;
  open(): Promise<Model>;
}

/**
 * Asks the first model of the chain that is not cooling down; when it fails with trouble that another model does not
 * share (rate limit, capacity, quota, server, network), the next. Where all cool down, the first is asked after all.
 * `done` carries the facts of the model that answered.
 */
export function withFallback(first: Model, rest: readonly Link[], clock: Clock): Model {
  /** Until when a model is left alone, ms. */
  const cooling = new Map<Model, number>();
  const ready = (model: Model) => (cooling.get(model) ?? 0) <= clock.now();
  let opened: ReturnType<typeof openAll> | undefined;
  // Not before it is needed: no start waits for a server that nobody asks anything.
  const others = () => {
    opened ??= openAll(rest);
    return opened;
  };

  async function* chain(signal: AbortSignal): AsyncGenerator<Model, void> {
    const begun = ready(first);
    if (begun) yield first;
    const { models } = await abortable(others(), signal);
    const next = models.filter(ready);
    if (next.length > 0) yield* next;
    else if (!begun) yield first;
  }

  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void> {
    let trouble: ProviderError | undefined;
    for await (const model of chain(signal)) {
      const { ref } = model.info;
      if (trouble) {
        const reason = `${messageOf(trouble)}; going on with ${ref}`;
        yield { type: "restart", attempt: 1, waitMs: 0, reason, model: ref };
      }
      try {
        for await (const event of model.stream(request, signal)) {
          yield event.type === "done" && model !== first ? { info: model.info, ...event } : event;
        }
        return;
      } catch (error) {
        if (!othersMayHelp(error)) throw error;
        cooling.set(model, clock.now() + (error.retryAfterMs ?? COOLDOWN_MS));
        trouble = error;
      }
    }
    const { unusable } = await abortable(others(), signal);
    throw unusable.length > 0 ? withNote(trouble!, `no fallback: ${unusable.join("; ")}`) : trouble;
  }
  return { info: first.info, stream };
}

async function openAll(links: readonly Link[]): Promise<{ models: Model[]; unusable: string[] }> {
  const models: Model[] = [];
  const unusable: string[] = [];
  const settled = await Promise.allSettled(links.map((link) => link.open()));
  for (const [index, each] of settled.entries()) {
    if (each.status === "fulfilled") models.push(each.value);
    else unusable.push(`${links[index]!.ref}: ${messageOf(each.reason)}`);
  }
  return { models, unusable };
}

function othersMayHelp(error: unknown): error is ProviderError {
  return error instanceof ProviderError && (error.retryable || error.kind === "quota");
}
