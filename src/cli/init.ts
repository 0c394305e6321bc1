import { existsSync } from "node:fs";
import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import { ensureDir, writeAtomic } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import type { CommandLine } from "./args.ts";
import { connect } from "./connect.ts";
import { print } from "./display/writer.ts";
import type { Flags } from "./flags.ts";
import { freshStatuses, openPlace, type Place, pickProvider, rowNamed, statusLines } from "./place.ts";

/** What a new config file says: nothing that is not the default, and where to read on. */
const FIRST_CONFIG = `# OpenKoi's settings. Everything has a default; what is set here replaces it.
# A project may have its own in .openkoi/config.toml.

# [models]
# executor = "provider/model"    # openkoi models shows them; without it the best one that is connected

# [iteration]
# quality_threshold = 0.8
# [safety]
# max_cost_usd = 2.0
`;

/** `openkoi init`, `openkoi setup`: the first steps, safe to take again. */
export async function initCommand({ flags }: CommandLine): Promise<ExitCode> {
  const place = await openPlace(flags);
  const { paths } = place.app;
  print(`config: ${paths.config}${(await firstConfig(paths)) ? " (made)" : ""}\n`);
  try {
    return await firstSteps(place, flags);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== Exit.interrupted) throw error;
    // The config file may have been made, and a key saved.
    const remedy = "What is said above was done; openkoi init goes on from there.";
    throw new UserError(error.message, remedy, Exit.interrupted, { cause: error });
  }
}

async function firstSteps(place: Place, flags: Flags): Promise<ExitCode> {
  if (flags.connect !== undefined) await connect(rowNamed(flags.connect, place), place);
  let statuses = await freshStatuses(place);
  if (!statuses.some(({ state }) => state === "ready")) {
    const remedy = "Connect a provider: openkoi connect anthropic, or set its key, e.g. ANTHROPIC_API_KEY.";
    const id = await pickProvider(place, "Connect", remedy);
    if (id === undefined) throw new UsageError("no provider was connected", remedy);
    await connect(rowNamed(id, place), place);
    statuses = await freshStatuses(place);
  }
  const found = statuses.filter(({ state }) => state !== "missing");
  const { executor } = await place.app.providers(place.settings).resolveAll();
  print(
    `${[...statusLines(found), `model: ${executor.info.ref}`, 'Try it: openkoi "explain this project", or openkoi demo'].join("\n")}\n`,
  );
  return Exit.ok;
}

/** True where it was made now. */
async function firstConfig({ home, config }: Paths): Promise<boolean> {
  await ensureDir(home, existsSync(home) ? undefined : 0o700);
  if (existsSync(config)) return false;
  await writeAtomic(config, FIRST_CONFIG);
  return true;
}
