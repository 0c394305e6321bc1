import type { SkillShelf } from "../contracts/skill.ts";
import type { Tool } from "../contracts/tool.ts";
import { createBash } from "./bash.ts";
import { defineTool } from "./define.ts";
import { createEdit } from "./edit.ts";
import { createFetch } from "./fetch.ts";
import { createGlob } from "./glob.ts";
import { createGrep } from "./grep.ts";
import { createMemoryTool, type MemoryOptions } from "./memory.ts";
import type { Permissions } from "./permissions.ts";
import { createRead } from "./read.ts";
import { createSkillTool } from "./skill.ts";
import { createTodo } from "./todo.ts";
import { createWrite } from "./write.ts";

export { createToolset, defineTool } from "./define.ts";

export interface BuiltinOptions {
  /** The model takes images and PDFs. */
  images: boolean;
  /** What could only be refused is not offered: it costs room in every request and leads the model astray. */
  permissions?: Permissions;
  /** Absent: no `fetch`. It is offered only where a call could be allowed. */
  web?: { permissions: Permissions; mayBeAsked: boolean };
  /** Offers `todo`: somebody watches. A plan's steps stand in the task itself. */
  list?: boolean;
  /** Absent, or without a skill: no `skill`. */
  skills?: SkillShelf;
  /** Absent: the memory is off, and there is no `memory`. */
  memory?: MemoryOptions;
}

/** The tools of one task, always in this order. `bash` keeps the state of the task's shell, so make them anew for each. */
export function builtinTools(options: BuiltinOptions): Tool[] {
  const { web, skills, memory, permissions } = options;
  const offersWeb = web?.permissions.mayAllow("fetch", "network", web.mayBeAsked);
  const all = [
    defineTool(createRead(options)),
    defineTool(createEdit()),
    defineTool(createWrite()),
    defineTool(createGlob()),
    defineTool(createGrep()),
    defineTool(createBash()),
    ...(offersWeb ? [defineTool(createFetch({ namesHost: (host) => web!.permissions.names("fetch", host) }))] : []),
    ...(options.list ? [defineTool(createTodo())] : []),
    ...(skills && skills.offered().length > 0 ? [defineTool(createSkillTool(skills))] : []),
    ...(memory ? [defineTool(createMemoryTool({ ...memory, keeps: !permissions?.forbids("memory", "write") }))] : []),
  ];
  return all.filter(({ name, effect }) => !permissions?.forbids(name, effect));
}
