import { existsSync, lstatSync } from "node:fs";
import { ensureDir, readRegular, writeAtomic } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { LARGEST_SOUL } from "../../skills/soul.ts";
import { brokenAt, type ExportRow, type InTable } from "./document.ts";

/** The one row holds the file's text. */
export const SOUL_COLUMNS = ["text"] as const;

/** The user's own soul; no row where there is none. `onLeftOut` hears of a file that is no soul: too large, no text. */
export function* soulRows({ soul }: Pick<Paths, "soul">, onLeftOut: (path: string) => void): Generator<ExportRow> {
  if (!existsSync(soul)) return;
  const content = readRegular(soul, LARGEST_SOUL);
  const text = content?.toString() ?? "";
  if (content && Buffer.from(text).equals(content)) yield { text };
  else onLeftOut("SOUL.md");
}

/** The soul of an export; undefined where it has none. Throws UserError for a row that is none. */
export function readSoulRows({ rows, placeOf }: InTable, file: string): string | undefined {
  const [row] = rows;
  if (!row) return undefined;
  if (rows.length > 1) throw brokenAt(file, placeOf(1), "there can be one soul only");
  const { text } = row;
  if (typeof text !== "string") throw brokenAt(file, placeOf(0), "text: missing");
  if (Buffer.byteLength(text) > LARGEST_SOUL) throw brokenAt(file, placeOf(0), "text: too long for a soul");
  return text;
}

/** Whether the user has a soul already, be it an empty one. */
export function hasSoul({ soul }: Pick<Paths, "soul">): boolean {
  return lstatSync(soul, { throwIfNoEntry: false }) !== undefined;
}

export async function writeSoul({ home, soul }: Pick<Paths, "home" | "soul">, text: string): Promise<void> {
  await ensureDir(home);
  await writeAtomic(soul, text);
}
