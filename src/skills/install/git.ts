import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { firstLine } from "../../base/text.ts";
import type { Exec } from "../../contracts/exec.ts";

/** How long a clone may take, ms. */
const TIMEOUT_MS = 120_000;

/** The protocols that git may use, by the beginning of the URL. */
const PROTOCOLS: readonly [RegExp, string][] = [
  [/^https:\/\//, "https"],
  [/^http:\/\//, "http"],
  [/^file:\/\//, "file"],
  [/^(?:ssh:\/\/|[\w.-]+@[\w.-]+:)/, "ssh"],
];

/** The protocol of a git URL; undefined for what is none. */
export function gitProtocol(source: string): string | undefined {
  return PROTOCOLS.find(([pattern]) => pattern.test(source))?.[1];
}

/** A git URL as it may be shown and kept: without a password or a token. */
export function publicUrl(source: string): string {
  return source.replace(/^(https?:\/\/)[^/?#]*@/, "$1").replace(/^(ssh:\/\/[^/?#:@]*):[^/?#]*@/, "$1@");
}

/**
 * Clones the newest state of a repository into `folder` (which does not exist yet). Nothing of the repository is run:
 * no hooks, filters, submodules or settings of anybody; only the one protocol; nobody is asked for a password.
 * `URL#REF` names a branch or tag.
 */
export async function clone(source: string, folder: string, exec: Exec, signal: AbortSignal): Promise<void> {
  const [url = "", ref] = source.split("#", 2);
  const protocol = gitProtocol(url);
  if (!protocol || /[\s\0]/.test(source) || ref?.startsWith("-")) {
    throw new UserError(`${publicUrl(source)} is no git URL`, "Name one like https://example.org/skills.git");
  }
  const settings = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.allow=never",
    `protocol.${protocol}.allow=always`,
  ];
  const argv = [
    "git",
    ...settings.flatMap((setting) => ["-c", setting]),
    ...["clone", "--quiet", "--depth", "1", "--single-branch", "--no-tags", "--no-recurse-submodules", "--template="],
    ...(ref ? ["--branch", ref] : []),
    "--",
    url,
    folder,
  ];
  const env = {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_LFS_SKIP_SMUDGE: "1",
  };
  const result = await exec.run({ argv, cwd: join(folder, ".."), env, timeoutMs: TIMEOUT_MS }, signal);
  if (result.code === 0) return;
  const why = result.timedOut
    ? `it took longer than ${TIMEOUT_MS / 1000} s`
    : firstLine(result.output.split("\n").findLast((line) => /fatal|error/i.test(line)) ?? result.output);
  throw new UserError(
    `${publicUrl(source)} could not be cloned: ${why.replaceAll(url, publicUrl(url))}`,
    "Check the URL; a private one can be cloned by you, and the folder named.",
  );
}
