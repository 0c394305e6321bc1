import type { Config } from "../base/config.ts";
import { UserError } from "../base/errors.ts";
import type { ModelInfo, Role } from "../contracts/provider.ts";
import type { Providers } from "../providers/index.ts";
import { assumptions } from "../providers/known.ts";
import type { Diagnosis } from "./doctor-files.ts";
import { providerOf } from "./model-lines.ts";

const ROLES = ["executor", "evaluator", "planner", "small"] as const satisfies readonly Role[];

/**
 * What each role would run on now, and what keeps one that the config names from running. Asks nobody but servers on this machine.
 * `unreached`: providers at whose address nothing answers.
 */
export async function modelFindings(
  providers: Pick<Providers, "resolve" | "embedder">,
  models: Config["models"],
  unreached: ReadonlyMap<string, string> = new Map(),
): Promise<Diagnosis[]> {
  const roles = await Promise.all(
    ROLES.map(async (role) => [role, await found(providers.resolve(role).then(({ info }) => info))] as const),
  );
  const chain = await Promise.all(
    models.fallback.executor.map(async (ref) => {
      const link = await found(providers.resolve("executor", ref).then(({ info }) => info));
      return "problem" in link ? { ...noted(link), text: `fallback ${ref}: ${link.problem}` } : told("fallback", link);
    }),
  );
  const embedder = await found(providers.embedder().then((each) => each?.ref ?? "the built-in one"));
  return [
    ...grouped(roles).map(([names, each]) => {
      const label = names.join(", ");
      return "problem" in each ? { ...broken(each), text: `${label}: ${each.problem}` } : told(label, each, unreached);
    }),
    ...chain,
    typeof embedder === "string"
      ? { state: "ok", text: `embedder: ${embedder}` }
      : { ...broken(embedder), text: `embedder: ${embedder.problem}` },
  ];
}

interface Problem {
  problem: string;
  remedy: string;
}

async function found<T>(looking: Promise<T>): Promise<T | Problem> {
  return looking.catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    return { problem: error.message, remedy: error.remedy };
  });
}

/** Roles that run on the same model, or fail for the same reason, stand together. */
function grouped(roles: readonly (readonly [Role, ModelInfo | Problem])[]): [Role[], ModelInfo | Problem][] {
  const groups = new Map<string, [Role[], ModelInfo | Problem]>();
  for (const [role, each] of roles) {
    const key = "problem" in each ? each.problem : each.ref;
    const group = groups.get(key);
    if (group) group[0].push(role);
    else groups.set(key, [[role], each]);
  }
  return [...groups.values()];
}

function told(label: string, info: ModelInfo, unreached: ReadonlyMap<string, string> = new Map()): Diagnosis {
  if (unreached.has(providerOf(info))) {
    const remedy = "Start that server, or name another model in [models].";
    return { state: "broken", text: `${label}: ${info.ref}: its server does not answer`, remedy };
  }
  const [assumption] = assumptions([info]);
  if (!assumption) return { state: "ok", text: `${label}: ${info.ref}` };
  return { state: "note", text: `${label}: ${assumption}${info.price ? "" : ", its price is unknown"}` };
}

function broken({ remedy }: Problem): Omit<Diagnosis, "text"> {
  return { state: "broken", remedy };
}

/** The task goes on without it. */
function noted({ remedy }: Problem): Omit<Diagnosis, "text"> {
  return { state: "note", remedy };
}
