import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";
import { withAcceptedNames } from "./call-names.ts";
import { counted } from "./estimate.ts";
import { asProviderError, post, type Recipient } from "./post.ts";
import type { Target, Wire } from "./wire/wire.ts";

export interface CallOptions extends Recipient {
  target: Target;
  wire: Wire;
}

/** A model behind HTTP: one attempt per call, every failure a ProviderError (or the signal's reason). */
export function httpModel(options: CallOptions): Model {
  return { info: options.target.info, stream: (request, signal) => stream(options, request, signal) };
}

async function* stream(
  options: CallOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void> {
  const { target, wire } = options;
  const encoded = wire.encode(withAcceptedNames(request), target);
  const response = await post(options, encoded, signal);
  try {
    for await (const event of wire.decode(response.body, target, encoded)) {
      yield event.type === "done" ? counted(event, request, target.info) : event;
    }
  } catch (error) {
    throw asProviderError(error, target.row);
  }
}
