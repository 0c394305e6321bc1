import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import type { ModelInfo, ModelList, Price, ProviderStatus } from "../contracts/provider.ts";
import { loadCatalogue } from "../providers/catalogue.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { stdoutLayout } from "./display/style.ts";
import { print, printExactly, say } from "./display/writer.ts";
import type { Flags } from "./flags.ts";
import { capabilitiesOf, factsOf, modelLines, providerOf } from "./model-lines.ts";
import { pick } from "./picker.ts";
import { openPlace, type Place } from "./place.ts";
import { watchSignals } from "./signals.ts";

/** `openkoi models [--refresh] [--json]`: every known model, its facts, and whether it can be used now. */
export async function modelsCommand({ flags }: CommandLine): Promise<ExitCode> {
  const place = await openPlace(flags);
  const { providers } = place;
  if (flags.refresh) {
    const signals = watchSignals();
    try {
      for (const list of await providers.askLists({ force: true, signal: signals.signal })) report(list);
    } finally {
      signals.stop();
    }
    if (signals.signal.aborted) return Exit.interrupted;
  }
  const [models, statuses] = await Promise.all([providers.models(), providers.statuses()]);
  if (flags.json) {
    printExactly(modelsJson(models, statuses));
    return Exit.ok;
  }
  const { date } = await loadCatalogue();
  const lines = modelLines(models, statuses, { ...stdoutLayout(place.app.env), date });
  print(`${[...lines, ...(await rolesOf(place))].join("\n")}\n`);
  return Exit.ok;
}

function report({ provider, state, models, why }: ModelList): void {
  const said = {
    asked: `${models.length} models`,
    kept: `${models.length} models`,
    refused: why,
    failed: why,
    unlisted: "has no list to ask for",
  }[state];
  say(`${provider}: ${oneLine(said ?? state)}`);
}

function modelsJson(models: readonly ModelInfo[], statuses: readonly ProviderStatus[]): string {
  const rows = models.map((info) => {
    const status = statuses.find(({ id }) => id === providerOf(info));
    return {
      id: info.ref,
      context: info.context,
      max_output: info.maxOutput,
      /** USD per million tokens. */
      price: info.price ? pricesOf(info.price) : null,
      capabilities: capabilitiesOf(info),
      assumed: info.assumed,
      default: info.ref === `${status?.id}/${status?.defaultModel}`,
      reachable: status?.state === "ready",
      source: status?.source ?? null,
    };
  });
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function pricesOf({ input, output, cacheRead, cacheWrite }: Price) {
  return { input, output, cache_read: cacheRead, cache_write: cacheWrite };
}

/** What is used where nothing is named on the command line; what to do where that is nothing. */
async function rolesOf({ providers, settings }: Place): Promise<string[]> {
  try {
    const { executor, evaluator, planner, small } = await providers.resolveAll();
    const refs = Object.entries({ executor, evaluator, planner, small }).map(([role, { info }]) => [role, info.ref]);
    const embedder = settings.config.models.embedder || "built-in";
    return ["", "used now:", ...[...refs, ["embedder", embedder]].map(([role, ref]) => `  ${role!.padEnd(9)}  ${ref}`)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return ["", oneLine(`${error.message}. ${error.remedy}`)];
  }
}

/**
 * `-m ?` and `--select-model`: lets the user pick one of the models that can be used now. The providers' own lists are
 * asked for meanwhile, where they were not within a day.
 *
 * @throws UsageError without a terminal, and where nothing was picked.
 */
export async function pickModel(flags: Flags): Promise<string> {
  const { model: _asked, ...others } = flags;
  const place = await openPlace(others);
  const remedy = "Name it: -m provider/model; openkoi models shows them all.";
  const items = await usable(place);
  if (items.length === 0) throw new UsageError("no model can be used yet", "Connect a provider: openkoi connect.");
  const chosen = await place.providers.resolve("executor").then(
    ({ info }) => info.ref,
    () => undefined,
  );
  const picked = await pick({
    title: "Model",
    items,
    ...(chosen === undefined ? {} : { chosen }),
    remedy,
    async more(signal) {
      await place.providers.askLists({ signal });
      return usable(place);
    },
  });
  if (picked === undefined) throw new UsageError("no model was picked", remedy);
  process.stderr.write(`Model: ${oneLine(picked)}\n`);
  return picked;
}

async function usable({ providers }: Place) {
  const [models, statuses] = await Promise.all([providers.models(), providers.statuses()]);
  const ready = new Set(statuses.filter(({ state }) => state === "ready").map(({ id }) => id));
  return models.filter((info) => ready.has(providerOf(info))).map((info) => ({ value: info.ref, note: factsOf(info) }));
}
