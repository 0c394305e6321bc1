import { complaintAboutMessages } from "./anthropic-rules.ts";
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

export interface AnthropicFakeOptions {
  /** Where set, every request must carry it as `x-api-key`; others get 401. */
  key?: string;
}

/**
 * An Anthropic Messages service that answers from a script. Malformed requests get 400 with the words of the real
 * service and do not use up a turn. The base URL is the server's, without a path. Reasoning is signed.
 */
export function startAnthropicFake(script: Script, options: AnthropicFakeOptions = {}): Fake {
  let turns = 0;
  return serve(
    (url) => url,
    async (request) => {
      const refuse = (status: number, type: string, message: string) => {
        request.refused = message;
        return trouble({ status, body: { type: "error", error: { type, message }, request_id: "req_fake" } });
      };
      if (request.path !== "/v1/messages") return refuse(404, "not_found_error", "Not Found");
      if (options.key && request.headers["x-api-key"] !== options.key) {
        return refuse(401, "authentication_error", "invalid x-api-key");
      }
      if (!request.headers["anthropic-version"]) {
        return refuse(400, "invalid_request_error", "anthropic-version: header is required");
      }
      const complaint = complaintAboutMessages(request.body) ?? describedFault("anthropic", request.body);
      if (complaint) return refuse(400, "invalid_request_error", complaint);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      return turn.whole || !request.body.stream ? whole(turn, request, turns) : stream(turn, request, turns);
    },
  );
}

/** The content of an answer, as one message would hold it. */
function blocks(turn: ScriptedTurn, number: number) {
  return [
    ...(turn.reasoning === undefined
      ? []
      : [{ type: "thinking", thinking: turn.reasoning, signature: `signed-${number}-${Bun.hash(turn.reasoning)}` }]),
    ...(turn.text ? [{ type: "text", text: turn.text }] : []),
    ...(turn.calls ?? []).map((call, index) => ({
      type: "tool_use",
      id: call.id ?? `toolu_fake${number}x${index}`,
      name: call.name,
      json: argumentsOf(call),
    })),
  ];
}

function usage(turn: ScriptedTurn, request: FakeRequest) {
  const { input, output, cacheRead, cacheWrite, reasoning } = usageFor(turn, request);
  return {
    input_tokens: input,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
  };
}

function stopReason(turn: ScriptedTurn): string {
  return turn.stop ?? (turn.calls?.length ? "tool_use" : "end_turn");
}

function stream(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const event = (type: string, value: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
  const counted = usage(turn, request);
  const message = {
    id: `msg_fake${number}`,
    type: "message",
    role: "assistant",
    model: request.body.model,
    content: [],
  };
  const events = [
    event("message_start", { message: { ...message, stop_reason: null, usage: { ...counted, output_tokens: 1 } } }),
    event("ping", {}),
  ];
  let callAt = events.length;
  for (const [index, block] of blocks(turn, number).entries()) {
    const delta = (value: object) => events.push(event("content_block_delta", { index, delta: value }));
    const start = (value: object) => events.push(event("content_block_start", { index, content_block: value }));
    if ("thinking" in block) {
      start({ type: "thinking", thinking: "", signature: "" });
      for (const piece of pieces(block.thinking, turn.pieceSize)) delta({ type: "thinking_delta", thinking: piece });
      delta({ type: "signature_delta", signature: block.signature });
    } else if ("json" in block) {
      start({ type: "tool_use", id: block.id, name: block.name, input: {} });
      if (callAt === 2) callAt = events.length;
      // Empty arguments come as an empty piece, as the real service sends them.
      for (const piece of block.json === "{}" ? [""] : pieces(block.json, turn.pieceSize)) {
        delta({ type: "input_json_delta", partial_json: piece });
      }
    } else {
      start({ type: "text", text: "" });
      for (const piece of pieces(block.text, turn.pieceSize)) delta({ type: "text_delta", text: piece });
    }
    events.push(event("content_block_stop", { index }));
  }
  if (turn.streamError !== undefined) events.push(event("error", { error: turn.streamError }));
  else {
    events.push(
      event("message_delta", { delta: { stop_reason: stopReason(turn), stop_sequence: null }, usage: counted }),
    );
    events.push(event("message_stop", {}));
  }
  return streamed(turn, events, callAt);
}

function whole(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const content = blocks(turn, number).map((block) => {
    if (!("json" in block)) return block;
    const { json, ...rest } = block;
    return { ...rest, input: JSON.parse(json) };
  });
  return Response.json({
    id: `msg_fake${number}`,
    type: "message",
    role: "assistant",
    model: request.body.model,
    content,
    stop_reason: stopReason(turn),
    stop_sequence: null,
    usage: usage(turn, request),
  });
}
