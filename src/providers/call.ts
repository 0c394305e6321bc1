import { ProviderError } from "../base/errors.ts";
import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";
import { withAcceptedNames } from "./call-names.ts";
import { counted } from "./estimate.ts";
import { asProviderError, post, type Recipient } from "./post.ts";
import type { Target, Wire } from "./wire/wire.ts";

export interface CallOptions extends Recipient {
  target: Target;
  /** Asked with each call: a model that is never called, of a fallback say, loads none. */
  wire: () => Promise<Wire>;
}

/**
 * A model behind HTTP: one attempt per call, every failure a ProviderError (or the signal's reason). What a model turns
 * out not to take although it was thought to (a temperature, a word about its thinking) is left out from then on.
 */
export function httpModel(options: CallOptions): Model {
  let { target } = options;
  let takesTemperature = true;

  async function answered(wire: Wire, request: ModelRequest, signal: AbortSignal) {
    for (;;) {
      const { temperature, ...rest } = withAcceptedNames(request);
      const asked: ModelRequest = takesTemperature && temperature !== undefined ? { ...rest, temperature } : rest;
      const encoded = wire.encode(asked, target);
      try {
        return { encoded, response: await post(options, encoded, signal) };
      } catch (error) {
        const named = unwanted(error);
        if (named === "temperature" && asked.temperature !== undefined) takesTemperature = false;
        else if (named === "thinking" && target.thinks !== "unsteered") target = { ...target, thinks: "unsteered" };
        else throw error;
      }
    }
  }

  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void> {
    const wire = await options.wire();
    const { encoded, response } = await answered(wire, request, signal);
    try {
      for await (const event of wire.decode(response.body, target, encoded)) {
        yield event.type === "done" ? counted(event, request, target.info) : event;
      }
    } catch (error) {
      throw asProviderError(error, target.row);
    }
  }
  return { info: options.target.info, stream };
}

/** What of a request the provider says that it does not take. */
function unwanted(error: unknown): "temperature" | "thinking" | undefined {
  if (!(error instanceof ProviderError) || error.kind !== "invalid") return undefined;
  if (/temperature/i.test(error.message)) return "temperature";
  return /reasoning.?effort|\beffort\b|thinking/i.test(error.message) ? "thinking" : undefined;
}
