import { describe, expect, test } from "bun:test";
import { createStyle } from "../../src/cli/display/style.ts";
import { modelLines } from "../../src/cli/model-lines.ts";
import type { ModelInfo, ProviderStatus } from "../../src/contracts/provider.ts";

const all = { tools: true, images: true, reasoning: true, temperature: true };
const model = (ref: string, more: Partial<ModelInfo> = {}): ModelInfo => ({
  ref,
  context: 200_000,
  maxOutput: 64_000,
  price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
  capabilities: all,
  assumed: false,
  ...more,
});
const { price: _, ...unpriced } = model("home/qwen3", { assumed: true, context: 128_000 });

const provider = (id: string, state: ProviderStatus["state"], defaultModel: string): ProviderStatus => ({
  id,
  displayName: id,
  source: state === "missing" ? undefined : `environment ${id.toUpperCase()}_API_KEY`,
  state,
  baseUrl: "https://x.test",
  defaultModel,
});

const MODELS = [
  model("one/sonnet-5"),
  model("one/haiku", {
    capabilities: { ...all, reasoning: false },
    price: { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1 },
  }),
  model("two/maker.with-a-very-long-name-20251101-v1:0"),
  unpriced,
  model("home/served", { context: 40_960, stated: { context: "list" }, uncatalogued: "asked" }),
  model("home/sold", { context: 128_000, assumed: true, stated: { price: "list" }, uncatalogued: "asked" }),
];
const STATUSES = [
  provider("one", "ready", "haiku"),
  provider("two", "missing", "x"),
  provider("home", "ready", "auto"),
];

const lines = (width = Number.POSITIVE_INFINITY, color = false) =>
  modelLines(MODELS, STATUSES, { width, style: createStyle(color), date: "2026-11-23" });

describe("the list of models", () => {
  test("stands in columns below each provider, what can be used next to the prompt, defaults marked", () => {
    expect(lines()).toEqual([
      "[-] two",
      "    maker.with-a-very-long-name-20251101-v1:0   200k  $3/$15  tools images reasoning",
      "[+] one  environment ONE_API_KEY",
      "    sonnet-5   200k  $3/$15  tools images reasoning",
      "  * haiku      200k  $1/$5   tools images",
      "[+] home  environment HOME_API_KEY",
      "    qwen3   128k?  price unknown",
      "    served   41k^  $3/$15",
      "    sold    128k?  $3/$15^",
      "",
      "* used where the provider alone is named; $ per million tokens in/out, 2026-11-23",
      "^ not in the catalogue: as the provider's own list says",
      "? not in the catalogue: its limits are assumed",
    ]);
  });

  test("fits every terminal: long names get letters for abilities, and are cut at last", () => {
    for (const width of [20, 40, 60, 72, 80, 100, 120]) {
      for (const line of lines(width, true)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    }
    expect(lines(72)).toContain("    maker.with-a-very-long-name-20251101-v1:0   200k  $3/$15  TIR");
    expect(lines(72)).toContain("  * haiku      200k  $1/$5   tools images");
    expect(lines(72)).toContain("T tools, I images, R reasoning");
    expect(lines(120)).toEqual(lines());
  });

  test("says the same without colours", () => {
    expect(lines(80, true).map((line) => Bun.stripANSI(line))).toEqual(lines(80));
  });
});
