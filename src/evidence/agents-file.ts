import { INSTRUCTION_FILES } from "../base/paths.ts";
import type { Candidate } from "./candidate.ts";
import type { Folder } from "./folder.ts";
import { refusal } from "./proofs.ts";

/** Programs whose commands are taken from prose; others may be anything. */
const RUNNERS =
  /^(?:(?:npm|pnpm|yarn|bun|deno|make|just|task|cargo|go|mix|mvn|\.\/mvnw|gradle|\.\/gradlew|dotnet|tox|nox|rake|composer|uv run|poetry run|npx|bundle exec|python3? -m) .+|pytest|rspec|ctest|tox|nox|(?:\.\/)?[\w./-]*(?:test|check|lint)[\w.-]*(?:\.sh|\.py)?(?: .*)?)$/;

/**
 * Commands that AGENTS.md (or what stands for it) names for testing and linting: inline code or a shell block
 * below a heading, or in a line, that speaks of it. Examples with a place to fill in (`<file>`) are no checks.
 */
export function agentsFileChecks(folder: Folder): Candidate[] {
  const file = INSTRUCTION_FILES.find((name) => folder.has(name));
  if (file === undefined) return [];
  const found = new Map<string, Candidate>();
  let heading = "";
  let fence: string | undefined;
  for (const line of folder.text(file).split(/\r?\n/)) {
    const mark = /^\s*(?:```|~~~)\s*(\w*)/.exec(line);
    if (mark) fence = fence === undefined ? mark[1]! : undefined;
    else if (fence === undefined && line.startsWith("#")) heading = line;
    else if (fence === undefined) {
      for (const [, code] of line.matchAll(/`([^`]+)`/g)) add(code!, `${heading} ${line.replace(/`[^`]+`/g, "")}`);
    } else if (/^(?:|ba|z|k)sh$|^(?:shell|console|text)?$/.test(fence)) add(line.replace(/^\s*\$ /, ""), heading);
  }
  return [...found.values()];

  function add(text: string, about: string): void {
    const command = text.replace(/\s+#.*$/, "").trim();
    const kind = kindOf(command, about);
    if (!kind || found.has(command) || !RUNNERS.test(command)) return;
    if (/[<>[\]{}]|\.\.\.(?!\s*$|\/)|…|path\/to|--watch|--fix/.test(command.replace("./...", "")) || refusal(command))
      return;
    found.set(command, { kind, command, folder, source: file!, runs: literal(command) });
  }
}

function kindOf(command: string, about: string): Candidate["kind"] | undefined {
  const kind = kindOfCommand(command);
  if (kind) return kind;
  return /\btest(?:s|ing)?\b/i.test(about) ? "test" : undefined;
}

/** What a command checks, by the words in it. */
export function kindOfCommand(command: string): Candidate["kind"] | undefined {
  if (
    /(?:^|[\s:./_-])(?:tests?|pytest|unittest|r?spec|jest|vitest|mocha|phpunit|ctest|tox|nox)(?:$|[\s:./_-])/.test(
      command,
    )
  ) {
    return "test";
  }
  return /lint|\btsc\b|type-?check|mypy|pyright|\bruff\b|flake8|clippy|\bvet\b|biome|prettier|rubocop|phpstan|credo|fmt/.test(
    command,
  )
    ? "static"
    : undefined;
}

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}
