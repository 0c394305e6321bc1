import { complaintAboutOllama } from "./ollama-rules.ts";
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

export interface OllamaFakeOptions {
  /** Where set, every request must carry it as bearer token, as behind a proxy. */
  key?: string;
  /** What lies on the server, by name. Default: one model that can do everything. */
  models?: Record<string, OllamaFakeModel>;
}

export interface OllamaFakeModel {
  /** As the server writes it: `8.0B`, `137M`. */
  size?: string;
  context?: number;
  /** Absent: a server that is too old to tell. */
  capabilities?: string[];
  modified?: string;
  /** The host on which the model really runs. */
  remote?: string;
}

const EVERYTHING: OllamaFakeModel = {
  size: "8.2B",
  context: 40_960,
  capabilities: ["completion", "tools", "thinking", "vision"],
};

/**
 * An Ollama server that answers from a script. Malformed requests get 400 and do not use up a turn. Calls have no ids
 * and come whole; the base URL is the server's. Questions about its models are not among the requests.
 */
export function startOllamaFake(script: Script, options: OllamaFakeOptions = {}): Fake {
  const { key, models = { "qwen3:8b": EVERYTHING } } = options;
  let turns = 0;
  return serve(
    (url) => url,
    async (request) => {
      const refuse = (status: number, error: string) => {
        request.refused = error;
        return trouble({ status, body: { error } });
      };
      if (request.path !== "/api/chat") return refuse(404, "404 page not found");
      if (key && request.headers["authorization"] !== `Bearer ${key}`) return refuse(401, "unauthorized");
      const complaint = complaintAboutOllama(request.body) ?? describedFault("ollama", request.body);
      if (complaint) return refuse(400, complaint);
      if (!models[request.body.model]) return refuse(404, `model '${request.body.model}' not found`);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      return answer(turn, request, turns);
    },
    (request) => aboutModels(request, models),
  );
}

/** Which models there are, and what they can. */
export function aboutModels(
  { path, body }: FakeRequest,
  models: Record<string, OllamaFakeModel>,
): Response | undefined {
  if (path === "/api/tags") return Response.json({ models: Object.entries(models).map(listed) });
  if (path !== "/api/show") return undefined;
  const model = models[body.model];
  return model ? Response.json(shown(model)) : Response.json({ error: "model not found" }, { status: 404 });
}

function listed([name, { size = "", modified = "2026-01-01T00:00:00Z", remote }]: [string, OllamaFakeModel]) {
  return {
    name,
    model: name,
    modified_at: modified,
    size: 1,
    details: { parameter_size: size },
    ...(remote ? { remote_host: remote } : {}),
  };
}

function shown({ context, capabilities, remote }: OllamaFakeModel) {
  return {
    details: {},
    ...(remote ? { remote_host: remote } : {}),
    ...(capabilities ? { capabilities } : {}),
    model_info: { "general.architecture": "qwen3", ...(context ? { "qwen3.context_length": context } : {}) },
  };
}

function answer(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const { input, output } = usageFor(turn, request);
  const created_at = `2026-11-23T10:00:00.${number}Z`;
  const line = (message: object, more: object = { done: false }) =>
    `${JSON.stringify({ model: request.body.model, created_at, message: { role: "assistant", content: "", ...message }, ...more })}\n`;
  const tool_calls = (turn.calls ?? []).map((call) => ({
    function: { name: call.name, arguments: JSON.parse(argumentsOf(call)) },
  }));
  const calls = tool_calls.length > 0 ? { tool_calls } : {};
  const end = { done: true, done_reason: turn.stop ?? "stop", prompt_eval_count: input, eval_count: output };
  if (turn.whole) {
    const thinking = turn.reasoning ? { thinking: turn.reasoning } : {};
    return new Response(line({ content: turn.text ?? "", ...thinking, ...calls }, end));
  }
  const lines = [
    ...pieces(turn.reasoning ?? "", turn.pieceSize).map((thinking) => line({ thinking })),
    ...pieces(turn.text ?? "", turn.pieceSize).map((content) => line({ content })),
  ];
  const callAt = lines.length;
  lines.push(...tool_calls.map((call) => line({ tool_calls: [call] })));
  lines.push(turn.streamError === undefined ? line({}, end) : `${JSON.stringify({ error: turn.streamError })}\n`);
  return streamed(turn, lines, callAt, "application/x-ndjson");
}
