/** The environment as it was handed to the process, or as a test makes it up. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The only reader of `process.env`. A copy, so that nobody changes the process by accident. */
export function readEnv(): Env {
  return { ...process.env };
}

/** Changes how a program is loaded: it would run other code inside every child. */
const INJECTORS: ReadonlySet<string> = new Set([
  "BASH_ENV",
  "BUN_BE_BUN",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_NOTIFY",
  "BUN_OPTIONS",
  "DYLD_INSERT_LIBRARIES",
  "ENV",
  "LD_AUDIT",
  "LD_PRELOAD",
  "VSCODE_INSPECTOR_OPTIONS",
]);

/** Doors to an agent or a keyring that would sign, decrypt or start programs for whoever asks. */
const AGENTS: ReadonlySet<string> = new Set([
  "DBUS_SESSION_BUS_ADDRESS",
  "SSH_AGENT_PID",
  "SSH_ASKPASS",
  "SSH_AUTH_SOCK",
]);

/**
 * An environment for children without secrets. What is left out, and why:
 * - everything of OpenKoi (`OPENKOI_*`), so that a nested run does not inherit settings or tokens;
 * - what injects code into every program (`LD_PRELOAD`, `BUN_OPTIONS`, `BASH_ENV`, …). `NODE_OPTIONS` stays where it
 *   only sets limits and flags and goes where it loads code or opens a debugger: editors set it so, and then every
 *   node process of a task would attach;
 * - sockets of agents and keyrings (`SSH_AUTH_SOCK`, `GPG_AGENT_INFO`, …);
 * - names that look like a credential, and values that hold one (a URL with a password, a key of a known form). A
 *   proxy whose URL has a password is therefore not reachable from a task.
 *
 * `extra` is added as it is.
 */
export function childEnv(env: Env, extra: Record<string, string> = {}): Record<string, string> {
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !isSafe(name.toUpperCase(), value)) continue;
    child[name] = value;
  }
  return { ...child, ...extra };
}

function isSafe(name: string, value: string): boolean {
  if (name.startsWith("OPENKOI_") || INJECTORS.has(name) || AGENTS.has(name) || name.startsWith("GPG_AGENT"))
    return false;
  if (name === "NODE_OPTIONS") return !loadsCode(value);
  return !isCredential(name, value);
}

/** True for what must be seen by nobody: by its name, or by its value whatever it is called. */
export function isCredential(name: string, value: string): boolean {
  return namesCredential(name) || holdsCredential(value);
}

function loadsCode(nodeOptions: string): boolean {
  return /(^|[\s"])(-r\b|--(require|import|loader|experimental-loader|inspect))/.test(nodeOptions);
}

/** True for names under which people keep secrets. Rather too many than too few. */
export function namesCredential(name: string): boolean {
  const upper = name.toUpperCase();
  return (
    /(^|_)(TOKEN|JWT|BEARER|COOKIE|DSN|WEBHOOK|PASS|PWD|AUTH|AUTHORIZATION|CONNECTION_STRING|KEY|KEY_ID|KEY_BASE)$/.test(
      upper === "PWD" ? "" : upper,
    ) ||
    /API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH_?TOKEN|(^|_)TOKEN_|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|WEBHOOK_URL|AUTH_CONFIG/.test(
      upper,
    )
  );
}

/** True for values that are a credential whatever they are called. */
function holdsCredential(value: string): boolean {
  return (
    /[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]*:[^\s/?#@]+@/i.test(value) ||
    /^(sk-|ghp_|gho_|ghs_|ghu_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|AIza|npm_|eyJ)[\w.-]{16,}$/.test(value) ||
    value.includes("PRIVATE KEY-----")
  );
}
