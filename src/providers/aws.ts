import type { AwsKeys } from "../base/crypto/sigv4.ts";
import type { Env } from "../base/env.ts";
import type { Credential, Discover } from "../contracts/credential.ts";
import type { Row } from "./row.ts";

/**
 * AWS keys as one credential, also in `auth.json` and `credentials/bedrock.key`: `ID:SECRET` or `ID:SECRET:TOKEN`. None
 * of the three holds a colon. Undefined for anything else.
 */
export function awsKeys(value: string): AwsKeys | undefined {
  const [accessKeyId, secretAccessKey, sessionToken, ...more] = value.split(":");
  if (!accessKeyId || !secretAccessKey || more.length > 0) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

const ID = "AWS_ACCESS_KEY_ID";
const SECRET = "AWS_SECRET_ACCESS_KEY";
const TOKEN = "AWS_SESSION_TOKEN";

/** The credential of a row that signs its requests: the variables every AWS program reads, then the usual places. */
export async function discoverAws(row: Row, env: Env, discover: Discover): Promise<Credential> {
  const [id, secret, token] = [ID, SECRET, TOKEN].map((name) => env[name]?.trim() ?? "");
  const source = `environment ${ID}`;
  if (id && secret) {
    const value = [id, secret, ...(token ? [token] : [])].join(":");
    return /^[\x21-\x7e]+$/.test(value) && awsKeys(value)
      ? { kind: "api_key", source, value, state: "ready" }
      : broken(source, `${ID}, ${SECRET} or ${TOKEN} holds characters that no AWS key has.`);
  }
  if (id) return broken(source, `Set ${SECRET} too.`);
  if (secret) return broken(`environment ${SECRET}`, `Set ${ID} too.`);
  const found = await discover(row);
  if (found.state === "missing" && row.needsKey) return { ...found, remedy: `Set ${ID} and ${SECRET}.` };
  if (found.value === undefined || awsKeys(found.value)) return found;
  return broken(found.source, `The ${row.displayName} key must be ACCESS_KEY_ID:SECRET_ACCESS_KEY. Save it again.`);
}

function broken(source: string | undefined, remedy: string): Credential {
  return { kind: "none", source, value: undefined, state: "broken", remedy };
}
