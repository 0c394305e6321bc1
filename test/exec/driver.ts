import { createInterface } from "node:readline";
import { createExec, type ExecInput } from "../../src/exec/index.ts";

/**
 * An agent in a process of its own, so that tests can be it as another user and can kill it: reads an `ExecInput`
 * and then commands, one JSON per line, and answers each with one.
 */
export type Order = { line: string; timeoutMs?: number; background?: boolean; cwd?: string };
export type Answer = {
  output: string;
  code: number | null;
  signal: string | null;
  timedOut: boolean;
  leftovers: boolean;
};

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : JSON.parse(value);
  };
  const input: ExecInput = await next();
  const exec = await createExec({ ...input, env: { ...process.env, ...input.env } });
  const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ posture: exec.posture, pid: process.pid });
  for (let order: Order | undefined = await next(); order; order = await next()) {
    const request = { argv: exec.shell(order.line), cwd: order.cwd ?? input.workspace };
    if (order.background) {
      const { promise, resolve } = Promise.withResolvers<void>();
      await exec.start({ ...request, onOutput: () => resolve() });
      // It says something when it is ready.
      await promise;
      say({ output: "", code: null, signal: null, timedOut: false, leftovers: false });
      continue;
    }
    try {
      say(await exec.run({ ...request, timeoutMs: order.timeoutMs ?? 20_000 }, new AbortController().signal));
    } catch (error) {
      say({ output: String(error), code: -1, signal: null, timedOut: false, leftovers: false });
    }
  }
  await exec.close();
}
