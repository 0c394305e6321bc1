import { formatTokens } from "../base/text.ts";
import type { ModelInfo, ProviderStatus } from "../contracts/provider.ts";
import { cut } from "./display/layout.ts";
import type { Style } from "./display/style.ts";
import { markOf, sourceOf } from "./place.ts";

export interface ModelLineOptions {
  /** Columns; `Infinity` for a pipe: nothing is shortened. */
  width: number;
  style: Style;
  /** The day of the prices (2026-11-23). */
  date: string;
}

const CAN = ["tools", "images", "reasoning"] as const;
/** Columns between two facts. */
const GAP = "  ";

/** The provider of a model. */
export function providerOf({ ref }: Pick<ModelInfo, "ref">): string {
  return ref.slice(0, ref.indexOf("/"));
}

/** What a model can do. */
export function capabilitiesOf({ capabilities }: ModelInfo): string[] {
  return CAN.filter((name) => capabilities[name]);
}

/** Context window, price and abilities of a model, as they stand beside its name in a list. */
export function factsOf(info: ModelInfo): string {
  const [context, price, can] = cellsOf(info);
  return [context!.padStart(5), price!.padEnd(12), can].join(GAP).trimEnd();
}

/**
 * Every model below its provider: what cannot be used first, so that what can stands next to the prompt. `*` marks the
 * model that a provider is used with where none is named.
 */
export function modelLines(
  models: readonly ModelInfo[],
  statuses: readonly ProviderStatus[],
  { width, style, date }: ModelLineOptions,
): string[] {
  const groups = statuses.map((status) => {
    const own = models.filter((info) => providerOf(info) === status.id);
    const columns = columnsOf(own);
    const narrow = own.some((info) => rowOf(info, "", columns, false).length > width);
    return { status, own, columns, narrow, usable: status.state === "ready" };
  });
  const lines = groups
    .toSorted((a, b) => Number(a.usable) - Number(b.usable))
    .flatMap(({ status, own, columns, narrow, usable }) => {
      const title = cut([`${markOf(status)} ${status.id}`, sourceOf(status)].filter(Boolean).join(GAP), width);
      const rows = own.map((info) => {
        const mark = info.ref === `${status.id}/${status.defaultModel}` ? "*" : "";
        const row = cut(rowOf(info, mark, columns, narrow), width);
        return usable ? row : style.dim(row);
      });
      return [usable ? style.bold(title) : title, ...rows];
    });
  const narrow = groups.some((group) => group.narrow);
  return [...lines, ...legend(models, narrow, date).map((line) => style.dim(cut(line, width)))];
}

/** What the marks mean, where they stand. */
function legend(models: readonly ModelInfo[], narrow: boolean, date: string): string[] {
  return [
    "",
    `* used where the provider alone is named; $ per million tokens in/out, ${date}`,
    ...(narrow ? ["T tools, I images, R reasoning"] : []),
    ...(models.some(({ stated }) => stated?.context === "list" || stated?.price === "list")
      ? ["^ not in the catalogue: as the provider's own list says"]
      : []),
    ...(models.some(({ assumed }) => assumed) ? ["? not in the catalogue: its limits are assumed"] : []),
  ];
}

/** Context, price, abilities. */
function cellsOf(info: ModelInfo): [string, string, string] {
  const { assumed, price, stated, uncatalogued } = info;
  const listed = (figure: "context" | "price") => (stated?.[figure] === "list" ? "^" : "");
  const cost = price ? `$${amount(price.input)}/$${amount(price.output)}${listed("price")}` : "price unknown";
  const context = formatTokens(info.context) + (assumed ? "?" : listed("context"));
  return [context, cost, assumed || uncatalogued ? "" : capabilitiesOf(info).join(" ")];
}

function columnsOf(models: readonly ModelInfo[]): { name: number; price: number } {
  const longest = (texts: string[]) => Math.max(0, ...texts.map((text) => Bun.stringWidth(text)));
  return { name: longest(models.map(modelOf)), price: longest(models.map((info) => cellsOf(info)[1])) };
}

function rowOf(info: ModelInfo, mark: string, columns: ReturnType<typeof columnsOf>, narrow: boolean): string {
  const [context, price, can] = cellsOf(info);
  const abilities = narrow ? CAN.map((name) => (can.includes(name) ? name[0]!.toUpperCase() : " ")).join("") : can;
  const facts = [modelOf(info).padEnd(columns.name), context.padStart(5), price.padEnd(columns.price), abilities];
  return `${mark.padStart(3)} ${facts.join(GAP)}`.trimEnd();
}

function modelOf({ ref }: ModelInfo): string {
  return ref.slice(ref.indexOf("/") + 1);
}

function amount(usd: number): string {
  return String(Number(usd.toFixed(3)));
}
