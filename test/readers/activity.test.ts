import { describe, expect, test } from "bun:test";
import type { EventBody } from "../../src/contracts/event.ts";
import type { Effect } from "../../src/contracts/tool.ts";
import { createActivity } from "../../src/readers/activity.ts";
import { check, checked, ended, told } from "../cli/story.ts";

const BEGIN = Date.UTC(2026, 10, 23, 10, 15, 2);

const begun = (id: string, effect: Effect = "execute", args = "{}"): EventBody => ({
  type: "tool_started",
  call: { type: "tool_call", id, name: "bash", arguments: args },
  effect,
  subject: "",
});
const done = (id: string, more: { changed?: string[]; isError?: boolean } = {}): EventBody => ({
  type: "tool_finished",
  id,
  name: "bash",
  result: { text: "", isError: false, ...more },
  ms: 1,
});
const resumed = (lastAlive?: string): EventBody => ({
  ...({ type: "resumed" } as EventBody & { type: "resumed" }),
  ...(lastAlive === undefined ? {} : { lastAlive }),
});
const finished: EventBody = { type: "task_finished", outcome: ended("accepted") };
const pause: EventBody = { type: "phase", phase: "execute" };

/** Spans in seconds from the first event, which is one second before the next. */
function spans(bodies: readonly EventBody[], lastAlive?: number): [number, number][] {
  const reader = createActivity();
  reader.recall(told(bodies));
  if (lastAlive !== undefined) reader.end(BEGIN + lastAlive * 1000);
  return reader.activity.spans.map(({ from, to }) => [(from - BEGIN) / 1000, (to - BEGIN) / 1000]);
}

describe("when a task acts", () => {
  test("is while a tool with an effect or a check runs, not while it reads or thinks", () => {
    const look: EventBody = { type: "check_started", check, purpose: "evidence" };
    const seen: EventBody = { type: "check_finished", result: checked(1, []), purpose: "evidence" };
    expect(spans([begun("a", "read"), done("a"), pause, begun("b"), done("b"), look, pause, seen])).toEqual([
      [3, 4],
      [5, 7],
    ]);
  });

  test("is told apart: a check, or something else", () => {
    const reader = createActivity();
    const look: EventBody = { type: "check_started", check, purpose: "baseline" };
    const seen: EventBody = { type: "check_finished", result: checked(1, []), purpose: "baseline" };
    reader.recall(told([look, seen, begun("a"), look]));
    expect(reader.activity.spans.map((span) => span.check)).toEqual([true, undefined, true]);
  });

  test("lasts as long as nothing ends it", () => {
    expect(spans([begun("a")])).toEqual([[0, Number.POSITIVE_INFINITY]]);
  });

  test("is not while a person is asked for permission", () => {
    const asked: EventBody = {
      type: "asked",
      question: { kind: "permission", id: "q1", tool: "bash", subject: "", detail: "" } as never,
    };
    const answered: EventBody = { type: "answered", id: "q1", answer: { choice: "once", by: "terminal" } };
    expect(spans([begun("a"), asked, pause, pause, answered, done("a")])).toEqual([
      [0, 1],
      [4, 5],
    ]);
  });

  test("is until the end of the run where a command goes on in the background", () => {
    const args = '{"command":"make watch","background":true}';
    expect(spans([begun("a", "execute", args), done("a"), pause, finished, pause])).toEqual([[0, 3]]);
    expect(spans([begun("a", "execute", args), done("a", { isError: true }), pause, finished])).toEqual([[0, 1]]);
  });

  test("ends soon after the process was last seen alive", () => {
    expect(spans([begun("a")], 7)).toEqual([[0, 8.5]]);
    const lastAlive = new Date(BEGIN + 2000).toISOString();
    expect(spans([begun("a"), pause, pause, pause, pause, resumed(lastAlive)])).toEqual([[0, 3.5]]);
    expect(spans([begun("a"), pause, resumed()])).toEqual([[0, 2]]);
  });

  test("goes with the files that its tools named", () => {
    const reader = createActivity();
    for (const event of told([begun("a", "write"), done("a", { changed: ["/w/a.txt"] })])) reader.receive(event);
    expect([...reader.activity.named]).toEqual([["/w/a.txt", BEGIN + 1000]]);
  });
});
