import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Two texts about the same thing: what is asked, and what should be found. */
export interface Pair {
  from: string;
  query: string;
  document: string;
}

const MOST = 1200;

/**
 * A retrieval set out of public texts (shared/specs; read, never copied): what somebody says about a thing, and the thing
 * itself. Linear's GraphQL schema (a field's description → its signature), the skills corpus (a skill's description → its
 * body), OpenAPI files of GitHub, Jira, Teams, Notion (an operation's summary → its path and description), Exercism
 * (descriptions of the cases → the instructions), HumanEval (docstring → solution).
 */
export function readPairs(specs: string): Pair[] {
  const all = [...linear(specs), ...skills(specs), ...operations(specs), ...exercism(specs), ...humanEval(specs)];
  // A question that two things answer has no right answer, and one that stands in its document is none.
  const asked = new Map<string, number>();
  for (const { query } of all) asked.set(query, (asked.get(query) ?? 0) + 1);
  return all.filter(({ query, document }) => {
    return asked.get(query) === 1 && query.length >= 20 && document.length >= 20 && !document.includes(query);
  });
}

function linear(specs: string): Pair[] {
  const text = readFileSync(join(specs, "api-specs/linear.schema.graphql"), "utf8");
  const fields = text.matchAll(/"""\s*([^"]+?)\s*"""\n {2}(\w+)\(([\s\S]*?)\n {2}\): ([\w[\]!]+)/g);
  return [...fields].map(([, description = "", name = "", inside = "", type = ""]) => {
    const names = inside
      .replace(/"""[\s\S]*?"""/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    return pair("linear", description.replace(/^\[\w+\] /, ""), `${name}(${names.join(", ")}): ${type}`);
  });
}

function skills(specs: string): Pair[] {
  return filesUnder(join(specs, "parsers/skills-corpus"), "SKILL.md").flatMap((path) => {
    const [, head = "", body = ""] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(readFileSync(path, "utf8")) ?? [];
    const [, description] = /^description:\s*["']?(.+?)["']?\s*$/m.exec(head) ?? [];
    return description && description.length > 3 ? [pair("skills", description, body)] : [];
  });
}

const OPENAPI = ["github-rest.slice", "jira-platform.slice", "ms-graph-teams.slice", "notion", "anthropic.slice"];

function operations(specs: string): Pair[] {
  return OPENAPI.flatMap((name) => {
    const { paths } = JSON.parse(readFileSync(join(specs, `api-specs/${name}.openapi.json`), "utf8")) as {
      paths: Record<string, Record<string, { summary?: string; description?: string }>>;
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { summary, description }]) =>
        summary && description && description.length > 60
          ? [pair(name, `${name.split(/[-.]/)[0]}: ${summary}`, `${method} ${path}\n${description}`)]
          : [],
      ),
    );
  });
}

interface Cases {
  description?: string;
  cases?: Cases[];
}

function exercism(specs: string): Pair[] {
  const root = join(specs, "coding-tasks/exercism");
  return readdirSync(root).flatMap((slug) => {
    const told = (cases: Cases): string[] =>
      cases.cases ? cases.cases.flatMap(told) : cases.description ? [cases.description] : [];
    const data = JSON.parse(readFileSync(join(root, slug, "canonical-data.json"), "utf8")) as Cases;
    const name = ["instructions.md", "description.md"].find((each) => readdirSync(join(root, slug)).includes(each));
    return name
      ? [pair("exercism", told(data).slice(0, 8).join("; "), readFileSync(join(root, slug, name), "utf8"))]
      : [];
  });
}

function humanEval(specs: string): Pair[] {
  const lines = readFileSync(join(specs, "coding-tasks/humaneval/humaneval-10.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const row = JSON.parse(line) as { prompt: string; canonical_solution: string; entry_point: string };
    const docstring = /("""|''')\s*([\s\S]*?)(?:>>>|\1)/.exec(row.prompt)?.[2] ?? "";
    return pair("humaneval", docstring, `def ${row.entry_point}\n${row.canonical_solution}`);
  });
}

function pair(from: string, query: string, document: string): Pair {
  return { from, query: query.replace(/\s+/g, " ").trim().slice(0, 400), document: document.trim().slice(0, MOST) };
}

function filesUnder(folder: string, name: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((each) => {
      const path = join(folder, each);
      if (statSync(path).isDirectory()) return filesUnder(path, name);
      return each === name ? [path] : [];
    });
}
