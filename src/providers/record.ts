import { messageOf, ProviderError, UserError } from "../base/errors.ts";
import { Appender, readText, writeAtomic } from "../base/files.ts";
import type { Model, ModelEvent, ModelInfo, ModelRequest, Role } from "../contracts/provider.ts";
import { mapStrings, type Normaliser } from "./normalise.ts";
import { type Exchange, RECORDING_VERSION, type RecordedReply, recordedRequest } from "./recording.ts";
import { keptOf } from "./stated.ts";

/** Writes every exchange of the models it wraps to one file, a JSON line each, in the order in which they end. */
export interface Recorder {
  wrap(model: Model, role: Role): Model;
  close(): Promise<void>;
}

/**
 * Begins a recording. A recording that is there is replaced; any other file is left alone.
 *
 * @throws UserError where the file cannot be written.
 */
export async function openRecorder(path: string, normaliser: Normaliser): Promise<Recorder> {
  const file = await begin(path);
  async function* stream(
    model: Model,
    role: Role,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent> {
    const asked = recordedRequest(request, normaliser);
    const write = (reply: RecordedReply, by: string, info: ModelInfo) => {
      const said = mapStrings(reply, (text) => normaliser.portable(text));
      const facts = keptOf(info);
      const exchange: Exchange = { v: RECORDING_VERSION, role, model: by, facts, request: asked, reply: said };
      return file.append(`${JSON.stringify(exchange)}\n`, { sync: true });
    };
    try {
      for await (const event of model.stream(request, signal)) {
        // Before it is passed on: whoever has the answer need not come back for more.
        if (event.type === "done") {
          const { message, stop, usage } = event;
          await write({ blocks: [...message.blocks], stop, usage }, message.from, event.info ?? model.info);
        }
        yield event;
      }
    } catch (error) {
      if (error instanceof ProviderError) {
        const { kind, message, status } = error;
        const failed = { error: { kind, message, ...(status === undefined ? {} : { status }) } };
        await write(failed, model.info.ref, model.info);
      }
      throw error;
    }
  }
  return {
    wrap: (model, role) => ({ info: model.info, stream: (request, signal) => stream(model, role, request, signal) }),
    close: () => file.close(),
  };
}

async function begin(path: string): Promise<Appender> {
  try {
    const there = await readText(path);
    if (there?.trim() && !there.startsWith(`{"v":${RECORDING_VERSION},"role":`)) {
      throw new Error("it exists and is not a recording");
    }
    await writeAtomic(path, "", { mode: 0o600 });
    return new Appender(path);
  } catch (error) {
    throw new UserError(
      `cannot record to ${path}: ${messageOf(error)}`,
      "Name another file after --record.",
      undefined,
      {
        cause: error,
      },
    );
  }
}
