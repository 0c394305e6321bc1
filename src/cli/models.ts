import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import type { ModelInfo, ModelList, Price, ProviderStatus } from "../contracts/provider.ts";
import { loadCatalogue } from "../providers/catalogue.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { stdoutLayout } from "./display/style.ts";
import { complain, print, printExactly, say } from "./display/writer.ts";
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
      stated: statedOf(info),
      default: info.ref === `${status?.id}/${status?.defaultModel}`,
      reachable: status?.state === "ready",
      source: status?.source ?? null,
    };
  });
  return `${JSON.stringify(rows, null, 2)}\n`;
}

/** Whose word the figures are that are not the catalogue's: `list`, the provider's own, or `config`. */
function statedOf({ stated: { context, maxOutput: max_output, price } = {} }: ModelInfo) {
  return { context, max_output, price };
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
  const chosen = await place.providers.resolve("executor").then(
    ({ info }) => info,
    () => undefined,
  );
  const items = await usable(place, chosen);
  if (items.length === 0) throw new UsageError("no model can be used yet", "Connect a provider: openkoi connect.");
  const picked = await pick({
    title: "Model",
    items,
    ...(chosen === undefined ? {} : { chosen: chosen.ref }),
    remedy,
    async more(signal) {
      await place.providers.askLists({ signal });
      return usable(place, chosen);
    },
  });
  if (picked === undefined) throw new UsageError("no model was picked", remedy);
  complain(`Model: ${oneLine(picked)}\n`);
  return picked;
}

/** `chosen`: what is used without a choice, which is among them also where no list has it. */
async function usable({ providers }: Place, chosen: ModelInfo | undefined) {
  const [models, statuses] = await Promise.all([providers.models(), providers.statuses()]);
  const ready = new Set(statuses.filter(({ state }) => state === "ready").map(({ id }) => id));
  const listed = models.filter((info) => ready.has(providerOf(info)));
  const all = chosen && !listed.some(({ ref }) => ref === chosen.ref) ? [chosen, ...listed] : listed;
  return all.map((info) => ({ value: info.ref, note: factsOf(info) }));
}
