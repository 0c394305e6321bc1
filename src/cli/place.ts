import { type App, createApp, type Settings } from "../app.ts";
import { UsageError } from "../base/errors.ts";
import { closest } from "../base/text.ts";
import type { CredentialRow } from "../contracts/credential.ts";
import type { ProviderStatus } from "../contracts/provider.ts";
import type { Providers } from "../providers/index.ts";
import { oneLine } from "./display/layout.ts";
import { configOverrides, type Flags } from "./flags.ts";
import { pick } from "./picker.ts";

/** What the commands about providers work on. */
export interface Place {
  app: App;
  settings: Settings;
  providers: Providers;
  rows: CredentialRow[];
}

export async function openPlace(flags: Flags): Promise<Place> {
  const app = createApp();
  const settings = await app.settings({
    dir: flags.dir ?? ".",
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
    overrides: configOverrides(flags),
  });
  const providers = app.providers(settings);
  return { app, settings, providers, rows: await providers.rows() };
}

/** How the providers stand now: a look at the files and the environment, not at what an earlier look found. */
export function freshStatuses({ app, settings }: Place): Promise<ProviderStatus[]> {
  return app.providers(settings).statuses();
}

/** The provider of this name; `others` are words that stand beside the names. @throws UsageError with the nearest one; never repeats what may be a key. */
export function rowNamed(name: string, { rows }: Place, others: readonly string[] = []): CredentialRow {
  const row = rows.find(({ id }) => id === name.toLowerCase());
  if (row) return row;
  const near = closest(name, [...rows.map(({ id }) => id), ...others]);
  const shown = /^[a-z][a-z-]{0,19}$/i.test(name) ? ` "${name}"` : " of that name";
  throw new UsageError(
    `there is no provider${shown}`,
    `${near ? `Did you mean ${near}? ` : ""}There are ${rows.map(({ id }) => id).join(", ")}.`,
  );
}

/** The mark of a state: it can be used, it needs a look, there is nothing. */
export function markOf({ state }: ProviderStatus): string {
  return { ready: "[+]", missing: "[-]", restricted: "[!]", expired: "[!]", broken: "[!]" }[state];
}

/** `environment GROQ_API_KEY`, `expired: auth.json`; "" where there is nothing. */
export function sourceOf({ state, source }: ProviderStatus): string {
  if (state === "missing") return "";
  return oneLine(state === "ready" ? (source ?? "") : `${state}: ${source ?? "its credential"}`);
}

/** A line for each provider: mark, name, source. */
export function statusLines(statuses: readonly ProviderStatus[]): string[] {
  const width = Math.max(...statuses.map(({ id }) => id.length));
  return statuses.map((status) => `${markOf(status)} ${status.id.padEnd(width)}  ${sourceOf(status)}`.trimEnd());
}

/** Lets the user pick a provider. Undefined where they leave it. */
export async function pickProvider(place: Place, title: string, remedy: string, only?: readonly string[]) {
  const statuses = await place.providers.statuses();
  const items = statuses
    .filter(({ id }) => only?.includes(id) ?? true)
    .map((status) => ({
      value: status.id,
      label: `${markOf(status)} ${status.id}`,
      note: [status.displayName, sourceOf(status)].filter(Boolean).join(", "),
    }));
  return pick({ title, items, remedy });
}
