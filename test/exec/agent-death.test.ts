import { describe, expect, test } from "bun:test";
import { alive, startHeld, users } from "./held.ts";

const modes = [
  ["with the sandbox off", { mode: "off" }],
  ["where namespaces are forbidden", { namespaces: false }],
] as const;

for (const [where, options] of modes) {
  for (const user of users()) {
    describe.skipIf(process.platform !== "linux")(`commands of ${user} ${where}`, () => {
      test("end with the agent when it is killed, also what runs beside them in the background", async () => {
        const held = await startHeld(user, options);
        await held.run("sleep 54326 & echo ready; sleep 54326", { background: true });
        expect(alive("sleep 54326")).toBe(true);
        held.kill();
        await held.close();
        const deadline = Date.now() + 5000;
        while (alive("sleep 54326") && Date.now() < deadline) await Bun.sleep(5);
        expect(alive("sleep 54326")).toBe(false);
      });

      test("end as they would without anybody who watches over them", async () => {
        const held = await startHeld(user, options);
        expect(await held.run("exit 7")).toMatchObject({ code: 7, signal: null, leftovers: false });
        expect(await held.run("kill -SEGV $$")).toMatchObject({ code: null, signal: "SIGSEGV" });
        expect(await held.run("kill -TERM $$")).toMatchObject({ code: null, signal: "SIGTERM" });
        expect(await held.run("kill -9 $$")).toMatchObject({ code: null, signal: "SIGKILL" });
        expect(await held.run("sleep 54327 & echo out")).toMatchObject({ output: "out\n", leftovers: true });
        expect(await held.run("sleep 54327", { timeoutMs: 50 })).toMatchObject({ timedOut: true });
        expect((await held.run("trap 'echo told; exit 3' TERM; sleep 54327 & wait", { timeoutMs: 300 })).output).toBe(
          "told\n",
        );
        expect(await held.run("./no/such")).toMatchObject({ code: 127 });
        expect(alive("sleep 54327")).toBe(false);
        await held.close();
      });
    });
  }
}
