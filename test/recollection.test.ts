import { expect, test } from "bun:test";
import { dirname } from "node:path";
import { resolvePaths } from "../src/base/paths.ts";
import { createRedactor } from "../src/base/redact.ts";
import { createRecollection } from "../src/recollection.ts";
import { createSkills } from "../src/skills/index.ts";
import { fakeClock } from "./fakes/clock.ts";
import { never, openRig } from "./memory/support.ts";

const TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

test("what is recalled has no secrets, however it came into the memory", async () => {
  using rig = openRig();
  const { path } = rig.database;
  const workspace = dirname(path);
  const paths = resolvePaths({ HOME: workspace });
  const summary = `Logged in with ${TOKEN} and restarted nginx on the second host afterwards.`;
  rig.task("t1", "Deploy the billing service to the cluster", { workspace, summary });
  const redactor = createRedactor({ secrets: [], kinds: true });
  const recollection = createRecollection({
    database: async () => rig.database,
    path,
    skills: createSkills({ paths, workspace, env: {}, config: {}, trusted: false }),
    embedder: async () => undefined,
    hide: (text) => redactor.hide(text),
    clock: fakeClock(),
    decayRate: 0.05,
    warn: (message) => rig.warnings.push(message),
  });
  const cue = { text: "Deploy the billing service to the cluster again", workspace, task: "t2", tokens: 1000 };
  const recalled = await recollection.recall(cue, never);
  expect(recalled.map(({ text }) => text).join()).toContain("Logged in with [[secret:");
  expect(JSON.stringify(recalled)).not.toContain(TOKEN);
});
