import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { Interruption, UserError } from "../../src/base/errors.ts";
import { accompany } from "../../src/cli/accompany.ts";

let stderr: Mock<typeof process.stderr.write>;
beforeEach(() => {
  stderr = spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => stderr.mockRestore());
const said = () => stderr.mock.calls.map(([text]) => String(text)).join("");

/** A task that is interrupted while it begins, and then ends with this error. */
function interruptedWith(error: (reason: unknown) => unknown) {
  const controller = new AbortController();
  return accompany({ quiet: true }, { signal: controller.signal, stop() {} }, async () => {
    controller.abort(new Interruption("SIGINT"));
    throw error(controller.signal.reason);
  });
}

test("an interruption is no failure: nothing is said", async () => {
  expect(await interruptedWith((reason) => reason)).toBe(130);
  expect(said()).toBe("");
});

test("what goes wrong during an interruption is said all the same", async () => {
  expect(await interruptedWith(() => new UserError("a.txt could not be put back", "openkoi undo tries again."))).toBe(
    130,
  );
  expect(said()).toBe("openkoi: a.txt could not be put back\n  openkoi undo tries again.\n");
  stderr.mockClear();
  expect(await interruptedWith(() => new TypeError("x is not a function"))).toBe(130);
  expect(said()).toContain("this is a bug");
});
