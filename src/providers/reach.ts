import { messageOf } from "../base/errors.ts";
import { send } from "../base/http.ts";
import type { Row } from "./row.ts";

/** So long a server may take to answer anything, ms. */
const PATIENCE_MS = 2000;

/**
 * Why nothing answers at the address of a provider; undefined where something does, whatever it says. It is asked for
 * its models and shown no key.
 */
export async function whyUnreached(
  { baseUrl }: Pick<Row, "baseUrl">,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { body } = await send({ url: `${baseUrl}/models`, connectTimeoutMs: PATIENCE_MS }, signal);
    await body.return(undefined);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}
