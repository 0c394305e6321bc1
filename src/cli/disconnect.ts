import { existsSync } from "node:fs";
import { Exit, type ExitCode, messageOf, UsageError, UserError } from "../base/errors.ts";
import { remove, removeAll, savedFor, savedProviders } from "../credentials/store.ts";
import type { CommandLine } from "./args.ts";
import { print, say } from "./display/writer.ts";
import { freshStatuses, openPlace, type Place, pickProvider, rowNamed, sourceOf } from "./place.ts";
import { confirm } from "./secret.ts";

/** `openkoi disconnect [TARGET|all]`: removes what is saved, after confirmation. */
export async function disconnectCommand({ argument, flags }: CommandLine): Promise<ExitCode> {
  const place = await openPlace(flags);
  const agree = async (question: string, target: string) => {
    const remedy = `To do it without asking: openkoi disconnect ${target} --yes`;
    return flags.yes === true || (await confirm(question, remedy));
  };
  if (argument === "all") return disconnectAll(place, agree);
  const saved = await readable(savedProviders(place.app.paths), place);
  const id = argument ?? (await pickSaved(place, saved));
  if (id === undefined) return Exit.ok;
  // What an older version or another program saved may have no row here.
  const target = saved.includes(id) ? id : rowNamed(id, place, ["all"]).id;
  const files = await savedFor(place.app.paths, target);
  if (files.length > 0 && !(await agree(`Remove ${target} from ${files.join(" and ")}?`, target))) {
    say("nothing was removed");
    return Exit.ok;
  }
  if (files.length > 0) await remove(place.app.paths, target, AbortSignal.timeout(30_000));
  print(`${target}: ${files.length > 0 ? `removed from ${files.join(" and ")}` : "nothing is saved"}\n`);
  const left = (await freshStatuses(place)).find((status) => status.id === target);
  if (left?.source && left.state !== "missing") say(`still there: ${sourceOf(left)}`);
  return Exit.ok;
}

async function disconnectAll(
  place: Place,
  agree: (question: string, target: string) => Promise<boolean>,
): Promise<ExitCode> {
  const { paths } = place.app;
  // A broken auth.json is removed too, so what it holds need not be known.
  const saved = await savedProviders(paths).catch(() => undefined);
  const names = [...(saved ?? []), ...(existsSync(paths.integrations) ? ["those of integrations"] : [])];
  if (saved && names.length === 0) {
    print("nothing is saved\n");
    return Exit.ok;
  }
  const what = saved ? names.join(", ") : "everything in auth.json and credentials/";
  if (!(await agree(`Remove every saved credential (${what})?`, "all"))) {
    say("nothing was removed");
    return Exit.ok;
  }
  await removeAll(paths);
  print(`removed: ${what}\n`);
  return Exit.ok;
}

async function pickSaved(place: Place, saved: readonly string[]): Promise<string | undefined> {
  const remedy = "Name it: openkoi disconnect groq, or openkoi disconnect all.";
  if (saved.length === 0) throw new UsageError("no credential is saved", "openkoi connect status shows what is found.");
  return pickProvider(place, "Disconnect", remedy, saved);
}

async function readable<T>(reading: Promise<T>, { app }: Place): Promise<T> {
  return reading.catch((error: unknown) => {
    const remedy = "Mend or remove it; openkoi disconnect all removes it with everything saved.";
    throw new UserError(`${app.paths.auth} cannot be used: ${messageOf(error)}`, remedy);
  });
}
