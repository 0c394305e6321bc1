import { join } from "node:path";
import type { ProviderSettings } from "./app.ts";
import { createRedactor, type Redactor } from "./base/redact.ts";
import type { Exec, SandboxPosture } from "./contracts/exec.ts";
import type { Kit } from "./contracts/kit.ts";
import type { Toolset } from "./contracts/tool.ts";
import { type ExecInput, type LazyExec, lazyExec } from "./exec/index.ts";
import { projectKey } from "./folders.ts";
import type { Hub } from "./hub.ts";
import type { Root, Scene } from "./launch.ts";
import { builtinTools, createToolset } from "./tools/index.ts";
import { createPermissions, type Permissions } from "./tools/permissions.ts";
import { seenEarlier } from "./tools/seen-earlier.ts";
import type { Workspace } from "./workspace/index.ts";

/** Namespaces, Landlock and seccomp: where all of them hold, what is left is told by `doctor` and docs/SECURITY.md. */
const ALL_LAYERS = 3;

/** Characters of a request from which on a list of what is to be done helps. */
const LONG_TASK = 400;

/** What holds the commands of a task in this workspace. */
export function sandboxOf(
  { env, paths }: Pick<Root, "env" | "paths">,
  { config, workspace }: ProviderSettings,
  addDirs: readonly string[],
  privateTemp: string,
): ExecInput {
  return {
    workspace,
    addDirs,
    env,
    mode: config.sandbox.mode,
    network: config.sandbox.network,
    privateTemp,
    caches: join(paths.cache, "projects", projectKey(workspace)),
    hidden: [paths.home, paths.data],
  };
}

/** The one way in which the task starts processes; `emit` hears what holds them. */
export function openCommands(scene: Scene, privateTemp: string, emit: Hub["emit"]): LazyExec {
  const { here, request, task, skills } = scene;
  const unattended = request.attended !== true || here.config.permissions.mode === "auto";
  const { network } = here.config.sandbox;
  const onUnreached = (reach: string) => {
    const way = `set network = "all" under [sandbox] in ${here.configFile}, or OPENKOI_SANDBOX_NETWORK=all for one run`;
    const message = `${reach} ([sandbox] network = "${network}"); to let them reach others, ${way}`;
    void emit({ type: "warning", code: "sandbox", message });
  };
  const sandbox = { ...sandboxOf(scene, here, task.addDirs, privateTemp), visible: skills.folders(), onUnreached };
  return lazyExec(sandbox, unattended, (posture: SandboxPosture) => {
    void emit({ type: "sandbox", posture });
    if (posture.mode === "off" || posture.layers.length >= ALL_LAYERS) return;
    for (const message of posture.gaps) void emit({ type: "warning", code: "sandbox", message });
  });
}

/** What the task may do without asking. */
export function openPermissions({ here, task, redactor }: Scene): Permissions {
  const { config, grants, workspace } = here;
  const { network } = config.sandbox;
  const { addDirs } = task;
  return createPermissions({ ...config.permissions, network, redactor, saved: grants, workspace, addDirs });
}

interface Parts {
  models: Kit["models"];
  place: Workspace;
  exec: Exec;
  permissions: Permissions;
}

/** Where whole texts lie that were too long for the model: the task's file tools may read them. */
export function outputFolder({ paths, task }: Pick<Scene, "paths" | "task">): string {
  return join(paths.toolOutput, task.id);
}

/** The tools that the task is offered. */
export function openTools(scene: Scene, parts: Parts): Toolset {
  const { clock, request, history, redactor, task, skills, memory } = scene;
  const { models, place, exec, permissions } = parts;
  const watched = request.attended === true;
  const offered = builtinTools({
    images: models.executor.info.capabilities.images,
    permissions,
    web: { permissions, mayBeAsked: watched },
    list: watched && task.description.length >= LONG_TASK,
    skills,
    memory: { access: memory, task: task.id, workspace: task.workspace, holdsSecret: secretFinder(redactor) },
  });
  return createToolset(offered, {
    workspace: task.workspace,
    addDirs: task.addDirs,
    exec,
    redactor,
    permissions,
    readable: skills.folders(),
    outputDir: outputFolder(scene),
    seenEarlier: seenEarlier(history, { workspace: task.workspace, addDirs: task.addDirs, readable: skills.folders() }),
    earlierCalls: history.filter((event) => event.type === "tool_finished").length,
    beforeWrite: (path) => place.cover(path),
    beforeCommand: () => place.notice(),
    afterCommand: () => place.acted(),
    clock,
  });
}

/** Finds the program's own keys, and every known kind of secret, whether or not the task hides those. */
function secretFinder(own: Redactor): (text: string) => boolean {
  const kinds = createRedactor({ secrets: [], kinds: true });
  return (text) => own.hide(text) !== text || kinds.hide(text) !== text;
}
