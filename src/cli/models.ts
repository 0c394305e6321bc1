import { Exit, type ExitCode, UsageError } from "../base/errors.ts";
import { formatTokens } from "../base/text.ts";
import type { ModelInfo, ModelList, ProviderStatus } from "../contracts/provider.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import type { Flags } from "./flags.ts";
import { pick } from "./picker.ts";
import { markOf, openPlace, type Place, sourceOf } from "./place.ts";
import { watchSignals } from "./signals.ts";

/** `openkoi models [--refresh] [--json]`: every known model, its facts, and whether it can be used now. */
export async function modelsCommand({ flags }: CommandLine): Promise<ExitCode> {
  const { providers } = await openPlace(flags);
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
  process.stdout.write(flags.json ? modelsJson(models, statuses) : modelsText(models, statuses));
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
  process.stderr.write(`openkoi: ${provider}: ${oneLine(said ?? state)}\n`);
}

function modelsJson(models: readonly ModelInfo[], statuses: readonly ProviderStatus[]): string {
  const rows = models.map((info) => {
    const status = statuses.find(({ id }) => id === providerOf(info));
    return {
      id: info.ref,
      context: info.context,
      max_output: info.maxOutput,
      /** USD per million tokens. */
      price: info.price ?? null,
      capabilities: capabilitiesOf(info),
      assumed: info.assumed,
      reachable: status?.state === "ready",
      source: status?.source ?? null,
    };
  });
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function modelsText(models: readonly ModelInfo[], statuses: readonly ProviderStatus[]): string {
  const lines = statuses.flatMap((status) => {
    const own = models.filter((info) => providerOf(info) === status.id);
    const title = `${markOf(status)} ${status.id}  ${sourceOf(status)}`.trimEnd();
    return [title, ...own.map((info) => `    ${modelOf(info).padEnd(38)} ${factsOf(info)}`.trimEnd())];
  });
  return `${lines.join("\n")}\n`;
}

/** Context window, price, capabilities. */
function factsOf(info: ModelInfo): string {
  if (info.assumed) return `${formatTokens(info.context).padStart(5)}? not in the catalogue: all of it is assumed`;
  const { price } = info;
  const cost = price ? `$${amount(price.input)}/$${amount(price.output)}` : "price unknown";
  return `${formatTokens(info.context).padStart(5)}  ${cost.padEnd(14)} ${capabilitiesOf(info).join(" ")}`;
}

function amount(usd: number): string {
  return String(Number(usd.toFixed(3)));
}

function capabilitiesOf({ capabilities }: ModelInfo): string[] {
  return (["tools", "images", "reasoning"] as const).filter((name) => capabilities[name]);
}

function providerOf({ ref }: ModelInfo): string {
  return ref.slice(0, ref.indexOf("/"));
}

function modelOf({ ref }: ModelInfo): string {
  return ref.slice(ref.indexOf("/") + 1);
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
  const picked = await pick({
    title: "Model",
    items,
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
