import { UserError } from "../../base/errors.ts";
import { HttpError } from "../../base/http.ts";
import { abortable } from "../../base/stream.ts";
import type { CredentialRow, Login, Token } from "../../contracts/credential.ts";
import type { Clock } from "../../contracts/kit.ts";
import { changeAuth, entryOf, type Tokens, tokensOf } from "../auth-file.ts";
import { type Context, type Issuer, Refused } from "./issuer.ts";

/** A token is renewed so long before it runs out, ms: a request that begins now must still be accepted. */
const EARLY_MS = 120_000;
/** One renewal, with the wait for another process that does the same, ms. */
const PATIENCE_MS = 90_000;

export type LoginRow = Pick<CredentialRow, "id" | "displayName"> & { login: Login };

/** The kind of login, loaded when it is needed. */
export async function issuerOf({ kind }: Login): Promise<Issuer> {
  return kind === "copilot" ? (await import("./copilot.ts")).copilot : (await import("./chatgpt.ts")).chatgpt;
}

/**
 * The token of a login, call after call, renewed where it must be. `file` is the `auth.json` it lies in: many processes
 * may use it, and only one renews. Without a file the login is this process's own. A renewal that fails leaves the old
 * tokens where they are.
 */
export function createSession(row: LoginRow, first: Tokens, clock: Clock, file: string | undefined) {
  let current = first;
  let renewing: Promise<void> | undefined;

  async function renew(refused: string | undefined): Promise<void> {
    const context: Context = {
      login: row.login,
      name: row.displayName,
      id: row.id,
      clock,
      signal: AbortSignal.timeout(PATIENCE_MS),
    };
    const issuer = await issuerOf(row.login);
    if (!file) {
      current = await issuer.renew(current, context);
      return;
    }
    const { tokens, error } = await changeAuth<Renewal>(file, context.signal, async (providers, prove) => {
      const saved = tokensOf(providers[row.id]);
      if (!saved) throw new Refused(`${row.displayName}: the login was removed`, `openkoi connect ${row.id}`);
      if (isFresh(saved, clock) && saved.access !== refused) return { save: false, result: { tokens: saved } };
      await prove();
      try {
        const tokens = await issuer.renew(saved, context);
        const { [REFUSED]: _, ...extra } = tokens.extra;
        providers[row.id] = entryOf({ ...tokens, extra });
        return { save: true, result: { tokens } };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // Written down so that `connect status` can say it without asking; the tokens stay.
        providers[row.id] = entryOf({ ...saved, extra: { ...saved.extra, [REFUSED]: true } });
        return { save: true, result: { tokens: saved, error } };
      }
    });
    current = tokens;
    if (error) throw error;
  }

  return async (signal: AbortSignal, refused?: string): Promise<Token> => {
    if (!isFresh(current, clock) || current.access === refused) {
      renewing ??= renew(refused).finally(() => {
        renewing = undefined;
      });
      await abortable(renewing, signal).catch((error: unknown) => {
        // Renewed early, so the old one may still do.
        if (error instanceof HttpError && current.access !== refused && isValid(current, clock)) return;
        throw error;
      });
    }
    return (await issuerOf(row.login)).token(current);
  };
}

interface Renewal {
  tokens: Tokens;
  error?: Refused;
}

const REFUSED = "refused";

/** True where the issuer said that the login is over, and its last token ran out. */
export function isOver(tokens: Tokens, clock: Pick<Clock, "now">): boolean {
  return !isValid(tokens, clock) && (!tokens.refresh || tokens.extra[REFUSED] === true);
}

function isValid({ access, expiresAt }: Tokens, clock: Pick<Clock, "now">): boolean {
  return access !== "" && (expiresAt === undefined || expiresAt > clock.now());
}

function isFresh(tokens: Tokens, clock: Pick<Clock, "now">): boolean {
  return isValid(tokens, clock) && (tokens.expiresAt === undefined || tokens.expiresAt > clock.now() + EARLY_MS);
}

/** Logs in: shows a code, waits for the user, saves what comes of it in `file`. @throws UserError */
export async function logIn(
  row: LoginRow,
  { clock, signal, file, show }: { clock: Clock; signal: AbortSignal; file: string; show(code: ShownCode): void },
): Promise<void> {
  const context: Context = { login: row.login, name: row.displayName, id: row.id, clock, signal };
  try {
    const code = await (await issuerOf(row.login)).begin(context);
    show(code);
    const tokens = await code.finish();
    await changeAuth(file, signal, async (providers) => {
      providers[row.id] = entryOf(tokens);
      return { save: true, result: undefined };
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new UserError(`${row.displayName}: ${error.message}`, `Check the network, then: openkoi connect ${row.id}`);
  }
}

/** What the user must see of a device code. */
export interface ShownCode {
  userCode: string;
  url: string;
  completeUrl?: string;
  expiresInMs: number;
}
