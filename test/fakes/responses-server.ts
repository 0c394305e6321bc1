import { describedFault } from "./published.ts";
import { complaintAboutResponses } from "./responses-rules.ts";
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

/**
 * A Responses service that answers from a script. Malformed requests get 400 with the words of the real service and do
 * not use up a turn. `key`, where set, must come as bearer token. The base URL ends in `/v1`. Reasoning comes encrypted,
 * with its summary.
 */
export function startResponsesFake(script: Script, options: { key?: string } = {}): Fake {
  let turns = 0;
  return serve(
    (url) => `${url}/v1`,
    async (request) => {
      const refuse = (status: number, message: string, code: string | null = null) => {
        request.refused = message;
        return trouble({ status, body: { error: { message, type: "invalid_request_error", param: null, code } } });
      };
      if (!request.path.endsWith("/responses")) return refuse(404, `Invalid URL (POST ${request.path})`);
      if (options.key && request.headers["authorization"] !== `Bearer ${options.key}`) {
        return refuse(401, "Incorrect API key provided.", "invalid_api_key");
      }
      const complaint = complaintAboutResponses(request.body) ?? describedFault("responses", request.body);
      if (complaint) return refuse(400, complaint);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      const response = whole(turn, request, turns);
      return turn.whole || !request.body.stream ? Response.json(response) : stream(turn, response);
    },
  );
}

function whole(turn: ScriptedTurn, request: FakeRequest, number: number) {
  const { input, output, cacheRead, cacheWrite, reasoning } = usageFor(turn, request);
  const incomplete = turn.stop === "length";
  const prompt = input + cacheRead + cacheWrite;
  return {
    id: `resp_fake${number}`,
    object: "response",
    created_at: 1_790_000_000,
    model: request.body.model,
    status: incomplete ? "incomplete" : "completed",
    error: null,
    incomplete_details: incomplete ? { reason: "max_output_tokens" } : null,
    output: items(turn, number),
    usage: {
      input_tokens: prompt,
      input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: prompt + output,
    },
  };
}

type Item = ReturnType<typeof items>[number];

function items(turn: ScriptedTurn, number: number) {
  const thought = {
    type: "reasoning" as const,
    id: `rs_fake${number}`,
    summary: [{ type: "summary_text", text: turn.reasoning ?? "" }],
    encrypted_content: `sealed-${number}-${Bun.hash(turn.reasoning ?? "")}`,
  };
  const message = {
    type: "message" as const,
    id: `msg_fake${number}`,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: turn.text ?? "", annotations: [] }],
  };
  const calls = (turn.calls ?? []).map((call, index) => ({
    type: "function_call" as const,
    id: `fc_fake${number}x${index}`,
    call_id: call.id ?? `call_fake${number}x${index}`,
    name: call.name,
    arguments: argumentsOf(call),
    status: "completed",
  }));
  return [...(turn.reasoning === undefined ? [] : [thought]), ...(turn.text ? [message] : []), ...calls];
}

function stream(turn: ScriptedTurn, response: ReturnType<typeof whole>): Response {
  let sequence_number = 0;
  const events: string[] = [];
  const event = (type: string, value: object) =>
    events.push(`event: ${type}\ndata: ${JSON.stringify({ type, ...value, sequence_number: sequence_number++ })}\n\n`);
  event("response.created", { response: { ...response, status: "in_progress", output: [], usage: null } });
  let callAt = 0;
  for (const [output_index, item] of response.output.entries()) {
    event("response.output_item.added", { output_index, item: begun(item) });
    if (item.type === "function_call") callAt ||= events.length;
    for (const delta of pieces(contentOf(item), turn.pieceSize)) {
      event(DELTAS[item.type], { output_index, item_id: item.id, delta });
    }
    event("response.output_item.done", { output_index, item });
  }
  if (turn.streamError !== undefined) event("error", { error: turn.streamError });
  else event(`response.${response.status}`, { response });
  return streamed(turn, events, callAt);
}

const DELTAS = {
  message: "response.output_text.delta",
  reasoning: "response.reasoning_summary_text.delta",
  function_call: "response.function_call_arguments.delta",
};

function contentOf(item: Item): string {
  if (item.type === "function_call") return item.arguments;
  return (item.type === "message" ? item.content : item.summary)[0]?.text ?? "";
}

/** An item as it is before anything of it has come. */
function begun(item: Item): object {
  if (item.type === "function_call") return { ...item, arguments: "", status: "in_progress" };
  return item.type === "message" ? { ...item, content: [] } : { ...item, summary: [], encrypted_content: "" };
}
