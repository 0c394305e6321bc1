import { complaintAboutGemini, type GeminiRules } from "./gemini-rules.ts";
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

export interface GeminiFakeOptions extends GeminiRules {
  /** Where set, every request must carry it as `x-goog-api-key`. */
  key?: string;
}

/**
 * A Gemini service that answers from a script. Malformed requests get 400 with the words of the real service and do not
 * use up a turn. The base URL ends in `/v1beta`. Calls have no ids, the first of a turn is signed, texts are not cut.
 */
export function startGeminiFake(script: Script, options: GeminiFakeOptions = {}): Fake {
  let turns = 0;
  return serve(
    (url) => `${url}/v1beta`,
    async (request) => {
      const refuse = (code: number, status: string, message: string) => {
        request.refused = message;
        return trouble({ status: code, body: { error: { code, message, status } } });
      };
      const [, method] = /^\/v1beta\/models\/[^/:]+:(\w+)$/.exec(request.path) ?? [];
      if (method !== "streamGenerateContent" || request.query !== "?alt=sse") {
        return refuse(404, "NOT_FOUND", `no method at ${request.path}${request.query}`);
      }
      if (options.key && request.headers["x-goog-api-key"] !== options.key) {
        return refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.");
      }
      const complaint = complaintAboutGemini(request.body, options) ?? describedFault("gemini", request.body);
      if (complaint) return refuse(400, "INVALID_ARGUMENT", complaint);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      return answer(turn, request, turns);
    },
  );
}

function answer(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const base = { modelVersion: "gemini-fake", responseId: `fake${number}` };
  const calls = (turn.calls ?? []).map((call, index) => ({
    functionCall: { name: call.name, args: JSON.parse(argumentsOf(call)), ...(call.id ? { id: call.id } : {}) },
    ...(index === 0 ? { thoughtSignature: `c2lnbmVk${number}` } : {}),
  }));
  const parts: object[] = [
    ...pieces(turn.reasoning ?? "", turn.pieceSize).map((text) => ({ text, thought: true })),
    ...pieces(turn.text ?? "", turn.pieceSize).map((text) => ({ text })),
  ];
  const finishReason = turn.stop ?? "STOP";
  const end = { finishReason, index: 0 };
  if (turn.whole) {
    const candidates = [{ content: { role: "model", parts: [...parts, ...calls] }, ...end }];
    return Response.json({ ...base, candidates, usageMetadata: usage(turn, request) });
  }
  const chunk = (part: object, more: object = {}) =>
    `data: ${JSON.stringify({ ...base, candidates: [{ content: { role: "model", parts: [part] }, index: 0, ...more }], usageMetadata: { trafficType: "ON_DEMAND" } })}\r\n\r\n`;
  const events = [...parts, ...calls].map((part) => chunk(part));
  if (turn.streamError !== undefined) events.push(`data: ${JSON.stringify({ error: turn.streamError })}\r\n\r\n`);
  else {
    const last = { ...base, candidates: [{ content: { role: "model", parts: [{ text: "" }] }, ...end }] };
    events.push(`data: ${JSON.stringify({ ...last, usageMetadata: usage(turn, request) })}\r\n\r\n`);
  }
  return streamed(turn, events, parts.length);
}

function usage(turn: ScriptedTurn, request: FakeRequest) {
  const { input, output, cacheRead, cacheWrite, reasoning } = usageFor(turn, request);
  const promptTokenCount = input + cacheRead + cacheWrite;
  return {
    promptTokenCount,
    candidatesTokenCount: output - reasoning,
    thoughtsTokenCount: reasoning,
    cachedContentTokenCount: cacheRead,
    totalTokenCount: promptTokenCount + output,
  };
}
