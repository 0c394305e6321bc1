import { childEnv, type Env } from "../base/env.ts";

/**
 * The environment of a task's commands: the user's, without secrets, with settings for a reader that is a model and
 * not a terminal. Nothing here changes what a program computes; it only stops programs from asking, paging, painting
 * and calling home. `CI` is deliberately not set: test runners behave differently under it (jest writes no snapshots).
 */
export function taskEnv(env: Env, privateTemp: string): Record<string, string> {
  const child = childEnv(env, {
    TMPDIR: privateTemp,
    TERM: "dumb",
    // Nobody can answer a question.
    GIT_TERMINAL_PROMPT: "0",
    GCM_INTERACTIVE: "never",
    SSH_ASKPASS_REQUIRE: "never",
    DEBIAN_FRONTEND: "noninteractive",
    PIP_NO_INPUT: "1",
    // Nobody can leave a pager or an editor.
    PAGER: "cat",
    GIT_PAGER: "cat",
    MANPAGER: "cat",
    SYSTEMD_PAGER: "cat",
    AWS_PAGER: "",
    EDITOR: "true",
    VISUAL: "true",
    GIT_EDITOR: "true",
    // Lines in the order in which they were printed, also where a time limit cuts the command short.
    PYTHONUNBUFFERED: "1",
    // Notices about the tool itself are noise in what the model reads.
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    DOTNET_NOLOGO: "1",
    DOTNET_CLI_TELEMETRY_OPTOUT: "1",
    HOMEBREW_NO_AUTO_UPDATE: "1",
  });
  for (const name of UNWANTED) delete child[name];
  return child;
}

/**
 * What is added where the registries are out of reach: npm and npx ask three times and wait more than a minute between,
 * for a package that nobody will give them. They still ask once: a registry on the loopback answers.
 */
export function withoutNetworkEnv(env: Env): Record<string, string> {
  return { npm_config_fetch_retries: env["npm_config_fetch_retries"] ?? "0" };
}

/** Colours although there is no terminal; helpers that would open a window; places of the user's own session. */
const UNWANTED = [
  "FORCE_COLOR",
  "CLICOLOR_FORCE",
  "COLORTERM",
  "GIT_ASKPASS",
  "SUDO_ASKPASS",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "TMUX",
  "STY",
  "OLDPWD",
] as const;
