import { type ChatRules, complaintAboutChat } from "./openai-rules.ts";
import { describedFault } from "./published.ts";
import {
  argumentsOf,
  type Fake,
  type FakeRequest,
  hanging,
  nextTurn,
  pieces,
  type Script,
  type ScriptedTurn,
  serve,
  streamed,
  trouble,
  usageFor,
} from "./script.ts";

export interface OpenAiFakeOptions extends ChatRules {
  /** Where set, every request must carry it as bearer token; others get 401. */
  key?: string;
  /** Requests are held against no rule while they wait. Who measures time does it afterwards (`chatFault`). */
  unchecked?: true;
  /** A server that tells no usage, as some small ones do. */
  uncounted?: true;
  /**
   * What it has, and what its list says of it; any other one is refused. A list that is asked for is not among the
   * requests. Default: everything.
   */
  models?: readonly (string | { id: string })[];
}

/**
 * A Chat Completions service that answers from a script. Malformed requests get 400 with the words of the real service
 * and do not use up a turn. The base URL ends in `/v1`.
 */
export function startOpenAiFake(script: Script, options: OpenAiFakeOptions = {}): Fake {
  let turns = 0;
  const listed = (options.models ?? []).map((model) => ({
    object: "model",
    ...(typeof model === "string" ? { id: model } : model),
  }));
  return serve(
    (url) => `${url}/v1`,
    async (request) => {
      const refuse = (status: number, message: string) => {
        request.refused = message;
        return trouble({
          status,
          body: { error: { message, type: "invalid_request_error", param: null, code: null } },
        });
      };
      if (!request.path.endsWith("/chat/completions")) return refuse(404, `Invalid URL (POST ${request.path})`);
      if (options.key && request.headers["authorization"] !== `Bearer ${options.key}`) {
        const body = {
          error: { message: "Incorrect API key provided.", type: "invalid_request_error", code: "invalid_api_key" },
        };
        request.refused = "Incorrect API key";
        return trouble({ status: 401, body });
      }
      const complaint = options.unchecked ? undefined : chatFault(request.body, options);
      if (complaint) return refuse(400, complaint);
      const { model } = request.body;
      if (options.models && !listed.some(({ id }) => id === model))
        return refuse(404, `The model ${model} does not exist.`);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      return turn.whole || !request.body.stream ? whole(turn, request, turns) : stream(turn, request, turns, options);
    },
    ({ path }) => {
      if (!options.models || !path.endsWith("/models")) return undefined;
      return Response.json({ object: "list", data: listed });
    },
  );
}

/** What is wrong with a request, by the rules written down here and by OpenAI's own description. */
export function chatFault(body: unknown, rules: ChatRules = {}): string | undefined {
  return complaintAboutChat(body, rules) ?? describedFault("chat", body);
}

/** Ids of the real service's form, unique per fake. */
function ids(number: number) {
  return { response: `chatcmpl-fake${number}`, call: (index: number) => `call_fake${number}x${index}` };
}

function usage(turn: ScriptedTurn, request: FakeRequest) {
  const { input, output, cacheRead, cacheWrite, reasoning } = usageFor(turn, request);
  const prompt = input + cacheRead + cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cacheRead, ...(cacheWrite ? { cache_write_tokens: cacheWrite } : {}) },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function finishReason(turn: ScriptedTurn): string {
  return turn.stop ?? (turn.calls?.length ? "tool_calls" : "stop");
}

function stream(turn: ScriptedTurn, request: FakeRequest, number: number, options: OpenAiFakeOptions): Response {
  const { response, call } = ids(number);
  const base = { id: response, object: "chat.completion.chunk", created: 1_790_000_000, model: request.body.model };
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finish }], usage: null })}\n\n`;
  const events = [chunk({ role: "assistant", content: "" })];
  for (const piece of pieces(turn.reasoning ?? "", turn.pieceSize)) events.push(chunk({ reasoning_content: piece }));
  for (const piece of pieces(turn.text ?? "", turn.pieceSize)) events.push(chunk({ content: piece }));
  const callAt = events.length + 1;
  for (const [index, each] of (turn.calls ?? []).entries()) {
    const named = { name: each.name, arguments: "" };
    events.push(chunk({ tool_calls: [{ index, id: each.id ?? call(index), type: "function", function: named }] }));
    for (const piece of pieces(argumentsOf(each), turn.pieceSize)) {
      events.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
  }
  if (turn.streamError !== undefined) events.push(`data: ${JSON.stringify({ error: turn.streamError })}\n\n`);
  else {
    events.push(chunk({}, finishReason(turn)));
    if (request.body.stream_options?.include_usage && !options.uncounted) {
      events.push(`data: ${JSON.stringify({ ...base, choices: [], usage: usage(turn, request) })}\n\n`);
    }
    events.push("data: [DONE]\n\n");
  }
  return streamed(turn, events, callAt);
}

function whole(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const { response, call } = ids(number);
  const calls = (turn.calls ?? []).map((each, index) => {
    const called = { name: each.name, arguments: argumentsOf(each) };
    return { id: each.id ?? call(index), type: "function", function: called };
  });
  const message = {
    role: "assistant",
    content: turn.text ?? null,
    ...(turn.reasoning ? { reasoning_content: turn.reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return Response.json({
    id: response,
    object: "chat.completion",
    created: 1_790_000_000,
    model: request.body.model,
    choices: [{ index: 0, message, finish_reason: finishReason(turn) }],
    usage: usage(turn, request),
  });
}
