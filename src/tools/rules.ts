import { UserError } from "../base/errors.ts";

/** One line of `[permissions] allow` or `deny`: `tool(pattern)` or `tool`. */
export interface Rule {
  /** Name of a tool, or a pattern for several: `github__*`. */
  tool: string;
  /** It names what it is about: not a whole tool. */
  narrow: boolean;
  matches(subject: string): boolean;
}

/** Throws a UserError for a line that is no rule. */
export function parseRule(text: string): Rule {
  const [, tool, pattern] = /^\s*([\w.*-]+)\s*(?:\((.*)\))?\s*$/s.exec(text) ?? [];
  if (tool === undefined) {
    throw new UserError(
      `permissions: ${JSON.stringify(text)} is not a rule`,
      'Write tool(pattern), e.g. "bash(npm test*)".',
    );
  }
  if (pattern === undefined || pattern === "" || pattern === "*" || pattern === "**") {
    return { tool, narrow: false, matches: () => true };
  }
  return { tool, narrow: true, matches: matcher(pattern) };
}

/** The rule for this very subject; undefined where it could not be written without meaning more. */
export function exactRule(tool: string, subject: string): string | undefined {
  return /\*|\/$/.test(subject) || subject.trim() === "" ? undefined : `${tool}(${subject})`;
}

export function isAbout(rule: Rule, tool: string): boolean {
  return rule.tool === tool || (rule.tool.includes("*") && wildcard(rule.tool).test(tool));
}

/** `npm test:*` is `npm test` and `npm test …`; `*` is anything, also slashes; `src/` is all below it. */
function matcher(pattern: string): (subject: string) => boolean {
  if (pattern.endsWith(":*")) {
    const prefix = pattern.slice(0, -2);
    return (subject) => subject === prefix || subject.startsWith(`${prefix} `);
  }
  const expression = wildcard(pattern.endsWith("/") ? `${pattern}*` : pattern);
  return (subject) => expression.test(subject);
}

function wildcard(pattern: string): RegExp {
  const parts = pattern.split(/\*+/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
