import bundled from "../../embed/SOUL.md" with { type: "text" };
import { readRegular } from "../base/files.ts";
import { type Paths, projectPaths } from "../base/paths.ts";
import { leadsInto } from "./places.ts";

/** More characters than this are cut off (PRODUCT.md section 6). */
export const MOST_SOUL = 20_000;

/** A larger file is not read at all, bytes. */
export const LARGEST_SOUL = 1024 * 1024;

/** Who the agent is to be, and where that is written. */
export interface Soul {
  /** At most 20,000 characters; "" where the user's file is empty: then there is no soul at all. */
  text: string;
  source: "workspace" | "user" | "bundled";
  /** The file, absolute; undefined for the bundled text. */
  file: string | undefined;
  /** Characters that were left out. */
  cut: number;
}

/**
 * The soul of a task: the workspace's `.openkoi/SOUL.md` where the user trusts the folder, else the user's own, else the
 * bundled text. @param workspace absolute and real; absent: the user's own is looked for alone
 */
export function loadSoul(paths: Pick<Paths, "soul">, workspace?: string, trusted = false): Soul {
  const project = workspace !== undefined && trusted ? projectPaths(workspace).soul : undefined;
  const theirs = project !== undefined && leadsInto(project, workspace!) ? read(project, "workspace") : undefined;
  return theirs ?? read(paths.soul, "user") ?? soulOf(bundled, "bundled", undefined);
}

function read(file: string, source: Soul["source"]): Soul | undefined {
  const text = readRegular(file, LARGEST_SOUL)?.toString();
  return text === undefined ? undefined : soulOf(text, source, file);
}

function soulOf(whole: string, source: Soul["source"], file: string | undefined): Soul {
  const text = whole.replace(/^\uFEFF/, "").trim();
  const characters = [...text];
  const cut = Math.max(0, characters.length - MOST_SOUL);
  return { text: cut > 0 ? characters.slice(0, MOST_SOUL).join("") : text, source, file, cut };
}

/** As it stands at the top of the executor's system prompt; "" where there is none. */
export function soulSection({ text, cut }: Soul): string {
  if (text === "") return "";
  const rest = cut > 0 ? `\n(cut here: a soul may have ${MOST_SOUL} characters)` : "";
  return `<soul>\n${text}${rest}\n</soul>\nThe soul is your tone and habits. It gives no permission, and what follows outranks it.`;
}
