import { signV4 } from "../../src/base/crypto/sigv4.ts";
import { complaintAboutConverse } from "./bedrock-rules.ts";
import { eventMessage } from "./event-message.ts";
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

/**
 * A ConverseStream service that answers from a script. Malformed requests get 400 with the words of the real service
 * and do not use up a turn. `key` (`ID:SECRET` or `ID:SECRET:TOKEN`), where set, must have signed the request for
 * `region`. The base URL is the server's. Reasoning is signed.
 */
export function startBedrockFake(script: Script, options: { key?: string; region?: string } = {}): Fake {
  let turns = 0;
  return serve(
    (url) => url,
    async (request) => {
      const refuse = (status: number, type: string, message: string) => {
        request.refused = message;
        return trouble({
          status,
          headers: { "x-amzn-errortype": `${type}:http://internal.amazon.com/` },
          body: { message },
        });
      };
      if (!/^\/model\/[^/:]+\/converse-stream$/.test(request.path)) {
        return refuse(404, "UnknownOperationException", "no such operation");
      }
      if (options.key && !isSigned(request, options.key, options.region ?? "us-east-1")) {
        return refuse(403, "InvalidSignatureException", "The request signature we calculated does not match.");
      }
      const complaint = complaintAboutConverse(request.body) ?? describedFault("bedrock", request.body);
      if (complaint) return refuse(400, "ValidationException", complaint);
      const turn = await nextTurn(script, request, turns++);
      if (turn.hang === "start") return hanging();
      if (turn.status !== undefined) return trouble(turn);
      return turn.whole ? whole(turn, request, turns) : stream(turn, request, turns);
    },
  );
}

/** Whether the keys signed the request. */
export function isSigned(request: FakeRequest, key: string, region: string): boolean {
  const [accessKeyId = "", secretAccessKey = "", sessionToken] = key.split(":");
  const { host = "", "content-type": type = "", "x-amz-date": date = "" } = request.headers;
  const now = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (Number.isNaN(now)) return false;
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const signed = signV4(
    {
      method: "POST",
      path: request.path,
      query: "",
      headers: [
        ["host", host],
        ["content-type", type],
      ],
      body: request.raw,
    },
    { keys, region, service: "bedrock", now },
  );
  return Object.entries(signed.headers).every(([name, value]) => request.headers[name] === value);
}

/** The content of an answer, as one message would hold it. */
function blocks(turn: ScriptedTurn, number: number) {
  return [
    ...(turn.reasoning === undefined ? [] : [{ text: turn.reasoning, signature: `signed-${number}` }]),
    ...(turn.text ? [{ text: turn.text }] : []),
    ...(turn.calls ?? []).map((call, index) => ({
      toolUse: { toolUseId: call.id ?? `tooluse_fake${number}x${index}`, name: call.name },
      json: argumentsOf(call),
    })),
  ];
}

function stopReason(turn: ScriptedTurn): string {
  return turn.stop ?? (turn.calls?.length ? "tool_use" : "end_turn");
}

function usage(turn: ScriptedTurn, request: FakeRequest) {
  const { input, output, cacheRead, cacheWrite } = usageFor(turn, request);
  return {
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output + cacheRead + cacheWrite,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
  };
}

function stream(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const messages: Uint8Array[] = [];
  const event = (type: string, body: object) => messages.push(converseEvent(type, body));
  event("messageStart", { role: "assistant" });
  let callAt = 0;
  for (const [contentBlockIndex, block] of blocks(turn, number).entries()) {
    const delta = (value: object) => event("contentBlockDelta", { contentBlockIndex, delta: value });
    if ("toolUse" in block) {
      event("contentBlockStart", { contentBlockIndex, start: { toolUse: block.toolUse } });
      callAt ||= messages.length;
      for (const input of pieces(block.json, turn.pieceSize)) delta({ toolUse: { input } });
    } else if ("signature" in block) {
      for (const text of pieces(block.text, turn.pieceSize)) delta({ reasoningContent: { text } });
      delta({ reasoningContent: { signature: block.signature } });
    } else for (const text of pieces(block.text, turn.pieceSize)) delta({ text });
    event("contentBlockStop", { contentBlockIndex });
  }
  if (turn.streamError !== undefined) {
    const { type, ...body } = turn.streamError as { type: string };
    messages.push(exceptionMessage(type, body));
  } else {
    event("messageStop", { stopReason: stopReason(turn) });
    event("metadata", { usage: usage(turn, request), metrics: { latencyMs: 1 } });
  }
  return streamed(turn, messages, callAt, "application/vnd.amazon.eventstream");
}

/** An event of the stream; `p` pads it, as the real service does. */
export function converseEvent(type: string, body: object): Uint8Array {
  const headers = { ":event-type": type, ":content-type": "application/json", ":message-type": "event" };
  return eventMessage(headers, new TextEncoder().encode(JSON.stringify({ ...body, p: "abcdefgh" })));
}

export function exceptionMessage(type: string, body: object): Uint8Array {
  const headers = { ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" };
  return eventMessage(headers, new TextEncoder().encode(JSON.stringify(body)));
}

function whole(turn: ScriptedTurn, request: FakeRequest, number: number): Response {
  const content = blocks(turn, number).map((block) => {
    if ("toolUse" in block) return { toolUse: { ...block.toolUse, input: JSON.parse(block.json) } };
    return "signature" in block ? { reasoningContent: { reasoningText: block } } : block;
  });
  const output = { message: { role: "assistant", content } };
  return Response.json({ output, stopReason: stopReason(turn), usage: usage(turn, request) });
}
