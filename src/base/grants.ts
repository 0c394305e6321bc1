import type { ProjectClaim } from "./config.ts";
import { sha256Hex } from "./crypto/sha256.ts";
import type { Env } from "./env.ts";
import { UserError } from "./errors.ts";
import { ensureDir, readText, writeAtomic } from "./files.ts";
import { withLock } from "./lock.ts";
import type { Paths } from "./paths.ts";
import { type Infer, parse, s } from "./schema.ts";

/**
 * What the user allowed for one folder, once and for all. It lies in `permissions.json` in the user's own config home,
 * by the folder's path: nothing inside a folder can allow anything.
 */
export interface Grants {
  /** Rules that were answered with "always", as in `[permissions] allow`. */
  readonly allow: readonly string[];
  /** Adds such rules; they hold from now on. */
  addAllow(rules: readonly string[]): Promise<void>;
  /** Whether what the folder brings is to be used; undefined where the user was not asked about this very text. */
  trusts(claim: Pick<ProjectClaim, "of" | "source">): boolean | undefined;
  answerTrust(claim: Pick<ProjectClaim, "of" | "source">, use: boolean): Promise<void>;
}

/** How long another process may be writing, ms. */
const LOCK_MS = 10_000;

/**
 * Reads what was allowed for `folder`, which is absolute and real.
 *
 * @throws UserError where the file is there and cannot be understood: going on would be asking everything anew, or less.
 */
export async function loadGrants(paths: Pick<Paths, "home" | "permissions">, folder: string): Promise<Grants> {
  let own = (await readAll(paths.permissions))[folder] ?? { allow: [] };

  async function change(edit: (entry: Entry) => Entry): Promise<void> {
    await ensureDir(paths.home);
    // Tasks of all folders share the file: between reading and writing nobody else may write.
    await withLock(`${paths.permissions}.lock`, AbortSignal.timeout(LOCK_MS), async () => {
      const folders = await readAll(paths.permissions);
      own = edit(folders[folder] ?? { allow: [] });
      const text = `${JSON.stringify({ folders: { ...folders, [folder]: own } }, null, 2)}\n`;
      await writeAtomic(paths.permissions, text, { mode: 0o600 });
    });
  }

  return {
    get allow() {
      return own.allow;
    },
    addAllow: (rules) => change((entry) => ({ ...entry, allow: [...new Set([...entry.allow, ...rules])] })),
    trusts({ of = "settings", source }) {
      const answer = own[of];
      return answer?.sha256 === sha256Hex(source) ? answer.use : undefined;
    },
    answerTrust: ({ of = "settings", source }, use) =>
      change((entry) => ({ ...entry, [of]: { sha256: sha256Hex(source), use } })),
  };
}

type Entry = Infer<ReturnType<typeof entrySchema>>;

function entrySchema() {
  const answer = s.object({ sha256: s.string(), use: s.boolean() });
  return s.object({
    allow: s.withDefault(s.array(s.string()), []),
    settings: s.optional(answer),
    skills: s.optional(answer),
  });
}

async function readAll(file: string): Promise<Record<string, Entry>> {
  const remedy = "Mend the file, or delete it to be asked again.";
  let content: unknown;
  try {
    const text = await readText(file);
    if (text === undefined) return {};
    content = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} cannot be read`, remedy, undefined, { cause: error });
  }
  const parsed = parse(s.object({ folders: s.record(entrySchema()) }), content);
  if (!parsed.ok) {
    const issue = parsed.issues[0]!;
    throw new UserError(`${file}: ${issue.path}: ${issue.message}`, remedy);
  }
  return parsed.value.folders;
}

/**
 * Whether what a project brings is to be used: `OPENKOI_TRUST=1` says yes for this run, else what the user answered
 * about this very text, else `ask` where somebody is there (undefined: no answer came; nothing is remembered).
 */
export async function isTrusted(
  grants: Grants,
  claim: ProjectClaim,
  env: Env,
  ask?: (claim: ProjectClaim) => Promise<boolean | undefined>,
): Promise<boolean> {
  if (env["OPENKOI_TRUST"] === "1") return true;
  const known = grants.trusts(claim);
  if (known !== undefined || !ask) return known ?? false;
  const use = await ask(claim);
  if (use !== undefined) await grants.answerTrust(claim, use);
  return use ?? false;
}
