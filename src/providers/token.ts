import type { Credential, Token } from "../contracts/credential.ts";
import { authorization, type Outgoing } from "./authorize.ts";
import type { Row } from "./row.ts";

/** What goes with a request of this moment; undefined for servers that ask for no key. @throws UserError */
export async function tokenOf(credential: Credential, signal: AbortSignal): Promise<Token | undefined> {
  if (credential.token) return credential.token(signal);
  const { value, headers, baseUrl } = credential;
  if (value === undefined) return undefined;
  return { value, ...(headers ? { headers } : {}), ...(baseUrl === undefined ? {} : { baseUrl }) };
}

/** Where the provider is reached with this token, without a slash at its end. */
export function addressOf(row: Row, token: Token | undefined): string {
  return (row.baseUrlNamed ? undefined : token?.baseUrl) ?? row.baseUrl;
}

/** The headers of the row and of the token. A login travels as a bearer token, also where keys have a header of their own. */
export function headersWith(
  row: Row,
  credential: Credential,
  token: Token | undefined,
  request: Outgoing,
  now: number,
): Record<string, string> {
  const carrier: Row = credential.kind === "oauth" ? { ...row, auth: "bearer" } : row;
  return { ...row.headers, ...token?.headers, ...authorization(carrier, token?.value, request, now) };
}
