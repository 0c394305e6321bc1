/** Gives one user's tasks to the compiled binary, one after the other, and says what became of each. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOpenAiFake } from "../../test/fakes/openai-server.ts";
import type { Fake } from "../../test/fakes/script.ts";
import { hiddenTap, writeFiles } from "../awk-project.ts";
import { outcomeOf, runTask, writeConfig } from "../binary.ts";
import { type Exchange, sums } from "../tokens.ts";
import { type History, historyOf, type UserTask } from "./history.ts";
import { ITERATIONS } from "./luck.ts";
import { type ScriptedModel, scriptedModel } from "./model.ts";

/**
 * `off`: every task begins with an empty home, so that nothing can be remembered. `on`: one home for all of them.
 * `perfect`: as `off`, but the model is told what earlier tasks of the family have shown, as long as it is still true:
 * what a memory could reach that forgets nothing, never errs and needs no calls of its own.
 */
export type PolicyName = "off" | "on" | "perfect";
export const POLICIES: readonly PolicyName[] = ["off", "on", "perfect"];

/** USD per million tokens; prices in the range of the large models of today. */
const PRICES = { uncached: 3, cached: 0.3, output: 15 } as const;

export interface Run {
  policy: PolicyName;
  user: number;
  index: number;
  family: string;
  oneOff: boolean;
  status: string;
  /** By the hidden checks. */
  solved: boolean;
  iterations: number;
  /** Requests to any model. */
  calls: number;
  /** All that was sent and answered; the same without what a prompt cache had. */
  tokens: number;
  uncached: number;
  usd: number;
  ms: number;
  oddities: string[];
}

/** `count` tasks of the user. The places are the same for every policy, but for a part of the same length. */
export async function runUser(
  policy: PolicyName,
  user: number,
  count: number,
  binary: string,
  done: () => void,
): Promise<Run[]> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-compounding-")));
  let model: ScriptedModel | undefined;
  const server = startOpenAiFake((request) => model?.answer(request));
  try {
    const history = historyOf(user, count);
    const runs: Run[] = [];
    for (const task of history.tasks) {
      const places = placesFor(root, policy, task, server);
      const known = policy === "perfect" ? task.sites.filter((site) => site.known) : [];
      model = scriptedModel(task, places.folder, history.topics, known);
      runs.push(await runOne({ policy, history, task, model, places, server, binary }));
      // Bodies of thousands of requests are not kept.
      server.requests.length = 0;
      done();
    }
    return runs;
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

interface Places {
  folder: string;
  home: string;
  beside: string;
}

/** A project lies in the same folder each time, and begins anew. */
function placesFor(root: string, policy: PolicyName, task: UserTask, server: Fake): Places {
  const places = { folder: join(root, "work", task.project), home: join(root, "home"), beside: join(root, "beside") };
  rmSync(places.folder, { recursive: true, force: true });
  if (policy !== "on") rmSync(places.home, { recursive: true, force: true });
  for (const each of Object.values(places)) mkdirSync(each, { recursive: true });
  writeConfig(places.home, server.baseUrl);
  writeFiles(task.files, places.folder);
  return places;
}

interface Setting {
  policy: PolicyName;
  history: History;
  task: UserTask;
  model: ScriptedModel;
  places: Places;
  server: Fake;
  binary: string;
}

async function runOne({ policy, task, model, places, server, binary }: Setting): Promise<Run> {
  const { folder, home, beside } = places;
  const ended = await runTask(binary, { description: task.description, iterations: ITERATIONS }, folder, home);
  const failures = await hiddenTap([task.source], task.hidden, folder, beside);
  const outcome = outcomeOf(ended);
  const oddities = [...model.oddities];
  if (!outcome) oddities.push(`exit ${ended.exit} without an outcome: ${ended.stderr.trim().slice(-300)}`);
  // A server of chat models has no embeddings; asking for them is not wrong.
  const refused = server.requests.find((request) => request.refused && !request.path.endsWith("/embeddings"));
  if (refused) oddities.push(`the server refused a request: ${refused.refused}`);
  const { sent, uncached } = sums(model.exchanges);
  return {
    policy,
    user: task.user,
    index: task.index,
    family: task.family,
    oneOff: task.oneOff,
    status: outcome?.status ?? "none",
    solved: failures?.length === 0,
    iterations: model.wrongAfter.length,
    calls: model.exchanges.length,
    tokens: sent,
    uncached,
    usd: usdOf(model.exchanges),
    ms: ended.ms,
    oddities,
  };
}

function usdOf(exchanges: readonly Exchange[]): number {
  const millionth = exchanges.reduce((sum, { input, cached, output }) => {
    return sum + (input - cached) * PRICES.uncached + cached * PRICES.cached + output * PRICES.output;
  }, 0);
  return millionth / 1e6;
}
