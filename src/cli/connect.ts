import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import { formatDuration } from "../base/text.ts";
import type { CredentialRow, Login } from "../contracts/credential.ts";
import { logIn } from "../credentials/oauth/session.ts";
import { remove, saveKey } from "../credentials/store.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { isTerminal, standardError } from "./display/standard.ts";
import { print, say } from "./display/writer.ts";
import { interrupted } from "./picker.ts";
import { freshStatuses, openPlace, type Place, pickProvider, rowNamed, sourceOf, statusLines } from "./place.ts";
import { readSecret } from "./secret.ts";
import { watchSignals } from "./signals.ts";
import { isPiped } from "./stdin.ts";

/** `openkoi connect [TARGET|status]`: saves a key or logs in; shows what there is. */
export async function connectCommand({ argument, flags }: CommandLine): Promise<ExitCode> {
  const place = await openPlace(flags);
  if (argument === "status") {
    const statuses = await place.providers.statuses();
    print(`${statusLines(statuses).join("\n")}\n`);
    const troubled = statuses.some(({ state }) => state !== "ready" && state !== "missing");
    if (troubled) say("what [!] needs: openkoi doctor");
    else if (!statuses.some(({ state }) => state === "ready"))
      say("nothing is set up yet: openkoi connect saves a key or logs in");
    return Exit.ok;
  }
  const remedy = "Name it: openkoi connect anthropic; openkoi connect status shows them all.";
  const id = argument ?? (await pickProvider(place, "Connect", remedy));
  if (id === undefined) return Exit.ok;
  await connect(rowNamed(id, place, ["status"]), place);
  return Exit.ok;
}

/** All servers that need no key together are waited for no longer than this, ms. */
const REACH_MS = 10_000;

/**
 * Connects one provider. Of a server that needs no key it is only said whether it answers; a key for a proxy before it
 * can still be piped in. @throws UserError where that was refused, UsageError where it takes no credential.
 */
export async function connect(row: CredentialRow, place: Place): Promise<void> {
  if (!row.needsKey && !row.login && !row.keyUrl && !isPiped()) {
    print(`${row.id}: ${await findServer(row, place)}\n`);
    return;
  }
  const saved = row.login ? await viaLogin({ ...row, login: row.login }, place) : await viaKey(row, place);
  const status = (await freshStatuses(place)).find(({ id }) => id === row.id);
  print(`${row.id}: ${saved}\n`);
  // The first source wins, which need not be what was just saved.
  if (status?.source && !saved.includes(status.source)) {
    say(`${sourceOf(status)} comes before it and is what is used`);
  }
}

/** What is there of a server that needs no key. @throws UserError where nothing answers, or it has no model. */
async function findServer({ id }: CredentialRow, place: Place): Promise<string> {
  const status = (await freshStatuses(place)).find((each) => each.id === id);
  const unreached = (await place.providers.unreached(AbortSignal.timeout(REACH_MS))).has(id);
  if (status?.state === "ready" && !unreached) {
    return `needs no key, and answers at ${status.baseUrl}${status.defaultModel ? ` (${status.defaultModel})` : ""}`;
  }
  throw new UserError(
    `${id} needs no key, but is not ready at ${status?.baseUrl}`,
    `${status?.remedy ?? "Start it, or mend its base_url."} Then again: openkoi connect ${id}.`,
  );
}

async function viaLogin(row: CredentialRow & { login: Login }, { app }: Place): Promise<string> {
  const signals = watchSignals();
  try {
    await logIn(row, {
      clock: app.clock,
      signal: signals.signal,
      file: app.paths.auth,
      show({ userCode, url, completeUrl, expiresInMs }) {
        const lines = [
          `To log in to ${row.displayName}, open this page on any device:`,
          `  ${oneLine(completeUrl ?? url)}`,
          `and enter the code:`,
          `  ${oneLine(userCode)}`,
          `It is good for ${formatDuration(expiresInMs)}. Enter it only if you asked for it. Waiting… (Ctrl-C stops)`,
        ];
        standardError().write(`${lines.join("\n")}\n`);
      },
    });
  } catch (error) {
    throw signals.signal.aborted ? interrupted() : error;
  } finally {
    signals.stop();
  }
  return `logged in, saved in auth.json`;
}

async function viaKey(row: CredentialRow, place: Place): Promise<string> {
  if (row.keyEnv.length === 0) throw new UsageError(`${row.displayName} takes no key`, "There is nothing to connect.");
  const { app, providers } = place;
  if (isTerminal("stdin") && row.keyUrl) standardError().write(`A key is made at ${row.keyUrl}\n`);
  const what = row.keyEnv.includes("AWS_ACCESS_KEY_ID") ? "ACCESS_KEY_ID:SECRET_ACCESS_KEY" : "Key";
  const key = await readSecret({
    prompt: `${what} for ${row.displayName}`,
    remedy: `Type it, or pipe it in: openkoi connect ${row.id} < FILE. ${row.keyEnv[0]} works without saving it.`,
  });
  const signals = watchSignals();
  try {
    const answer = await providers.tryKey(row.id, key, signals.signal);
    signals.signal.throwIfAborted();
    if (answer.state === "refused") throw new UserError(`${answer.why}: it was not saved`, "Check the key.");
    await saveKey(app.paths, row.id, key, signals.signal);
    const path = `credentials/${row.id}.key`;
    const status = (await freshStatuses(place)).find(({ id }) => id === row.id);
    if (status?.state === "broken" && status.source === path) {
      await remove(app.paths, row.id, signals.signal);
      throw new UserError(
        `${row.displayName}: that key cannot be used, it was not saved`,
        status.remedy ?? "Check it.",
      );
    }
    if (answer.state === "asked") return `saved in ${path} and works (${answer.models.length} models)`;
    return `saved in ${path}, not checked${answer.why ? ` (${oneLine(answer.why)})` : ""}`;
  } catch (error) {
    throw signals.signal.aborted ? interrupted() : error;
  } finally {
    signals.stop();
  }
}
